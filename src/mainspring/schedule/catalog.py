"""The entries of one App, by name, each checked when it is defined.

All that makes an entry is imported with the first one: an App without a schedule does not need it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, NamedTuple, Unpack, cast

from mainspring.base.durations import Duration, seconds
from mainspring.base.errors import InvalidSchedule, MainspringError

if TYPE_CHECKING:
    from mainspring.schedule.entry import Entry, EntryOptions
    from mainspring.schedule.row import Row


class Problem(NamedTuple):
    """An entry that could not be defined.

    Attributes:
        where: File and line of the definition.
        error: What is wrong.
    """

    where: str
    error: MainspringError


_problems: Final[ContextVar[list[Problem] | None]] = ContextVar("mainspring_problems", default=None)


@contextmanager
def collect() -> Iterator[list[Problem]]:
    """Note what is wrong with entries that are defined meanwhile, in place of raising it.

    A module that defines ten entries of which three are wrong tells of all three.
    """
    found: list[Problem] = []
    token = _problems.set(found)
    try:
        yield found
    finally:
        _problems.reset(token)


def note(where: str, error: MainspringError) -> bool:
    """Note what is wrong, if problems are collected here; return whether they are."""
    found = _problems.get()
    if found is None:
        return False
    found.append(Problem(where, error))
    return True


def broken() -> Entry:
    """Return what stands for an entry that could not be defined; it is in no schedule, and never due."""
    from mainspring.schedule import making
    from mainspring.schedule.ticks import Never

    return making.entry(making.What("broken", Never(), "never", "UTC"), name="broken")


class Catalog(Mapping[str, "Entry"]):
    """The schedule of one App: entry names to entries, in the order of their definition."""

    def __init__(self, tz: str = "UTC") -> None:
        """Begin without entries.

        Args:
            tz: The IANA zone of entries that name none.

        Raises:
            InvalidSchedule: If there is no such zone.
        """
        self.tz = _zone(tz)
        self._entries: dict[str, Entry] = {}
        #: Where each is written, by name, as ``file:line``.
        self.places: dict[str, str] = {}

    def every(
        self,
        period: Duration,
        job: str,
        *,
        at: str | Sequence[str] | None = None,
        tz: str | None = None,
        **options: Unpack[EntryOptions],
    ) -> Entry:
        """Add an entry that runs *job* each *period*, or with *at* at times of day.

        Args:
            period: At least 0.1 s.
            job: The job's full name.
            at: ``"12:00"``, ``"**:15"``, ``"Monday 12:30"``, or several of these.
            tz: The IANA zone of *at*.
            options: See `EntryOptions`.

        Raises:
            InvalidSchedule: Whatever cannot be meant, and what would be right.
            InvalidName: If the entry's name cannot be stored or shown.
        """
        return self._add(self.every_entry(period, job, at=at, tz=tz, **options))

    def cron(self, expression: str, job: str, *, tz: str | None = None, **options: Unpack[EntryOptions]) -> Entry:
        """Add an entry that runs *job* by a cron *expression*, or a phrase; errors as for `every`."""
        return self._add(self.cron_entry(expression, job, tz=tz, **options))

    def every_entry(
        self,
        period: Duration,
        job: str,
        *,
        at: str | Sequence[str] | None = None,
        tz: str | None = None,
        **options: Unpack[EntryOptions],
    ) -> Entry:
        """Return an entry as `every` adds it, without adding it."""
        from mainspring.schedule import every, making

        zone = _zone(self.tz if tz is None else tz)
        rule = every.rule(period, at, zone, dst=options.get("dst", "vixie"))
        times = making.times(at)
        what = making.What(job, rule, making.in_words(period, times), zone, every=seconds(period), at=times)
        return making.entry(what, **self._named(job, options))

    def cron_entry(self, expression: str, job: str, *, tz: str | None = None, **options: Unpack[EntryOptions]) -> Entry:
        """Return an entry as `cron` adds it, without adding it."""
        from mainspring.schedule import expressions, making

        named = self._named(job, options)
        zone, dst = _zone(self.tz if tz is None else tz), options.get("dst", "vixie")
        rule = expressions.parse(expression, zone, name=named["name"] or "", dst=dst)
        return making.entry(making.What(job, rule, rule.text, rule.tz, cron=rule.text), **named)

    def row_entry(self, row: Row) -> Entry:
        """Return the entry that a *row* says, without adding it; errors as for `every`."""
        options = cast("EntryOptions", {**row.options, "name": row.name})
        if row.cron is not None:
            return self.cron_entry(row.cron, row.job, tz=row.tz, **options)
        return self.every_entry(row.every or 0, row.job, at=row.at, tz=row.tz, **options)

    def __getitem__(self, name: str) -> Entry:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def _add(self, entry: Entry) -> Entry:
        if entry.name in self._entries:
            raise InvalidSchedule(entry.name, "name: another entry has this name; each needs its own")
        self._entries[entry.name] = entry
        return entry

    def _named(self, job: str, options: EntryOptions) -> EntryOptions:
        """Return *options* with a name: the job's, numbered from the second entry on, where none was given."""
        named = options.copy()
        name, number = job, 1
        while name in self._entries:
            number += 1
            name = f"{job}.{number}"
        named["name"] = name if options.get("name") is None else options["name"]
        return named


def _zone(name: str) -> str:
    if name != "UTC":
        from mainspring.schedule import zones

        # Also for an entry that needs no zone: a wrong one must not wait to be found.
        zones.zone(name)
    return name
