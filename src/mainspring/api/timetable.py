"""The schedule at one moment: entries with their next times and what became of their last ticks, in one round trip."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

import msgspec

from mainspring.api.entries import PeriodicEntry
from mainspring.api.outside import Host
from mainspring.base import payload
from mainspring.base.errors import StoreError
from mainspring.store import entries, periodic, search
from mainspring.store.entries import Stored
from mainspring.store.periodic import Ended, Past
from mainspring.store.search import Position

Fate: TypeAlias = Literal["ok", "late", "skipped", "missed", "manual"]

#: How many of an entry's last ticks stand in its line.
TICKS: Final = 30
#: Seconds by which a tick may come later than it was due, and still counts as on time: two beats of a clock.
ON_TIME: Final = 5.0
#: Seconds after which a tick that no clock has settled is overdue: clocks look every second, and wait for stores.
OVERDUE: Final = 15.0
#: How often the names are asked again if they change meanwhile.
_TRIES: Final = 3

#: How many jobs in flight are looked at for those of entries.
_IN_FLIGHT: Final = 500


class _Job(msgspec.Struct):
    jid: str = ""


_job: Final = msgspec.json.Decoder(_Job)
_FATES: Final[dict[str, Fate]] = {
    "caught_up": "late",
    "skipped": "skipped",
    "missed": "missed",
    "manual": "manual",
    "backfilled": "manual",
}


class Tick(msgspec.Struct, frozen=True, gc=False):
    """What became of one tick, for a strip of many; made in C, as a page has thousands.

    Attributes:
        fate: ``"ok"``, ``"late"`` if it came more than five seconds after its time or was caught up, ``"skipped"``,
            ``"missed"``, or ``"manual"`` for a run that no tick asked for.
        at: The nominal time, in unix seconds.
        late: Seconds from when it was due, jitter included, to when it was settled.
        why: Why it was skipped, in the words of `PastTick.why`; empty if it was not.
        folded: How many missed ticks were left out for it.
        jid: Its job's id; empty if there was none.
        outcome: How the job's last run ended, in the words of `PastTick.outcome`; ``"running"`` of an entry's newest
            job that is found among those in flight; empty if it has not run yet, or no worker has told.
        ended_at: When that was, in unix seconds; None likewise.
    """

    fate: Fate
    at: float
    late: float
    why: str
    folded: int
    jid: str
    outcome: str = ""
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of the timetable.

    Attributes:
        entry: The entry.
        ticks: Its last ticks, the oldest first; 30 at most.
        next: Its next tick; None if there is none.
        overdue: Seconds for which a tick has waited for a clock; 0 if none does.
    """

    entry: PeriodicEntry
    ticks: Sequence[Tick]
    next: datetime | None
    overdue: float

    @property
    def last(self) -> Tick | None:
        """What became of its newest tick; None if it never had one."""
        return self.ticks[-1] if self.ticks else None

    @property
    def result(self) -> Tick | None:
        """The newest tick that has a job, with what became of that; None if none has."""
        return next((tick for tick in reversed(self.ticks) if tick.jid), None)

    @property
    def lag(self) -> float | None:
        """By how many seconds its ticks came late, in the middle; None if none was enqueued on its own."""
        found = sorted(tick.late for tick in self.ticks if tick.fate in {"ok", "late"})
        return found[len(found) // 2] if found else None

    @property
    def worst(self) -> float | None:
        """By how many seconds the latest of them came late; None as for `lag`."""
        return max((tick.late for tick in self.ticks if tick.fate in {"ok", "late"}), default=None)


@dataclass(frozen=True, slots=True)
class Timetable:
    """Some of the entries.

    Attributes:
        names: The names of all entries, in order.
        lines: The entries that were chosen of them.
    """

    names: Sequence[str]
    lines: Sequence[Line]


def read(
    app: Host, choose: Callable[[Sequence[str]], Sequence[str]], guess: Sequence[str] = (), *, ticks: int = TICKS
) -> Timetable:
    """Return the timetable, in one round trip if *guess* is right; one more asks what runs, if a job has no end yet.

    Args:
        app: The App.
        choose: Returns those of all names, which are in order, that are wanted: at most 500.
        guess: All names, as they were when they were read last.
        ticks: How many of the last ticks of each are read, up to 100.

    Raises:
        StoreError: If the store cannot be asked.
    """
    names, chosen = list(guess), choose(guess)
    answers = _ask(app, chosen, ticks)
    for _ in range(_TRIES):
        names = sorted({*answers[0], *app.schedule})
        if choose(names) == chosen:
            break
        chosen = choose(names)
        answers = _ask(app, chosen, ticks)
    now, stored = answers[1]
    rows = zip(chosen, stored, answers[2::2], answers[3::2], strict=True)
    lines = (_line(app, name, row, now, (past, ends)) for name, row, past, ends in rows)
    return Timetable(names, _with_running(app, [line for line in lines if line is not None]))


def _ask(app: Host, names: Sequence[str], ticks: int) -> list[Any]:
    ns = app.namespace
    # A job that failed has more ends than one.
    ends = min(ticks + ticks // 2, periodic.HISTORY)
    histories = [ask for name in names for ask in (periodic.history(ns, name, ticks), periodic.ends(ns, name, ends))]
    answers = app.store.pipeline([entries.names(ns), entries.read(ns, names), *histories])
    for answer in answers:
        if isinstance(answer, StoreError):
            raise answer
    return answers


def _with_running(app: Host, lines: list[Line]) -> list[Line]:
    """Return the lines, in which those jobs are told that are in flight; 500 of these are looked at."""
    open_ = {line.result.jid for line in lines if line.result is not None and not line.result.outcome}
    if not open_:
        return lines
    running = {_jid(hit.raw) for hit in app.store.run(search.running(Position(), _IN_FLIGHT)).hits}
    found = open_ & running
    return [
        replace(
            line,
            ticks=[
                msgspec.structs.replace(tick, outcome="running") if tick.jid in found else tick for tick in line.ticks
            ],
        )
        for line in lines
    ]


def _jid(raw: bytes) -> str:
    try:
        return _job.decode(raw).jid
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""


def _line(
    app: Host, name: str, stored: Stored | None, now: float, past: tuple[Sequence[Past], Mapping[str, Ended]]
) -> Line | None:
    if stored is not None:
        entry = PeriodicEntry.stored(app, stored, now)
    elif name in app.schedule:
        entry = PeriodicEntry.unregistered(app, app.schedule[name], now)
    else:
        return None
    history, ends = past
    return Line(entry, [_tick(entry, each, ends) for each in reversed(history)], entry.next, entry.overdue)


def _tick(entry: PeriodicEntry, past: Past, ends: Mapping[str, Ended]) -> Tick:
    record = past.record
    at = payload.unix(record.get("tick")) or past.at
    kind, folded, jid, why = record.get("kind"), record.get("folded"), record.get("jid"), record.get("why")
    late = max(0.0, round(past.at - at - entry.delay(at), 3))
    on_time: Fate = "ok" if late <= ON_TIME else "late"
    end = ends.get(jid) if isinstance(jid, str) else None
    return Tick(
        _FATES.get(str(kind), on_time),
        at,
        late,
        why if isinstance(why, str) else "",
        folded if isinstance(folded, int) else 0,
        jid if isinstance(jid, str) else "",
        "" if end is None else end.outcome,
        None if end is None else end.at,
    )
