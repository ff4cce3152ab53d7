"""The store as the demo's check sees it: what still waits, what is dead, and which ticks came.

This is the one file here that looks behind mainspring's public face, because the check
must know of each tick at which nominal time it was due.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from examples.admissions.evidence import StoreEvidence, Ticks
from examples.admissions.ledger import SETTLED, Event, Line
from mainspring import App
from mainspring.schedule.entry import Entry
from mainspring.schedule.ticks import jid
from mainspring.store import entries
from mainspring.store.entries import Stored

# A tick that came due within this many seconds before the clock was stopped may have been enqueued or not.
MARGIN = 1.0


def look(app: App, lines: Collection[Line], *, clock_stopped_at: float) -> StoreEvidence:
    """Gather what the store says, when nothing moves any more."""
    return StoreEvidence(
        waiting=frozenset(_waiting(app)),
        dead=frozenset(job.jid for job in app.dead),
        ticks=_ticks(app, lines, clock_stopped_at),
    )


def is_idle(app: App, lines: Collection[Line]) -> bool:
    """Say whether nothing waits, and nothing that was pushed or begun is without an end."""
    if any(True for _ in _waiting(app)):
        return False
    ended = {line.jid for line in lines if line.event in SETTLED}
    open_ended = {line.jid for line in lines} - ended
    return not open_ended or open_ended <= {job.jid for job in app.dead}


def _waiting(app: App) -> Iterator[str]:
    for queue in app.queues:
        yield from (job.jid for job in queue)
    yield from (job.jid for job in app.scheduled)
    yield from (job.jid for job in app.retries)


def _ticks(app: App, lines: Collection[Line], stopped_at: float) -> dict[str, Ticks]:
    schedule = list(app.schedule.values())
    pushed = {line.jid for line in lines if line.event is Event.PUSHED}
    _, known = app.store.run(entries.read(app.namespace, [entry.name for entry in schedule]))
    found = {}
    for entry, stored in zip(schedule, known, strict=True):
        begun = {line.jid for line in lines if line.event is Event.STARTED and line.job == entry.job}
        times = {jid(entry.name, tick, app.namespace): tick for tick in _times(entry, stored, stopped_at + MARGIN)}
        found[entry.name] = _compare(times, begun, stopped_at, pushed)
    return found


def _compare(times: dict[str, float], begun: set[str], stopped_at: float, pushed: set[str]) -> Ticks:
    seen = frozenset(times[each] for each in begun & times.keys())
    due = frozenset(tick for tick in times.values() if tick <= stopped_at - MARGIN)
    return Ticks(ideal=due | seen, seen=seen, strangers=frozenset(begun - times.keys() - pushed))


def _times(entry: Entry, stored: Stored | None, end: float) -> Iterator[float]:
    if stored is None:
        # The clock was killed before it had told the store of its entries.
        return
    rule = entry.rule.anchored(stored.anchor)
    tick = rule.after(entry.first_counted(rule, stored.anchor, stored.since))
    while tick is not None and tick <= end:
        yield tick
        tick = rule.after(tick)
