"""A process that was declared dead and wakes up changes nothing, and goes on as another."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from scenarios import program
from scenarios.harness import Office, Process, check, eventually
from scenarios.kills import Producer
from scenarios.record import at_length, record


def frozen(office: Office, mutant: str = "") -> str:
    """Freeze a worker for longer than lease and grace while a job that will fail runs on it; thaw it; return the job."""
    worker = office.start(mutant, concurrency=2).ready()
    jid = office.push("fail_if_first", 1500)
    eventually(lambda: office.runs("start", jid))
    worker.signal(signal.SIGSTOP)
    office.write(event="killed", pid=worker.pid)
    other = office.start(concurrency=2).ready()
    office.until_done([jid], timeout=15)
    assert office.runs("done", jid)[0]["pid"] == other.pid

    worker.signal(signal.SIGCONT)
    eventually(lambda: office.runs("failed", jid))
    eventually(lambda: worker.events("process.fenced"))
    other.signal(signal.SIGTSTP)
    other.became("quiet")
    after = office.push("work", 1)
    office.until_done([after])
    assert office.runs("start", after)[0]["pid"] == worker.pid
    return jid


def test_a_thawed_worker_takes_a_new_identity_and_its_old_outcome_is_refused(office):
    jid = frozen(office)

    worker = office.processes[0]
    eventually(lambda: worker.events("job.fenced"))
    found = check(office, "freeze")
    assert (found.lost, found.dup, found.overlap, found.copies) == (0, 0, 0, 0)
    assert jid not in office.stored()
    assert int(office.server.client.get("stat:processed")) == 2
    assert office.server.client.get("stat:failed") is None
    (facts,) = worker.events("process.fenced")
    owners = {each.decode() for each in office.server.client.smembers("{queue:default}:owners")}
    assert facts["was"] not in owners
    assert facts["now"] in owners


def test_the_checker_finds_what_a_worker_without_a_fence_does(office):
    frozen(office, mutant="no_fence")
    eventually(lambda: office.stored("retry"))

    assert check(office, "freeze-mutant").copies > 0


def freeze(office: Office, worker: Process, seconds: float) -> float | None:
    """Freeze a worker; return how long after its thaw it had a new identity, None if it was not declared dead."""
    client, before = office.server.client, len(worker.events("process.fenced"))
    identity = next(each for each in client.smembers("{queue:default}:owners") if f":{worker.pid}:".encode() in each)
    worker.signal(signal.SIGSTOP)
    office.write(event="killed", pid=worker.pid)
    end = program.boot_time() + seconds
    eventually(lambda: program.boot_time() >= end, seconds + 10)
    was_reclaimed = client.exists(b"{queue:default}:tomb:" + identity)
    worker.signal(signal.SIGCONT)
    thawed = program.boot_time()
    if not was_reclaimed:
        return None
    eventually(lambda: len(worker.events("process.fenced")) > before, 30)
    return program.boot_time() - thawed


def freeze_all(office: Office, spans: Sequence[Sequence[float]], mutant: str = "") -> Iterator[float | None]:
    """Freeze three of four workers again and again, each for its own span, while jobs come; yield what `freeze` says."""
    workers = [office.start(mutant, concurrency=2).ready() for _ in range(4)]
    producer = Producer(office, burst=20)
    try:
        with ThreadPoolExecutor(3) as threads:
            for span in spans:
                yield from threads.map(lambda pair: freeze(office, *pair), zip(workers, span, strict=False))
    finally:
        producer.stop()
    office.until_done(timeout=60)


def test_workers_frozen_for_any_time_change_nothing_that_is_no_longer_theirs(office):
    rng = office.rng
    spans = at_length(
        [(0.3, 2, 8)], [(rng.uniform(0.1, 3), rng.uniform(3, 8), rng.triangular(6, 20, 7)) for _ in range(17)]
    )

    renewed = list(freeze_all(office, spans))

    found = check(office, "freezes", renewed=renewed)
    client = office.server.client
    eventually(lambda: int(client.get("stat:processed")) >= len(office.pushed))
    stale = int(client.get("stat:processed")) - len(office.pushed) + found.copies
    late = [seconds for seconds in renewed if seconds is not None]
    record(
        "F3",
        f"{len(renewed)} freezes of 0.1 to 20 s, {len(late)} of them past the reclaim",
        "STALE 0; a new identity within one heartbeat of the thaw (0.5 s here)",
        stale=stale,
        lost=found.lost,
        thawed_before=len(renewed) - len(late),
        thawed_after=len(late),
        new_identity_s=round(max(late, default=0), 2),
        seed=office.seed,
    )
    assert (found.lost, stale, found.dead) == (0, 0, 0)
    # The heartbeat, and what a loaded machine needs.
    assert late
    assert max(late) < 0.5 + 5


def test_a_short_freeze_costs_nothing(office):
    worker = office.start(concurrency=2).ready()
    office.start(concurrency=2).ready()
    jids = office.push_many("work", [(2,)] * 600)
    eventually(lambda: len(office.runs("start")) > 20)

    for _ in range(4):
        worker.signal(signal.SIGSTOP)
        seen = len(office.runs("done"))
        eventually(lambda seen=seen: len(office.runs("done")) > seen + 20 or office.done() >= set(jids))
        worker.signal(signal.SIGCONT)

    office.until_done()
    found = check(office, "short-freezes")
    assert (found.lost, found.dup, found.overlap, found.rerun) == (0, 0, 0, 0)
