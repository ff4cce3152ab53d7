"""Marks deploys: by hand, or when a process starts whose release the store has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from mainspring.base.errors import InvalidOption, StoreError
from mainspring.metrics.series import Deploy
from mainspring.store import marks
from mainspring.store.command import Command
from mainspring.store.connection import Store

#: The longest label, in characters.
LONGEST: Final = 200
#: In how many minutes a free place is looked for.
_MINUTES: Final = 5


def mark(store: Store, label: str, at: float) -> Deploy:
    """Mark a deploy; see `Metrics.mark_deploy`.

    Raises:
        InvalidOption: If the label cannot be one, or five minutes in a row have marks of others.
        StoreError: If the store does not answer.
    """
    label = label.strip()
    if not label or len(label) > LONGEST:
        raise InvalidOption(f"the label of a deploy has 1 to {LONGEST} characters, not {len(label)}")
    for minute in range(int(at // 60) * 60, int(at // 60 + _MINUTES) * 60, 60):
        # The answer to the first may be lost: so it is made sure that it is ours, not that it is new.
        answers = _told(store, [marks.mark(label, minute), marks.label_at(minute), marks.keep(minute)])
        if answers[1] == label:
            _told(store, marks.note(label, at))
            return Deploy(float(minute), label)
    raise InvalidOption(f"other deploys are marked in each of these {_MINUTES} minutes; mark this one later")


def note_release(store: Store, label: str, at: float) -> bool:
    """Mark the release of a process that starts, if the store has not seen it in ninety days.

    Of many processes that start together, one does.

    Returns:
        True if this call marked it.

    Raises:
        StoreError: If the store does not answer.
    """
    label = label.strip()[:LONGEST]
    if not label or store.run(marks.seen(label)) or not store.run(marks.claim(label)):
        return False
    mark(store, label, at)
    return True


def _told(store: Store, commands: Sequence[Command[Any]]) -> list[Any]:
    answers = store.pipeline(commands)
    for answer in answers:
        if isinstance(answer, StoreError):
            raise answer
    return answers
