"""The part of the day of `faultday` on which jobs hold locks, belong to batches, and are cancelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mainspring import App
from mainspring.features.batches import Batch
from mainspring.job import Enqueued
from mainspring.store import keys
from support import until

if TYPE_CHECKING:
    from scenarios.faultday import Day


def make_jobs(app: App, ran: Callable[[], None]) -> None:
    """Make jobs that hold a lock until they start, or until they have ended."""
    app.job(name="once", unique_for="1h")(lambda number: ran())
    app.job(name="again", unique_for="1h", unique_until="start")(lambda number: ran())


def lock_and_gather(day: Day) -> None:
    """Enqueue unique jobs twice, fill a batch and go on filling it, cancel another, and cancel a job that runs."""
    once, again = day.app.jobs["once"], day.app.jobs["again"]
    for number in range(3):
        day.push(lambda number=number: _stored(once.enqueue_many([(number,), (number,)])))
        day.push(lambda number=number: _stored([again.enqueue(number)]))
    later = day.insist(lambda: once.using(queue="shelf").enqueue_in("1h", 1))
    day.insist(lambda: day.app.scheduled.delete(later.jid or later.duplicate_of))
    day.insist(lambda: _filled(day))
    day.insist(day.insist(lambda: _filled(day)).cancel)
    until(lambda: not any(True for _ in day.client.scan_iter(keys.lock("*"))), 20)


def _stored(made: list[Enqueued]) -> list[Enqueued]:
    return [each for each in made if each.duplicate_of is None]


def _filled(day: Day) -> Batch:
    """Fill a batch in two blocks; whoever met an error fills another."""
    work = day.app.jobs["work"].using(queue="shelf")
    with day.app.batch("the day") as batch:
        work.enqueue_many([()] * 2)
    with batch:
        work.enqueue()
    day.app.queue("shelf").clear()
    return batch


def cancel_what_runs(day: Day) -> None:
    """Tell a process to end a job that it runs; the job does not listen."""
    (jid,) = day.holding[:1]
    assert day.insist(lambda: day.app.cancel(jid)) == "told"
