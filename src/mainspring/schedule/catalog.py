"""The entries of one App, by name, each checked when it is defined.

The rules' own modules are imported with the first entry: an App without a schedule does not need them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Unpack

from mainspring.base.durations import Duration, seconds
from mainspring.base.errors import InvalidDuration, InvalidName, InvalidSchedule
from mainspring.schedule.entry import Entry, EntryOptions
from mainspring.schedule.ticks import MISSED, Missed, Rule

_LONGEST_NAME = 255


class Catalog(Mapping[str, Entry]):
    """The schedule of one App: entry names to entries, in the order of their definition."""

    def __init__(self, tz: str = "UTC") -> None:
        """Begin without entries.

        Args:
            tz: The IANA zone of entries that name none.

        Raises:
            InvalidSchedule: If there is no such zone.
        """
        self.tz = tz
        if tz != "UTC":
            self._zone(tz)
        self._entries: dict[str, Entry] = {}

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
            period: At least 0.1 s; with *at*, whole days.
            job: The job's full name.
            at: ``"HH:MM"``, or several of these.
            tz: The IANA zone of *at*.
            options: See `EntryOptions`.

        Raises:
            InvalidSchedule: Whatever cannot be meant, and what would be right.
            InvalidName: If the entry's name cannot be stored or shown.
        """
        from mainspring.schedule import every

        rule = every.rule(period, at, self._zone(tz))
        return self._add(job, rule, _in_words(period, at), self._zone(tz), **options)

    def cron(self, expression: str, job: str, *, tz: str | None = None, **options: Unpack[EntryOptions]) -> Entry:
        """Add an entry that runs *job* by a five-field cron *expression*; errors as for `every`."""
        from mainspring.schedule import crontab

        rule = crontab.parse(expression, self._zone(tz))
        return self._add(job, rule, rule.expression, self._zone(tz), **options)

    def __getitem__(self, name: str) -> Entry:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def _zone(self, tz: str | None) -> str:
        from mainspring.schedule import crontab

        name = self.tz if tz is None else tz
        # Also for an entry that needs no zone: a wrong one must not wait to be found.
        crontab.zone(name)
        return name

    def _add(
        self,
        job: str,
        rule: Rule,
        schedule: str,
        tz: str,
        *,
        name: str | None = None,
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
        queue: str | None = None,
        missed: Missed = "once",
        grace: Duration | None = None,
        skip_first_run: bool = False,
        description: str | None = None,
    ) -> Entry:
        entry = Entry(
            name=self._numbered(job) if name is None else self._fresh(name),
            job=job,
            rule=rule,
            schedule=schedule,
            tz=tz,
            args=_arguments(args),
            kwargs=dict(kwargs or {}),
            queue=queue,
            missed=_missed(missed),
            grace=_grace(grace),
            skip_first_run=_switch("skip_first_run", skip_first_run),
            description=_description(description),
        )
        self._entries[entry.name] = entry
        return entry

    def _numbered(self, job: str) -> str:
        name, number = job, 1
        while name in self._entries:
            number += 1
            name = f"{job}.{number}"
        return name

    def _fresh(self, name: object) -> str:
        if not isinstance(name, str) or not name.isprintable() or not 0 < len(name.encode()) <= _LONGEST_NAME:
            raise InvalidName(f"{name!r} is no name for an entry: write 1 to {_LONGEST_NAME} bytes of printable text")
        if name in self._entries:
            raise InvalidSchedule(name, "name: another entry has this name; each needs its own")
        return name


def _in_words(period: Duration, at: str | Sequence[str] | None) -> str:
    if at is None:
        return f"every {period}"
    return f"every {period} at {at if isinstance(at, str) else ', '.join(at)}"


def _arguments(args: Sequence[object]) -> tuple[object, ...]:
    if isinstance(args, str | bytes) or not isinstance(args, Sequence):
        raise InvalidSchedule(args, "args: write a list of the job's arguments, such as [42]")
    return tuple(args)


def _missed(missed: Missed) -> Missed:
    if missed not in MISSED:
        raise InvalidSchedule(missed, f"missed: write one of {', '.join(map(repr, MISSED))}")
    return missed


def _switch(option: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidSchedule(value, f"{option}: write True or False")
    return value


def _description(text: object) -> str | None:
    if text is not None and not isinstance(text, str):
        raise InvalidSchedule(text, "description: write a text")
    return text


def _grace(grace: Duration | None) -> float | None:
    if grace is None:
        return None
    try:
        return seconds(grace)
    except InvalidDuration as error:
        raise InvalidSchedule(grace, f"as grace: {error}") from error
