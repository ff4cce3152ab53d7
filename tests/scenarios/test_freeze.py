"""A process that was declared dead and wakes up changes nothing, and goes on as another."""

from __future__ import annotations

import signal

from scenarios.harness import Office, check, eventually


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
