"""A periodic entry is told how its jobs end, whichever way that is; a plain job tells nobody, and pays nothing for it."""

from __future__ import annotations

import pytest

from mainspring import Discard, Kill, Snooze
from mainspring.api import timetable
from mainspring.store import keys
from support import until

ENTRY = "sweep"
ENDS = {
    "ok": lambda: None,
    "retry": lambda: 1 / 0,
    "dead": lambda: raised(Kill("no use")),
    "dropped": lambda: raised(Discard("not needed")),
    "snoozed": lambda: raised(Snooze(600)),
}


def raised(error):
    raise error


def line(app):
    (found,) = timetable.read(app, lambda _: [ENTRY]).lines
    return found


def outcome(app):
    return app.periodic[ENTRY].history()[0].outcome


@pytest.fixture
def triggered(bench):
    """Run an entry's job once, out of turn, and give its id; the worker goes on."""

    def run(function, **options):
        job = bench.app.job(name="sweep", **options)(function)
        bench.app.periodic.put(ENTRY, job, every="1h")
        bench.work()
        return bench.app.periodic.trigger(ENTRY).jid

    return run


@pytest.mark.parametrize("end", ENDS)
def test_an_entry_is_told_how_its_job_ended(bench, triggered, end):
    jid = triggered(ENDS[end])

    until(lambda: outcome(bench.app))

    assert outcome(bench.app) == end
    assert (line(bench.app).result.jid, line(bench.app).result.outcome) == (jid, end)
    assert bench.app.time.now() - line(bench.app).result.ended_at < 60


def test_what_was_told_is_bounded_and_goes(bench, triggered):
    triggered(ENDS["ok"])

    until(lambda: outcome(bench.app))

    assert bench.client.llen(keys.periodic_outcomes("", ENTRY)) == 1
    assert 15_500_000 < bench.client.ttl(keys.periodic_outcomes("", ENTRY)) <= 15_552_000


def test_of_a_job_that_failed_and_then_went_well_the_last_run_counts(bench, triggered):
    runs = []

    def once_bad():
        runs.append(1)
        if len(runs) == 1:
            raise ValueError("not yet")

    triggered(once_bad, retry=3)
    until(lambda: outcome(bench.app) == "retry")

    assert bench.app.retries.retry_all() == 1

    until(lambda: outcome(bench.app) == "ok")


def test_a_job_that_runs_in_a_process_of_its_own_tells_too(bench, triggered):
    triggered(ENDS["ok"], runs_in="process")

    until(lambda: outcome(bench.app) == "ok", 20)


def test_a_coroutine_tells_too(bench, triggered):
    async def sweep():
        return None

    triggered(sweep)

    until(lambda: outcome(bench.app) == "ok")


def test_a_run_that_went_well_leaves_no_attempt_and_is_not_kept(bench, triggered):
    jid = triggered(ENDS["ok"])
    until(lambda: outcome(bench.app))

    assert bench.app.attempts(jid) == []
    assert bench.app.finished(jid) is None


def test_a_namespace_is_told_of_its_own_entry_alone(bench):
    @bench.job
    def sweep() -> None: ...

    bench.push("sweep", flow={"entry": "office:a:b"})
    bench.run()

    until(lambda: bench.client.exists(keys.periodic_outcomes("office", "a:b")))
    assert bench.client.llen(keys.periodic_outcomes("office", "a:b")) == 1


@pytest.mark.parametrize("entry", [7, "", "no-namespace", "x:" + "y" * 600])
def test_what_names_no_entry_is_passed_over(bench, entry):
    @bench.job
    def sweep() -> None: ...

    bench.push("sweep", flow={"entry": entry})
    bench.run()

    assert bench.app.stats().processed == 1
    assert not bench.client.keys("*outcomes*")


def test_a_plain_job_says_nothing_of_entries(bench):
    @bench.job
    def sweep() -> None: ...

    sweep.enqueue()
    (raw,) = bench.client.lrange("queue:default", 0, -1)
    bench.run()

    assert b'"flow"' not in raw
    assert not bench.client.keys("*outcomes*")
