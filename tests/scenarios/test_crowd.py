"""Jobs that come in crowds are fetched while others are read: cut off, killed or stopped then, nothing is lost."""

from __future__ import annotations

import json
import signal

import pytest

from scenarios.harness import Office, Supervisor, check, eventually
from scenarios.record import at_length

JOBS = at_length(8_000, 80_000)
#: Each request is sent before the last answer was read.
EAGER = "mutants_crowd.eager"
#: One answer in so many is lost.
OFTEN = 20


def crowd(office: Office, jobs: int = JOBS) -> None:
    """Push jobs that do nothing."""
    office.push_many("work", [(0,)] * jobs)


@pytest.mark.parametrize("script", ["jobs_fetch", "jobs_done"])
def test_a_crowd_whose_answers_are_lost_runs_once(proxied, script):
    office, proxy = proxied()
    worker = office.start(EAGER, concurrency=10).ready()
    proxy.lose_answers(script, every=OFTEN)
    crowd(office)

    eventually(lambda: len(office.runs("done")) >= JOBS, 60)
    proxy.be_good()
    office.until_done(timeout=60)

    found = check(office, f"crowd-{script}", lost_answers=proxy.lost)
    assert proxy.lost
    assert (found.lost, found.dup, found.overlap, found.copies) == (0, 0, 0, 0)
    assert int(office.server.client.get("stat:processed")) == JOBS
    assert not worker.events("job.fenced")


def test_workers_that_are_killed_in_a_crowd_lose_nothing(office):
    crowd(office)
    with Supervisor(office, mutant=EAGER, concurrency=10) as supervisor:
        for _ in range(3):
            seen = len(office.runs("done"))
            eventually(lambda seen=seen: len(office.runs("done")) > seen + 300)
            supervisor.kill()
        office.until_done(timeout=60)

    found = check(office, "crowd-killed", restarts=supervisor.restarts)
    assert (found.lost, found.overlap, found.copies) == (0, 0, 0)
    assert supervisor.restarts >= 3


def test_a_worker_that_is_told_to_stop_in_a_crowd_gives_back_the_rest(office):
    worker = office.start(EAGER, concurrency=10).ready()
    office.push_many("work", [(10,)] * 10_000)
    eventually(lambda: len(office.runs("done")) > 100)

    worker.signal(signal.SIGTERM)

    assert worker.wait() == 0
    done = office.done()
    assert not office.in_flight()
    left = [json.loads(raw)["jid"] for raw in office.server.client.lrange("queue:default", 0, -1)]
    assert left[::-1] == [jid for jid in office.pushed if jid not in done]
    assert left
    found = check(office, "crowd-stopped")
    assert (found.lost, found.dup, found.copies) == (0, 0, 0)


def test_the_checker_finds_jobs_that_are_left_in_flight(proxied):
    office, proxy = proxied()
    worker = office.start("mutants_crowd.stranded", concurrency=10).ready()
    proxy.lose_answers("jobs_fetch", every=OFTEN)
    crowd(office)

    eventually(lambda: not office.server.client.llen("queue:default"), 60)
    proxy.be_good()
    worker.signal(signal.SIGTSTP)
    worker.became("quiet")
    eventually(lambda: len(office.runs("start")) == len(office.runs("done")))

    # It has given back what it knows of: what is left, it does not.
    assert office.in_flight()
