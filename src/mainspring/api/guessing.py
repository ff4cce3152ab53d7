"""Reads what can be asked for by name only, names and all, in one round trip where somebody guesses the names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mainspring.store.command import Command
from mainspring.store.connection import Store


@dataclass(frozen=True, slots=True)
class Guessed:
    """What was read in one round trip.

    Attributes:
        names: All names, sorted.
        chosen: Those that were asked for.
        own: The answers to what was asked of them.
        others: The answers to what else was asked.
    """

    names: Sequence[str]
    chosen: Sequence[str]
    own: Sequence[Any]
    others: Sequence[Any]


def look(
    store: Store,
    names: Command[list[str]],
    ask: Callable[[Sequence[str]], Sequence[Command[Any]]],
    *,
    guess: Sequence[str],
    choose: Callable[[Sequence[str]], Sequence[str]],
    others: Sequence[Command[Any]] = (),
) -> Guessed:
    """Read some of what has a name; further round trips are made until the names were guessed.

    Args:
        store: The store.
        names: Reads all names.
        ask: Returns what is asked of some.
        guess: All names, as they were when somebody looked last.
        choose: Returns of all names those that are asked for.
        others: What else is asked.

    Raises:
        StoreError: If the store does not answer one of the calls.
    """
    known = list(guess)
    while True:
        chosen = choose(known)
        questions = ask(chosen)
        answers = store.pipeline([names, *questions, *others])
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        known = sorted(answers[0])
        if choose(known) == chosen:
            end = 1 + len(questions)
            return Guessed(known, chosen, answers[1:end], answers[end:])
