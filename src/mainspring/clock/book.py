"""What stands in the store about the entries, and which of them this clock serves.

The store holds every entry as data. Those of the App's own code are served with the
code's questions and hooks, as long as the store holds the same version of them: what
an older or a newer release defines otherwise is left to the clocks of that release.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from mainspring.base import codec
from mainspring.base.errors import MainspringError, StoreError, StoreUnavailable
from mainspring.clock import report
from mainspring.clock.hand import Hand
from mainspring.clock.host import Host
from mainspring.schedule import record
from mainspring.schedule.entry import Entry
from mainspring.store import entries, periodic
from mainspring.store.command import Command
from mainspring.store.entries import Stored
from mainspring.store.periodic import Entered, Poll, Standing

T = TypeVar("T")

#: Most entries of one call.
CHUNK = entries.MOST
#: How often entering is tried while other releases enter in the same instant.
TRIES = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of the book.

    Attributes:
        entry: The entry.
        stored: What the store knows of it.
    """

    entry: Entry
    stored: Stored

    def hand(self, awake: float) -> Hand:
        """Return the entry's hand, which has not looked yet.

        Args:
            awake: Since when a clock has been running for it, unix seconds.
        """
        known = self.stored
        rule = self.entry.rule.anchored(known.anchor)
        begin = self.entry.first_counted(rule, known.anchor, known.since)
        last = max(begin, known.last or begin)
        return Hand(self.entry, rule, last, awake=awake, stamp=known.stamp, runs=known.runs)


class Book:
    """The entries as the store has them.

    Attributes:
        is_current: Whether the App's own code is the one that counts; True if it defines nothing.
    """

    def __init__(self, app: Host, alive_ms: int = periodic.ALIVE_MS) -> None:
        """Begin without having read anything.

        Args:
            app: The App; its entries are taken when the book is opened.
            alive_ms: For how long after its last poll the clock is taken for alive.
        """
        self.is_current = True
        self._app = app
        self._ns = app.namespace
        self._alive_ms = alive_ms
        self._digest = ""
        self._version = -1
        self._stamps: dict[str, str] = {}
        self._names: set[str] = set()
        self._read: dict[str, tuple[str, Entry | None]] = {}

    def open(self) -> tuple[float, list[Line]]:
        """Define the App's own entries, unless a newer release has, and read all that can be served.

        Returns:
            The server's time, and the entries; one that is paused is not among them.
        """
        self._define()
        # The version comes before the entries: what changes in between is read twice, and never missed.
        self._version = self._app.store.run(self._poll()).version
        self._names = self._living()
        found = list(self._lines(self._names))
        now = found[-1][0] if found else self._app.store.run(periodic.server_time())
        return now, [line for _, lines in found for line in lines.values() if line is not None]

    def enter(self) -> bool:
        """Ask for the App's code, which defines something, to count; return whether it does."""
        return self._enter().status is Standing.COUNTS

    def poll(self) -> Poll:
        """Ask for the server's time, and whether anything has changed."""
        found = self._app.store.run(self._poll())
        self.is_current = found.is_current or not self._stamps
        return found

    def is_outdated(self, poll: Poll) -> bool:
        """Return True if the book must be opened anew: the store has lost its data."""
        return poll.version < self._version

    def news(self, poll: Poll) -> dict[str, Line | None]:
        """Return what has changed, according to *poll*; None for what is gone, paused, or not to be served here."""
        if poll.version == self._version:
            return {}
        changed = self._app.store.run(entries.changed(self._ns, self._version))
        self._names |= set(changed)
        news: dict[str, Line | None] = {}
        if self._app.store.run(entries.count(self._ns)) != len(self._names):
            living = self._living()
            news = dict.fromkeys(self._names - living)
            self._names = living
            for name in news:
                self._read.pop(name, None)
        for _, lines in self._lines(changed):
            news.update(lines)
        self._version = poll.version
        return news

    def again(self, name: str) -> Line | None:
        """Return the entry *name* as it is now, after the store has refused a claim; None as in `news`."""
        return next(iter(self._lines([name])))[1][name]

    # --- defining --------------------------------------------------------------------

    def _define(self) -> None:
        definitions = [self._app.definition(entry) for entry in self._app.schedule.values()]
        self._stamps = {one.name: one.stamp for one in definitions}
        self._digest = record.code_digest(self._stamps) if definitions else ""
        # A process without a schedule of its own, such as one that was given another module, removes nothing.
        entered = self._enter() if definitions else None
        self.is_current = entered is None or entered.status is Standing.COUNTS
        if entered is None or not self.is_current:
            return
        chunks = [definitions[i : i + CHUNK] for i in range(0, len(definitions), CHUNK)]
        self._all([entries.define(self._ns, chunk, origin=entries.CODE, digest=self._digest) for chunk in chunks])
        self._remove_gone(entered.number)

    def _enter(self) -> Entered:
        entered = Entered(Standing.AGAIN, 0, "")
        for _ in range(TRIES):
            current = entered.current or self._app.store.run(periodic.current_code(self._ns))
            entered = self._app.store.run(periodic.enter(self._ns, self._digest, current, ttl_ms=self._alive_ms))
            if entered.status is not Standing.AGAIN:
                return entered
        raise StoreUnavailable("other releases enter all the time", applied=True)

    def _remove_gone(self, number: int) -> None:
        living = self._app.store.run(entries.names(self._ns))
        gone = [name for name in living if name not in self._stamps]
        for part in _parts(gone):
            call = entries.remove(self._ns, part, origin=entries.CODE, digest=self._digest, number=number)
            answers = self._app.store.run(call)
            report.removed([name for name, was_removed in zip(part, answers, strict=True) if was_removed])

    # --- reading ----------------------------------------------------------------------

    def _poll(self) -> Command[Poll]:
        return periodic.poll(self._ns, self._digest, ttl_ms=self._alive_ms)

    def _living(self) -> set[str]:
        names = self._app.store.run(entries.names(self._ns))
        return set(names)

    def _lines(self, names: Iterable[str]) -> Iterator[tuple[float, dict[str, Line | None]]]:
        """Read entries in parts; each part comes with the server's time."""
        parts = list(_parts(list(names)))
        for part, (now, rows) in zip(parts, self._all([entries.read(self._ns, part) for part in parts]), strict=True):
            yield now, {name: self._line(name, row) for name, row in zip(part, rows, strict=True)}

    def _line(self, name: str, stored: Stored | None) -> Line | None:
        if stored is None:
            self._read.pop(name, None)
        entry = None if stored is None or stored.paused is not None else self._entry(name, stored)
        return None if stored is None or entry is None else Line(entry, stored)

    def _entry(self, name: str, stored: Stored) -> Entry | None:
        if self._stamps.get(name) == stored.stamp:
            return self._app.schedule[name]
        if stored.origin == entries.CODE:
            return None
        stamp, entry = self._read.get(name, ("", None))
        if stamp != stored.stamp:
            entry = self._from_data(name, stored.definition)
            self._read[name] = (stored.stamp, entry)
        return entry

    def _from_data(self, name: str, definition: bytes) -> Entry | None:
        try:
            return record.entry(name, codec.decode(definition), self._app.schedule)
        except MainspringError as error:
            # A newer version may write what this one cannot read; the others go on.
            report.unreadable(name, error)
            self._app.handlers.error(error, None)
            return None

    def _all(self, commands: Sequence[Command[T]]) -> list[T]:
        """Run *commands* in one pipeline; an error of one is an error of all."""
        answers = self._app.store.pipeline(commands) if commands else []
        for answer in answers:
            if isinstance(answer, StoreError):
                raise answer
        return cast("list[T]", answers)


def _parts(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[i : i + CHUNK] for i in range(0, len(names), CHUNK))
