"""Limiters and gates side by side, at one moment: what limits jobs, how much of it is used, what waits by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from mainspring.api import gates as gating
from mainspring.api.gates import GateState
from mainspring.api.limiters import LimiterState
from mainspring.base.errors import StoreError
from mainspring.base.timesource import TimeSource
from mainspring.store import gates, limiters
from mainspring.store.command import Command
from mainspring.store.connection import Store
from mainspring.store.limiters import Limit, Usage

#: How many of each are read at once.
ROWS: Final = 100
#: The most gates whose names are read.
_MOST_GATES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Board:
    """Some of the limiters and gates.

    Attributes:
        limiters: Limiters by name.
        limiter_count: How many there are that were meant.
        gates: Gates by which jobs wait, by name.
        gate_count: How many there are that were meant.
        guess: What makes the next look one round trip, if nothing comes or goes.
    """

    limiters: Sequence[LimiterState]
    limiter_count: int
    gates: Sequence[GateState]
    gate_count: int
    guess: Sequence[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which are meant.

    Attributes:
        text: What their names hold, whatever the case.
        name: What they are called, exactly; empty for whatever.
        first_limiter: How many limiters are left out.
        first_gate: How many gates are left out.
    """

    text: str = ""
    name: str = ""
    first_limiter: int = 0
    first_gate: int = 0

    def means(self, name: str) -> bool:
        """Return whether *name* is meant."""
        return name == self.name if self.name else self.text.lower() in name.lower()


def read(store: Store, time: TimeSource, asked: Asked, guess: Sequence[str] = ()) -> Board:
    """Return the board, in one round trip if *guess* is right, else in two.

    Raises:
        StoreError: If the store cannot be asked.
    """
    shown = [limit for limit in map(limiters.read_spec, guess) if limit is not None]
    named = [name for name in guess if limiters.read_spec(name) is None]
    specs, crowded, *answers = _ask(store, shown, named)
    found = [limit for limit in _limits(specs, time.now()) if asked.means(limit.name)]
    names = [name for name in sorted(name for name, _ in crowded) if asked.means(name)]
    limits, waited = found[asked.first_limiter :][:ROWS], names[asked.first_gate :][:ROWS]
    if limits != shown or waited != named:
        answers = _ask(store, limits, waited)[2:]
    used: list[Usage] = answers[0] if limits else []
    states = [LimiterState.of(limit, usage) for limit, usage in zip(limits, used, strict=True)]
    rest = answers[1:] if limits else answers
    guessed = [*(limit.spec for limit in limits), *waited]
    return Board(states, len(found), gating.states_in(waited, rest), len(names), guessed)


def _ask(store: Store, limits: Sequence[Limit], names: Sequence[str]) -> list[Any]:
    calls: list[Command[Any]] = [limiters.shown(), gates.crowded(_MOST_GATES)]
    calls += [limiters.usage(limits)] if limits else []
    answers = store.pipeline([*calls, *gating.questions(names)])
    for answer in answers:
        if isinstance(answer, StoreError):
            raise answer
    return answers


def _limits(specs: Sequence[tuple[str, float]], now: float) -> list[Limit]:
    """Return the newest of each kind and name, by name, as the code's numbers may have changed."""
    newest: dict[tuple[str, str], Limit] = {}
    for spec, until_ms in specs:
        limit = limiters.read_spec(spec)
        if limit is not None and until_ms > now * 1000:
            newest[limit.name, limit.kind] = limit
    return [newest[key] for key in sorted(newest)]
