"""A store that comes back empty is reported as such; all go on with it, and what ran ends."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest

from scenarios.harness import Office, Process, eventually
from scenarios.observed import leases
from scenarios.record import at_length, record

WORKERS = at_length(3, 8)
#: Seconds between two beats.
BEAT = 2
#: Seconds within which everybody has registered again, and for which the server is away.
BAR = 10
AWAY = at_length((0.0,), (0.0, 10.0, 60.0))


@dataclass
class Seen:
    """What was seen of one loss.

    Attributes:
        registered: Seconds until all workers were owners with a lease again; None if not in time.
        lost: How many jobs the store lost.
    """

    registered: float | None
    lost: int


def empty(office: Office, away: float, mutant: str = "") -> Seen:
    """Restart the server without its data while jobs run and wait."""
    for _ in range(WORKERS):
        office.start(mutant, concurrency=2).ready()
    # Enough deliveries that the count of the new history stays behind it.
    office.until_done(office.push_many("work", [(1,)] * 400))
    running = office.push_many("work", [((away + 3) * 1000,)] * WORKERS)
    eventually(lambda: {line["jid"] for line in office.runs("start")} >= set(running))
    later = [office.app.jobs["work"].enqueue_in(3600, 1).jid for _ in range(5)]
    office.pushed |= dict.fromkeys(later, "work")
    # Each has read the count after that: it does so at every other beat.
    since = time.time()
    eventually(lambda: beats(office) > since + 1.2 * BEAT)

    office.server.kill9()
    wait(away)
    office.server.start()
    begun = time.monotonic()
    registered = None
    try:
        eventually(lambda: all_registered(office), 5 if mutant else BAR)
        registered = time.monotonic() - begun
    except AssertionError:
        assert mutant
    eventually(lambda: office.done() >= set(running), away + 20)
    return Seen(registered, len(set(office.pushed) - office.done() - set(office.stored())))


def wait(seconds: float) -> None:
    """Return after *seconds*."""
    begun = time.monotonic()
    eventually(lambda: time.monotonic() - begun >= seconds, seconds + 5)


def all_registered(office: Office) -> bool:
    """Return True if each worker is an owner that nobody can suspect, and is shown."""
    found = leases(office)
    return len(found) == WORKERS == office.server.client.scard("processes") and min(found.values()) > 0


def beats(office: Office) -> float:
    """Return when the worker that is silent for longest was heard of, in unix seconds."""
    client = office.server.client
    return min(float(client.hget(each, "beat")) for each in client.smembers("processes"))


def reports(worker: Process) -> list[tuple[int, int]]:
    """Return the losses that *worker* reported: deliveries before, and now."""
    return [(line["before"], line["now"]) for line in worker.events("store.lost_history")]


@pytest.mark.parametrize("away", AWAY)
def test_all_register_again_on_a_store_that_was_emptied_and_say_so(private_server, offices, away):
    office = offices(private_server(), timing={"LEASE": 15, "BEAT": BEAT})

    seen = empty(office, away)

    eventually(lambda: all(reports(worker) for worker in office.processes), BAR)
    record(
        "F6",
        f"the server killed and started again without its data after {away:.0f} s, {WORKERS} workers with jobs under way",
        "all registered within 10 s, nothing ends, each says what was lost",
        registered=round(seen.registered or 0, 2),
        reported=sum(bool(reports(worker)) for worker in office.processes),
        lost=seen.lost,
        ended=sum(worker.popen.poll() is not None for worker in office.processes),
    )
    assert seen.lost == 5
    assert all(len(reports(worker)) == 1 and reports(worker)[0][0] >= 400 for worker in office.processes)
    assert all(worker.popen.poll() is None for worker in office.processes)
    # They work on, and what they take is kept safe.
    more = office.push_many("work", [(1,)] * 100)
    office.until_done(more)


def test_the_checker_finds_workers_that_nobody_would_miss(private_server, offices):
    office = offices(private_server(), timing={"LEASE": 15, "BEAT": BEAT})

    assert empty(office, 0.0, mutant="mutants_server.forgotten").registered is None
