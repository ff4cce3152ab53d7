"""What people look for on a fault day, over all states."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from support import until

if TYPE_CHECKING:
    from scenarios.faultday import Day


def look_around(day: Day) -> None:
    """Count all jobs, read which errors came, page through some while others move them, and note that it was done."""
    day.insist(lambda: day.app.audit.record("ann", "look", "day"))
    day.insist(day.app.counts)
    day.insist(day.app.failures.page)
    day.insist(lambda: day.app.search(count=10))
    day.insist(lambda: day.app.search("class:work -queue:shelf", count=10))


def operate(day: Day) -> None:
    """Let workers enqueue what is kept for later and delete what waits then; and think better of a third operation."""
    ops, shelf = day.app.operations, day.app.jobs["work"].using(queue="shelf")
    day.insist(lambda: shelf.enqueue_in("1h"))
    for action, state in (("enqueue", "scheduled"), ("delete", "queued")):
        begun = day.insist(partial(ops.start, action, "queue:shelf", state=state))
        until(partial(_is_done, day, begun.id), 25)
    assert not day.insist(lambda: day.app.queue("shelf").size)
    unwanted = day.insist(lambda: ops.start("delete", "jid:nobody", state="dead"))
    day.insist(lambda: ops.cancel(unwanted.id))


def _is_done(day: Day, name: str) -> bool:
    found = day.insist(lambda: day.app.operations.find(name))
    return found is not None and found.status == "done"
