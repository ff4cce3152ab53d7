"""Periodic entries, as people look at them and steer them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Final, cast

from mainspring.api import past_ticks, runs
from mainspring.api.outside import Host
from mainspring.api.past_ticks import PastTick
from mainspring.base import codec, durations
from mainspring.base.durations import Duration
from mainspring.base.errors import InvalidOption, InvalidSchedule, MainspringError, StoreError, UnknownEntry
from mainspring.job import Enqueued
from mainspring.schedule import record
from mainspring.schedule.entry import Entry
from mainspring.schedule.ticks import MILLISECOND, Never, Rule
from mainspring.schedule.zones import zone
from mainspring.store import entries, periodic
from mainspring.store.command import Command
from mainspring.store.entries import Pause, Stored

#: How many lines of the history are read where nobody says otherwise.
HISTORY: Final = 25
#: The most coming ticks that are computed at once.
MOST_UPCOMING: Final = 1_000


@dataclass(frozen=True, slots=True)
class PeriodicEntry:
    """One periodic entry, as it was when it was read.

    Attributes:
        name: Its name.
        job: The name of the job that it enqueues.
        schedule: Its rule as it was written.
        tz: The IANA zone of its times, and of all times here.
        description: For people.
        args: Positional arguments of the job, as JSON.
        kwargs: Keyword arguments of the job, as JSON.
        queue: In place of the job's own queue.
        missed: What becomes of ticks for which no clock ran.
        overlap: What becomes of a tick whose last run is not done.
        origin: Who defined it: ``"code"``, ``"api"``, or ``"sync:NAME"`` for the source *NAME*.
        is_paused: True if its ticks are passed over.
        is_registered: False if it stands in this App's code, and no clock has registered it yet.
        last: Its newest nominal tick that was settled, with a job or without; None if none was.
        problem: Why this release cannot read it, as what a newer one has written; None if it can.
        definition: All that it says, for what is not listed here.
    """

    name: str
    job: str
    schedule: str
    tz: str
    description: str | None
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    queue: str | None
    missed: str
    overlap: str
    origin: str
    is_paused: bool
    is_registered: bool
    last: datetime | None
    problem: str | None
    definition: Entry = field(repr=False, compare=False)
    _stored: Stored = field(repr=False)
    _now: float = field(repr=False, compare=False)
    _app: Host = field(repr=False, compare=False)

    @classmethod
    def stored(cls, app: Host, stored: Stored, now: float) -> PeriodicEntry:
        """Return the entry that the store has.

        Args:
            app: The App.
            stored: What the store has.
            now: The server's time.
        """
        entry, problem = _read(app, stored)
        return cls._of(app, entry, stored, now, problem=problem)

    @classmethod
    def unregistered(cls, app: Host, entry: Entry, now: float) -> PeriodicEntry:
        """Return an *entry* of the App's code that no clock has registered yet, as if one did *now*."""
        anchor = round(now, 3)
        paused = anchor if entry.paused else None
        stored = Stored(entry.name, b"", "", "", entries.CODE, 0, anchor, anchor - MILLISECOND, None, paused, ())
        return cls._of(app, entry, stored, now, is_registered=False)

    @classmethod
    def _of(
        cls,
        app: Host,
        entry: Entry,
        stored: Stored,
        now: float,
        *,
        problem: str | None = None,
        is_registered: bool = True,
    ) -> PeriodicEntry:
        return cls(
            name=entry.name,
            job=entry.job,
            schedule=entry.schedule,
            tz=entry.tz,
            description=entry.description,
            args=entry.args,
            kwargs=entry.kwargs,
            queue=entry.queue,
            missed=entry.missed,
            overlap=entry.overlap,
            origin=stored.origin,
            is_paused=stored.paused is not None,
            is_registered=is_registered,
            last=None if stored.last is None else datetime.fromtimestamp(stored.last, zone(entry.tz)),
            problem=problem,
            definition=entry,
            _stored=stored,
            _now=now,
            _app=app,
        )

    # --- when ------------------------------------------------------------------------

    @property
    def words(self) -> str:
        """When it is due, in words: ``"at 09:00, monday to friday"``."""
        return str(self.wording)

    @property
    def wording(self) -> str:
        """The same as a `Phrase`, which can be said in other languages, unless a person has written it so."""
        from mainspring.schedule import words

        if self.definition.cron is None:
            return words.period_in_words(self.schedule)
        return words.cron_in_words(self.definition.cron)

    @property
    def next(self) -> datetime | None:
        """Its next nominal tick; None if there is none, or it cannot be read here.

        It runs then, or later by its jitter, unless it is paused.
        """
        return next(iter(self.upcoming(1)), None)

    def upcoming(self, n: int = 10) -> list[datetime]:
        """Return its next *n* nominal ticks, from 1 to 1,000; fewer if it ends.

        Raises:
            InvalidOption: If *n* is out of bounds.
        """
        return self._times(islice(self._ticks(), _count(n, MOST_UPCOMING)))

    @property
    def overdue(self) -> float:
        """For how many seconds a tick has been due that no clock has settled; 0 if none is, or it is paused."""
        if self.is_paused or not self.is_registered:
            return 0.0
        rule, known = self._rule, self._stored
        begin = self.definition.first_counted(rule, known.anchor, known.since)
        due = rule.after(max(begin, known.last or begin))
        return 0.0 if due is None else max(0.0, self._now - due - self.delay(due))

    def delay(self, tick: float) -> float:
        """Return the seconds by which its jitter puts off the nominal *tick*, in unix seconds."""
        return self.definition.delay(self._rule, tick) if self.definition.jitter else 0.0

    @property
    def place(self) -> str:
        """Where it is written, as ``file:line``; empty if that is not in this App's code."""
        return self._app.schedule.places.get(self.name, "") if self.origin == entries.CODE else ""

    def history(self, n: int = HISTORY) -> list[PastTick]:
        """Return what became of its newest *n* ticks, the newest first; 100 are kept.

        Raises:
            InvalidOption: If *n* is out of bounds.
        """
        ns, count = self._app.namespace, _count(n, periodic.HISTORY)
        asked: list[Command[Any]] = [periodic.history(ns, self.name, count), periodic.ends(ns, self.name)]
        answers = self._app.store.pipeline(asked)
        for answer in answers:
            if isinstance(answer, StoreError):
                raise answer
        found, ends = answers
        return [past_ticks.read(line, self.definition, self._rule, zone(self.tz), ends) for line in found]

    # --- steering ----------------------------------------------------------------------

    def pause(self) -> bool:
        """Pass over its ticks from now on; return True unless it was paused.

        Raises:
            InvalidOption: If no clock has registered it yet.
            UnknownEntry: If it was deleted meanwhile.
        """
        return self._steer(entries.pause)

    def resume(self) -> bool:
        """Let its ticks count again, from now on; return True unless they did. Raises as `pause`."""
        return self._steer(entries.resume)

    def delete(self) -> None:
        """Take it away with its history. One that a source still names comes back.

        Raises:
            InvalidSchedule: If it stands in code.
            UnknownEntry: If it was deleted meanwhile.
        """
        if self.origin == entries.CODE:
            raise InvalidSchedule(self.name, "it stands in code, and is taken out there; here it can be paused")
        (is_deleted,) = self._app.store.run(entries.remove(self._app.namespace, [self.name], origin=entries.ANY))
        if not is_deleted:
            raise UnknownEntry(self.name)

    def trigger(self, args: Sequence[Any] | None = None) -> Enqueued:
        """Enqueue its job now, whether it is paused or not; its ticks stay as they are.

        Args:
            args: In place of its own positional arguments.

        Raises:
            WrongArguments: If the arguments do not fit the job.
            PushFailed: If it is certainly not stored; trigger it again.
            PushAmbiguous: If nobody can tell.
            UnknownEntry: If it was deleted meanwhile.
            InvalidSchedule: If it cannot be read here.
        """
        run = runs.manual(self._app, self._readable(), self._time(), args, is_stored=self.is_registered)
        return runs.send(self._app, self.name, [run])[0]

    def backfill_ticks(self, start: datetime | str | float, end: datetime | str | float) -> list[datetime]:
        """Return the nominal ticks for which `backfill` would enqueue jobs, and enqueue none."""
        return self._times(self._between(start, end, self._time()))

    def backfill(
        self, start: datetime | str | float, end: datetime | str | float, *, spread: Duration | None = None
    ) -> list[Enqueued]:
        """Enqueue its job for each nominal tick from *start* to *end*, exclusive, oldest first.

        It does not matter whether a tick has run. Its job has the same id each time that it is
        filled in, which is another than that of the scheduled run.

        Args:
            start: A time; without a zone it is meant in the entry's.
            end: Likewise; not in the future.
            spread: A duration; the jobs are due evenly within it, and not all at once.

        Raises:
            InvalidOption: If *end* lies in the future, or there are more than 1,000 ticks.
            InvalidSchedule: If *start* or *end* is no time; or the entry cannot be read here.
            PushFailed: If some are certainly not stored; the error names them.
            PushAmbiguous: If nobody can tell whether some are.
            UnknownEntry: If it was deleted meanwhile.
        """
        over = 0.0 if spread is None else durations.seconds(spread)
        now = self._time()
        found = self._between(start, end, now)
        made = runs.past(self._app, self._readable(), now, found, over, is_stored=self.is_registered)
        return runs.send(self._app, self.name, list(made))

    # --- within ------------------------------------------------------------------------

    @property
    def _rule(self) -> Rule:
        return self.definition.rule.anchored(self._stored.anchor)

    def _ticks(self) -> Iterator[float]:
        rule, known = self._rule, self._stored
        begin = self.definition.first_counted(rule, known.anchor, known.since)
        # The first tick of one that is not registered may be this very instant.
        tick = rule.after(max(begin, known.last or begin, self._now if self.is_registered else begin))
        while tick is not None:
            yield tick
            tick = rule.after(tick)

    def _between(self, start: datetime | str | float, end: datetime | str | float, now: float) -> tuple[float, ...]:
        return runs.ticks_between(self._readable(), self._stored.anchor, start, end, now)

    def _times(self, ticks: Iterator[float] | Sequence[float]) -> list[datetime]:
        within = zone(self.tz)
        return [datetime.fromtimestamp(tick, within) for tick in ticks]

    def _time(self) -> float:
        return self._app.store.run(periodic.server_time())

    def _readable(self) -> Entry:
        if self.problem is not None:
            raise InvalidSchedule(self.name, f"this release cannot read the entry: {self.problem}")
        return self.definition

    def _steer(self, verb: Callable[[str, str], Command[Pause]]) -> bool:
        found = self._app.store.run(verb(self._app.namespace, self.name))
        if found is Pause.UNKNOWN and self.name in self._app.schedule:
            raise InvalidOption(
                f"{self.name!r} stands in code, and no clock has registered it yet; start one, or write paused=True"
            )
        if found is Pause.UNKNOWN:
            raise UnknownEntry(self.name)
        return found is Pause.CHANGED


def _read(app: Host, stored: Stored) -> tuple[Entry, str | None]:
    """Return what a stored entry says, and why it cannot be read."""
    data: Mapping[str, object] = {}
    try:
        data = cast("Mapping[str, object]", codec.decode(stored.definition))
        return record.entry(stored.name, data, app.schedule), None
    except (MainspringError, AttributeError, TypeError) as error:
        known = data if isinstance(data, dict) else {}
        entry = Entry(stored.name, str(known.get("job", "")), Never(), str(known.get("schedule", "")))
        return entry, str(error)


def _count(n: int, most: int) -> int:
    if not isinstance(n, int) or not 1 <= n <= most:
        raise InvalidOption(f"n={n!r}: write a number from 1 to {most:,}")
    return n
