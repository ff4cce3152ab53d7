"""A server that is full and refuses to store is drained by its workers, who stay alive; and people can look and delete."""

from __future__ import annotations

import asyncio
import time

import pytest

from mainspring import PushFailed
from scenarios.harness import Office, check, eventually
from scenarios.observed import leases, reclaims
from scenarios.record import at_length, record

JOBS = at_length(2_000, 50_000)
#: Seconds for which it stays full, after it was drained: longer than the lease.
FULL = at_length(4.5, 30.0)
WAY_OUT = r"the store is full and refuses writes.*workers still drain it.*free memory, or raise maxmemory"


def fill(office: Office, mutant: str = "") -> None:
    """Give two workers much to do, some of which fails at first, on a server that has no memory left."""
    for _ in range(2):
        office.start(mutant, concurrency=4).ready()
    for worker in office.processes:
        worker.became("ready")
    client = office.server.client
    client.sadd("paused", "default")
    eventually(lambda: not office.in_flight())
    office.push_many("work", [(0,)] * JOBS)
    office.push_many("fail_once", [()] * (JOBS // 100))
    client.config_set("maxmemory", "1mb")
    client.srem("paused", "default")


def is_refused(office: Office) -> str:
    """Push in two ways, and return what was said."""
    job = office.app.jobs["work"]
    with pytest.raises(PushFailed, match=WAY_OUT) as caught:
        job.enqueue(1)
    with pytest.raises(PushFailed, match=WAY_OUT):
        asyncio.run(job.aenqueue_in(3600, 1))
    return str(caught.value)


def watch(office: Office, seconds: float) -> tuple[int, int]:
    """Watch for a while; return how many beats were seen, and how often a process was seen without a lease."""
    client = office.server.client
    begun, beats, lapsed = time.monotonic(), set(), 0
    while time.monotonic() - begun < seconds:
        lapsed += sum(left == -2 for left in leases(office).values())
        beats |= {(each, client.hget(each, "beat")) for each in client.smembers("processes")}
        client.wait(1, 50)
    return len(beats), lapsed


def test_a_full_server_is_drained_to_the_last_job(private_server, offices):
    office = offices(private_server())
    fill(office)
    said = is_refused(office)
    seen = office.app.queue("default").jobs(count=10).items
    assert len(seen) == 10

    office.until_done(timeout=60 + JOBS / 100)
    beats, lapsed = watch(office, FULL)
    is_refused(office)
    held = reclaims(office)
    office.server.client.config_set("maxmemory", "0")
    office.until_done([office.push("work", 1)])

    found = check(office, "full", beats=beats, lapsed=lapsed)
    record(
        "F15",
        f"{JOBS:,} jobs, a hundredth of which fails once, on a full server, and {FULL:.0f} s more",
        "drained to empty, heartbeats live, push raises PushFailed with the way out",
        done=found.done,
        left=found.pushed - found.done,
        reclaims=held,
        leases_lapsed=lapsed,
        said=said[:200],
    )
    assert (found.lost, found.dup, found.copies, found.dead) == (0, 0, 0, 0)
    assert found.done == found.pushed
    assert beats > FULL
    assert held == lapsed == 0


def test_people_can_look_at_a_full_server_and_delete(private_server, offices):
    office = offices(private_server())
    office.push_many("work", [(0,)] * 50)
    office.app.jobs["work"].using(queue="other").enqueue_many([(0,)] * 50)
    office.app.jobs["work"].enqueue_in(3600, 0)
    office.server.client.config_set("maxmemory", "1mb")

    assert office.app.stats().enqueued == 100
    first, second, third, *_ = office.app.queue("default")
    assert first.delete()
    assert second.kill()
    assert third.reschedule(4e9)
    assert office.app.dead.retry(second.jid)
    assert office.app.queue("other").clear() == 50
    assert office.app.scheduled.clear() == 2
    assert len(office.app.queue("default")) == 48
    office.pushed.clear()


def test_the_checker_finds_workers_that_cannot_drain_a_full_server(private_server, offices):
    office = offices(private_server())
    fill(office, mutant="mutants_calls.lmove")
    worker = office.processes[0]

    eventually(lambda: any("is full" in str(line) for line in worker.events("store.gone")))

    assert check(office, "full-mutant").done < JOBS // 2
    left = office.server.client.llen("queue:default")
    assert left > JOBS // 4
    begun = time.monotonic()
    eventually(lambda: time.monotonic() - begun > 1)
    assert office.server.client.llen("queue:default") == left
