"""A job that was not started in time is dropped and counted; one that has been started is finished, however late it is."""

from __future__ import annotations

import json
import time

import pytest

from mainspring import Snooze
from mainspring.base.errors import InvalidOption
from mainspring.base.flow import Flow
from mainspring.base.flow_errors import JobFailed
from mainspring.base.payload import Payload
from mainspring.features.expiry import is_expired
from mainspring.store import keys
from mainspring.worker import guards


@pytest.fixture
def ran():
    """What jobs were called with."""
    return []


@pytest.fixture
def mail(bench, ran):
    """A job that is not worth running an hour late."""

    def mail(code: int) -> int:
        ran.append(code)
        return code

    return bench.job(mail, expires_in="1h")


def expires_at(raw):
    return json.loads(raw)["flow"]["expires_at"]


def test_a_job_says_until_when_it_may_start_and_a_delay_comes_on_top(bench, mail):
    now = time.time()
    mail.enqueue(1)
    mail.enqueue_in("2h", 2)
    mail.enqueue_at(now + 86_400, 3)
    mail.using(expires_in="10m").enqueue(4)

    (fourth, first), later = bench.client.lrange("queue:default", 0, -1), bench.client.zrange(keys.SCHEDULE, 0, -1)

    found = [expires_at(raw) - now for raw in (first, *later, fourth)]
    assert found == pytest.approx([3600, 3600 + 7200, 3600 + 86_400, 600], abs=5)


def test_a_job_of_a_crowd_that_is_spread_has_its_time_from_when_it_is_due(bench, mail):
    mail.enqueue_many([(number,) for number in range(20)], spread="10h")

    found = bench.client.zrange(keys.SCHEDULE, 0, -1, withscores=True)

    assert len(found) == 20
    assert all(expires_at(raw) == pytest.approx(due + 3600) for raw, due in found)


def test_a_job_that_is_in_time_runs(bench, mail, ran):
    mail.enqueue(1)

    bench.run()

    assert ran == [1]
    assert bench.app.stats().expired == 0
    assert bench.counted() == (1, 0)


@pytest.mark.parametrize("late", [{"expires_at": 1.5}, {"expires_at": 0}])
def test_a_job_that_is_late_is_dropped_counted_and_named_in_the_log(bench, mail, ran, spoken, late):
    jid = bench.push("mail", 1, flow=late)

    bench.run()

    assert ran == []
    assert bench.app.stats().expired == 1
    assert bench.counted() == (0, 0)
    assert [bench.client.zcard(key) for key in (keys.DEAD, keys.RETRY, keys.SCHEDULE)] == [0, 0, 0]
    (facts,) = spoken("job.discard")
    assert (facts["jid"], facts["reason"]) == (jid, "expired")


async def test_a_coroutine_that_is_late_is_dropped_too(bench):
    ran = []

    async def amail(code: int) -> None:
        ran.append(code)

    bench.job(amail)
    bench.push("amail", 1, flow={"expires_at": 1.5})
    bench.push("amail", 2, flow={"expires_at": 4e9})

    bench.run()

    assert ran == [2]


@pytest.mark.parametrize("nonsense", ["soon", None, -5, True, [], {"at": 1}, float(2**60)])
def test_what_makes_no_sense_expires_nothing(bench, mail, ran, nonsense):
    bench.push("mail", 1, flow={"expires_at": nonsense})

    bench.run()

    assert ran == [1]


def test_a_retry_is_made_however_late_it_comes(bench, mail, ran):
    bench.push("mail", 1, flow={"expires_at": 1.5}, retry_count=0, failed_at=1.5)

    bench.run()

    assert ran == [1]


def test_a_job_that_was_running_when_its_process_died_runs_again_however_late(bench, mail, ran):
    bench.push("mail", 1, flow={"expires_at": 1.5}, recovered=[1.5])

    bench.run()

    assert ran == [1]


def test_a_job_that_put_itself_off_does_not_expire_meanwhile(bench, server):
    def wait(code: int) -> None:
        raise Snooze("2h")

    bench.job(wait, expires_in="1h", timeout="1m").enqueue(1)
    bench.run()

    assert bench.only(keys.SCHEDULE)["flow"] == {"timeout": 60.0}


def test_who_waits_for_the_result_of_a_job_that_expired_is_told(bench, mail):
    jid = bench.push("mail", 1, flow={"expires_at": 1.5, "result_ttl": 60.0})
    bench.run()

    with pytest.raises(JobFailed, match=f"job {jid} was discarded: expired"):
        mail.result(jid)


@pytest.mark.parametrize("value", [0, -1, "never", "0s"])
def test_a_time_that_is_none_is_refused(bench, value):
    with pytest.raises(InvalidOption, match="expires_in="):
        bench.app.job(expires_in=value)


@pytest.mark.parametrize(
    ("expires_at", "fields", "expected"),
    [
        (None, {}, False),
        (10.0, {}, False),
        (9.9, {}, True),
        (9.9, {"retry_count": 0}, False),
        (9.9, {"retry_count": -1}, False),
        (9.9, {"recovered": [5.0]}, False),
        (9.9, {"recovered": []}, True),
    ],
)
def test_only_the_first_start_counts(expires_at, fields, expected):
    job = Payload(name="mail", jid="x", **fields)

    assert is_expired(job, Flow(expires_at=expires_at), 10.0) is expected


def test_the_suite_finds_a_worker_that_drops_what_was_started(bench, mail, ran, monkeypatch):
    monkeypatch.setattr(guards, "is_expired", lambda job, flow, now: now > (flow.expires_at or now))

    with pytest.raises(AssertionError):
        test_a_retry_is_made_however_late_it_comes(bench, mail, ran)
