"""The part of the day of `faultday` on which jobs pass gates: they wait, are let in, and are taken out of their lanes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mainspring import App
from support import until

if TYPE_CHECKING:
    from scenarios.faultday import Day


def make_jobs(app: App, ran: Callable[[], None]) -> None:
    """Make jobs that wait for each kind of gate; no worker serves the queue of the last."""
    app.job(name="narrow", concurrency=1)(ran)
    app.job(name="metered", limits=[app.limiter.window("day", 5, "300ms")])(ran)
    app.job(name="turn", fair_by=lambda a: a.school)(lambda school: ran())
    app.job(name="boxed", concurrency=1, queue="boxes")(ran)


def wait_in_lanes(day: Day) -> None:
    """Push more than the gates allow at once, and take some out of a lane that nobody opens."""
    narrow, metered, turn, boxed = (day.app.jobs[name] for name in ("narrow", "metered", "turn", "boxed"))
    day.push(lambda: narrow.enqueue_many([()] * 6))
    day.push(lambda: metered.enqueue_many([()] * 12))
    day.push(lambda: turn.enqueue_many([("a",), ("a",), ("b",)]))
    day.insist(lambda: boxed.enqueue_many([()] * 5))
    waiting = day.insist(lambda: list(day.app.gates["c:boxed"].jobs()))
    day.insist(waiting[0].delete)
    day.insist(lambda: day.app.queue("boxes").clear())
    day.insist(lambda: day.app.queue("boxes").clear())
    until(lambda: not day.client.llen("mainspring:lane:c:boxed"))


def has_lanes(day: Day) -> bool:
    """Return whether jobs wait in lanes."""
    return any(True for _ in day.client.scan_iter("mainspring:lane:*"))
