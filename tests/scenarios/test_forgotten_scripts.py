"""A server that forgets its scripts twenty times a second disturbs nobody."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mainspring.base.errors import PushAmbiguous, PushFailed
from mainspring.store import replies
from scenarios.harness import Office, Verdict, check, eventually
from scenarios.record import at_length, record

SECONDS = at_length(3.0, 60.0)
PERIOD = 0.05


@contextmanager
def forgetting(office: Office) -> Iterator[list[int]]:
    """Let the server forget its scripts every 50 ms; gives what counts how often."""
    told, count = threading.Event(), [0]

    def flush() -> None:
        while not told.wait(PERIOD):
            office.server.client.script_flush()
            count[0] += 1

    thread = threading.Thread(target=flush)
    thread.start()
    try:
        yield count
    finally:
        told.set()
        thread.join()


def produce(office: Office, seconds: float) -> tuple[list[str], list[str]]:
    """Push for a while, blocking and awaiting; return the jobs that were awaited, and what went wrong."""
    awaited: list[str] = []
    errors: list[str] = []
    end = time.monotonic() + seconds

    async def push() -> None:
        job, later = office.app.jobs["work"], office.app.jobs["fail_once"]
        while time.monotonic() < end:
            try:
                awaited.append((await job.aenqueue(0)).jid)
                awaited.append((await later.aenqueue_in(0.1)).jid)
            except (PushFailed, PushAmbiguous) as error:
                errors.append(str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), 0.01)
        await office.app.aclose()

    thread = threading.Thread(target=lambda: asyncio.run(push()))
    thread.start()
    while time.monotonic() < end:
        try:
            office.push_many("work", [(office.rng.uniform(0, 2),) for _ in range(10)])
        except (PushFailed, PushAmbiguous) as error:
            errors.append(str(error))
        thread.join(0.02)
    thread.join()
    return awaited, errors


def forget(office: Office, seconds: float) -> tuple[Verdict, int, list[str]]:
    """Let the server forget its scripts under load; return the verdict, how often, and the errors that surfaced."""
    for _ in range(2):
        office.start(concurrency=4)
    for worker in office.processes:
        worker.ready()
    with forgetting(office) as count:
        awaited, errors = produce(office, seconds)
    office.pushed |= dict.fromkeys(awaited, "work")
    office.until_done(timeout=60)
    eventually(lambda: not office.stored())
    errors += [line["msg"] for worker in office.processes for line in worker.events() if line["event"] in TROUBLE]
    return check(office, "forgotten-scripts", forgotten=count[0], errors=len(errors)), count[0], errors


TROUBLE = {"store.gone", "service.error", "process.fenced", "process.late"}


def test_scripts_that_are_forgotten_under_load_cause_no_error(office):
    found, count, errors = forget(office, SECONDS)

    record(
        "F18",
        f"SCRIPT FLUSH every {PERIOD * 1000:.0f} ms for {SECONDS:.0f} s under two workers and two producers",
        "0 errors surface",
        flushes=count,
        errors=len(errors),
        jobs=found.done,
        lost=found.lost,
        twice=found.dup,
    )
    assert count > 20
    assert errors == []
    assert (found.lost, found.dup, found.overlap, found.copies) == (0, 0, 0, 0)
    assert found.done == found.pushed


def test_the_count_finds_callers_that_take_it_for_an_error(office, monkeypatch):
    monkeypatch.setattr(replies, "is_noscript", lambda answer: False)

    _, _, errors = forget(office, 1.0)

    assert errors
