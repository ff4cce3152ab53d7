"""Two middlewares that write the ledger: one around enqueueing, one around running."""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol

from examples.admissions.ledger import Event, Ledger
from examples.admissions.settings import Settings
from mainspring import Discard, Enqueued, Snooze


class Witnessed(Protocol):
    """What mainspring gives a middleware, as far as this one looks at it."""

    jid: str
    name: str


def push(job: Witnessed) -> Generator[None, Enqueued, None]:
    """Note each job that the store has acknowledged; not one in whose place another stands."""
    enqueued = yield
    if enqueued.duplicate_of is not None:
        return
    Ledger(Settings.read().ledger).write(Event.PUSHED, job.jid, job.name)


def run(job: Witnessed) -> Generator[None, None, None]:
    """Note the beginning and the end of each run."""
    ledger = Ledger(Settings.read().ledger)
    ledger.write(Event.STARTED, job.jid, job.name)
    try:
        yield
    except BaseException as raised:
        ledger.write(_event_of(raised), job.jid, job.name)
        raise
    ledger.write(Event.DONE, job.jid, job.name)


def _event_of(raised: BaseException) -> Event:
    match raised:
        case Discard():
            return Event.DISCARDED
        case Snooze():
            return Event.SNOOZED
        case Exception():
            return Event.FAILED
    return Event.CUT  # a worker that stops ends what it runs with what is no Exception
