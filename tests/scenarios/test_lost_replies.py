"""An answer that is lost costs time, and nothing else: no job is lost, stranded, or run twice."""

from __future__ import annotations

import signal

import pytest

from scenarios.harness import check, eventually

SCRIPTS = ("jobs_fetch", "jobs_done", "job_settle", "process_beat", "BLMOVE")


@pytest.mark.parametrize("script", SCRIPTS)
def test_answers_of_one_script_are_lost(proxied, script):
    office, proxy = proxied()
    worker = office.start(concurrency=4).ready()
    proxy.lose_answers(script, every=3)

    for number in range(20):
        office.push_many("work", [(office.rng.uniform(0, 5),) for _ in range(60)])
        office.push_many("fail_once", [()] * 20)
        eventually(lambda: not office.server.client.llen("queue:default"), 30)
        # A busy worker settles many in one call, so that there are few answers to lose.
        if number >= 2 and proxy.lost:
            break
    worker.signal(signal.SIGTSTP)
    worker.became("quiet")
    eventually(lambda: not office.in_flight(), 30)
    other = office.start(concurrency=4).ready()
    proxy.be_good()

    office.until_done()
    found = check(office, f"lost-answers-{script}", lost_answers=proxy.lost)
    assert other.popen.poll() is None
    assert proxy.lost
    assert (found.lost, found.dup, found.overlap, found.copies) == (0, 0, 0, 0)
    assert not worker.events("process.fenced")


def test_connections_are_cut_at_random_bytes(proxied):
    office, proxy = proxied()
    office.start(concurrency=4).ready()
    office.start(concurrency=4).ready()
    proxy.cut_connections(0.04)

    for _ in range(8):
        office.push_many("work", [(office.rng.uniform(0, 5),) for _ in range(50)])
        office.push_many("fail_once", [()] * 5)
        eventually(lambda: office.server.client.llen("queue:default") < 50, 30)
    eventually(lambda: proxy.cut > 10, 30)
    proxy.be_good()

    office.until_done()
    found = check(office, "cut-connections", cut=proxy.cut)
    assert (found.lost, found.dup, found.overlap, found.copies) == (0, 0, 0, 0)


def test_the_checker_finds_what_a_worker_on_brpop_loses(proxied):
    office, proxy = proxied()
    office.start("brpop", concurrency=4).ready()
    proxy.lose_answers("RPOP", every=3)

    for _ in range(5):
        office.push_many("work", [(1,)] * 60)
        eventually(lambda: not office.server.client.llen("queue:default"), 30)
    proxy.be_good()
    eventually(_goes_on(office), 30)

    assert check(office, "lost-answers-mutant", lost_answers=proxy.lost).lost > 0


def _goes_on(office):
    """Return what pushes a job that does not count, and tells whether one such is done: the first may be lost as well."""
    probes = set()

    def goes_on():
        probes.add(office.push("work", 1))
        for jid in probes:
            office.pushed.pop(jid, None)
        return probes & office.done()

    return goes_on
