"""What one source wants in the store, and what is there: the difference is written, and nothing else.

It remembers what it has stored, so that a source whose rows stay as they are costs one
call. Other clocks with the same source write the same; the store answers that it is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar, cast

from mainspring.api import outside
from mainspring.api.outside import Host
from mainspring.base.errors import InvalidSchedule, StoreError
from mainspring.clock.rows import Answer
from mainspring.schedule.source import MOST_ENTRIES, Source
from mainspring.store import entries
from mainspring.store.command import Command
from mainspring.store.entries import Definition, Outcome

T = TypeVar("T")

#: Seconds after which what was stored is looked for in the store, in case that another release has changed it.
TRUST: Final = 60.0

_CHUNK: Final = entries.MOST


class Ledger:
    """The entries of one source."""

    def __init__(self, app: Host, source: Source) -> None:
        """Begin without knowing what is in the store.

        Args:
            app: The App.
            source: The source.
        """
        self._app = app
        self._ns = app.namespace
        self._origin = source.origin
        self._stamps: dict[str, str] = {}
        self._others: set[str] = set()
        self._looked = app.time.monotonic()

    def names(self) -> set[str]:
        """Return the names of all entries that there are."""
        found = self._app.store.run(entries.names(self._ns))
        return set(found)

    def settle(self, answer: Answer, names: set[str]) -> tuple[list[str], list[str]]:
        """Store what a source has answered, and delete what it names no more.

        Args:
            answer: The answer; what cannot be stored is added to what is wrong with it.
            names: The names of all entries, asked for before the source was: what another clock has
                stored since then, from rows that are newer, has not lost its row.

        Returns:
            The names of entries that were new or had changed, and of those that were deleted.
        """
        now = self._app.time.monotonic()
        if now - self._looked > TRUST:
            self._stamps, self._others, self._looked = {}, set(), now
        return self._define(answer, names), self._remove(answer, names)

    def _define(self, answer: Answer, names: set[str]) -> list[str]:
        wanted = answer.definitions.values()
        new = [one for one in wanted if self._stamps.get(one.name) != one.stamp or one.name not in names]
        free = self._without_others(new, names, answer)
        parts = _parts(free)
        calls = [entries.define(self._ns, part, origin=self._origin, limit=MOST_ENTRIES) for part in parts]
        outcomes = [each for found in self._all(calls) for each in found.results]
        for one, outcome in zip(free, outcomes, strict=True):
            self._note(one, outcome, answer)
        return [one.name for one, outcome in zip(free, outcomes, strict=True) if outcome > Outcome.SAME]

    def _note(self, one: Definition, outcome: Outcome, answer: Answer) -> None:
        if outcome is Outcome.OF_CODE:
            answer.wrong[one.name] = outside.taken(one.name, entries.CODE)
        elif outcome is Outcome.TOO_MANY:
            answer.wrong[one.name] = InvalidSchedule(one.name, outside.TOO_MANY)
        else:
            self._stamps[one.name] = one.stamp

    def _without_others(self, wanted: Sequence[Definition], names: set[str], answer: Answer) -> list[Definition]:
        """Return those of *wanted* that are not the entries of somebody else."""
        there = [one.name for one in wanted if one.name in names]
        read = self._all([entries.read(self._ns, part) for part in _parts(there)])
        known = [found for _, part in read for found in part if found is not None]
        taken = {found.name: outside.taken(found.name, found.origin) for found in known if found.origin != self._origin}
        answer.wrong.update(taken)
        return [one for one in wanted if one.name not in taken]

    def _remove(self, answer: Answer, names: set[str]) -> list[str]:
        """Delete the source's entries that have no row; one whose row is wrong has one."""
        gone = names - answer.definitions.keys() - answer.wrong.keys() - self._others if answer.is_whole else set()
        order = sorted(gone)
        calls = [entries.remove(self._ns, part, origin=self._origin) for part in _parts(order)]
        deleted = [each for found in self._all(calls) for each in found]
        # What was not deleted is not the source's, so there is no need to try it again.
        self._others |= {name for name, is_deleted in zip(order, deleted, strict=True) if not is_deleted}
        self._others &= names - answer.definitions.keys()
        for name in gone:
            self._stamps.pop(name, None)
        return [name for name, is_deleted in zip(order, deleted, strict=True) if is_deleted]

    def _all(self, commands: Sequence[Command[T]]) -> list[T]:
        """Make calls in one round trip; an error of one is an error of all."""
        answers = self._app.store.pipeline(commands)
        for answer in answers:
            if isinstance(answer, StoreError):
                raise answer
        return cast("list[T]", answers)


def _parts(items: Sequence[T]) -> list[Sequence[T]]:
    return [items[i : i + _CHUNK] for i in range(0, len(items), _CHUNK)]
