"""Whatever a stranger says of flow control, each job runs once or is put away, and a slip of ours costs one job only."""

from __future__ import annotations

import pytest

from mainspring.store import locks

HUGE = [
    {"lock": "x", "unique_for": 1e306},
    {"lock": "x", "unique_for": 1.7e308, "until": "start"},
    {"timeout": 1e300},
    {"timeout": 1.7e308},
    {"result_ttl": 1e306},
    {"expires_at": 1e300},
    {"bid": "b", "n": 10**30},
    {"bid": "b", "n": 2**63},
    {"limited": 2**70},
    {"gates": ["q:x", "window:a", "concurrent:z"]},
]


@pytest.fixture(params=["thread", "async"])
def strange(bench, request):
    """A job, in a thread or on the loop, that writes down with what it ran."""
    ran = []
    if request.param == "thread":

        def strange(number: int) -> None:
            ran.append(number)
    else:

        async def strange(number: int) -> None:
            ran.append(number)

    bench.job(strange)
    return ran


def test_numbers_that_no_arithmetic_survives_are_as_if_they_were_not_there(bench, strange):
    for number, flow in enumerate(HUGE):
        bench.push("strange", number, flow=flow)

    bench.run(concurrency=2)

    assert sorted(strange) == list(range(len(HUGE)))
    assert not bench.client.exists("retry")
    assert not bench.client.exists("dead")


def test_people_may_move_and_drop_a_job_that_asks_for_ever(bench):
    for number, flow in enumerate(HUGE):
        jid = bench.push("elsewhere", number, flow=flow)
        if "lock" in flow:
            bench.client.set("mainspring:lock:x", jid)
    app = bench.app

    assert all(job.reschedule(2e9) for job in list(app.queue("default")))
    assert all(job.kill() for job in list(app.scheduled))
    assert all(job.retry() for job in list(app.dead))
    assert app.queue("default").size == len(HUGE)
    assert app.queue("default").clear() == len(HUGE)


def test_a_slip_in_what_is_asked_before_a_run_fails_that_job_alone(bench, strange, monkeypatch):
    bench.push("strange", 1, retry=0, flow={"lock": "l", "until": "start"})
    bench.push("strange", 2)
    monkeypatch.setattr(locks, "release", lambda *_: 1 / 0)

    bench.run(concurrency=1)

    assert strange == [2]
    assert bench.only("dead")["error_class"] == "ZeroDivisionError"
