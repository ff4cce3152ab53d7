"""From a shell, jobs are found by the line that the dashboard takes, and something is done to all of them, once."""

from __future__ import annotations

import json
import time

import pytest

from mainspring.store import keys


@pytest.fixture
def failed(server):
    """Put failed jobs into the retry set."""

    def put(count: int, **fields: object) -> None:
        jobs = [
            {"class": "shop.jobs.add", "args": [n, 1], "jid": f"j{n}", "queue": "low", "error_class": "OSError"}
            | fields
            for n in range(count)
        ]
        past = {"created_at": time.time() - 99, "failed_at": time.time() - 9, "retry_count": 0}
        server.client.zadd(keys.RETRY, {json.dumps(job | past): time.time() + 3600 + n for n, job in enumerate(jobs)})

    return put


def test_jobs_are_found_by_an_argument_and_its_name(ms, failed):
    failed(60)

    ended = ms("search", "-A", "shop.jobs", "args.x:42", "queue:low")

    assert ended.out.splitlines()[0].split() == ["STATE", "JID", "QUEUE", "WHEN", "JOB", "ERROR"]
    assert "retrying  j42" in ended.out
    assert len(ended.out.splitlines()) == 2
    assert ended.err == "searched 60 of 60 jobs\n"


def test_the_limit_is_kept_and_said(ms, failed):
    failed(60)

    ended = ms("search", "--limit", "5", "--json", "-A", "shop.jobs")

    assert [json.loads(line)["jid"] for line in ended.out.splitlines()] == [f"j{n}" for n in range(5)]
    assert "there may be more" in ended.err
    assert len(ms("search", "--limit", "0", "--json").out.splitlines()) == 60


def test_what_cannot_be_read_lists_the_keys(ms):
    ended = ms("search", "colour:red")

    assert (ended.code, ended.out) == (1, "")
    assert "there is no key 'colour'; known are queue, class" in ended.err


def test_help_lists_the_keys(ms):
    assert "attempts   how many runs" in ms("search", "--help").out


def test_an_operation_is_done_here_when_nobody_else_does(ms, failed, server):
    failed(30)

    counted = ms("operations", "start", "retry", "error:OSError", "--state", "retrying", "--dry-run")
    assert (counted.out, server.client.zcard(keys.RETRY)) == ("retry would be done to 30 jobs (retrying)\n", 30)
    ended = ms("operations", "start", "retry", "error:OSError", "--state", "retrying", "--by", "ann")

    assert ended.out.endswith("done: 30 jobs\n")
    assert server.client.llen(keys.queue("low")) == 30
    listed = ms("operations", "list").out.splitlines()[1].split()
    assert listed[1:6] == ["done", "retry", "retrying", "error:OSError", "30"]
    assert listed[-1] == "ann"
    assert json.loads(ms("operations", "--json").out)["done"] == 30


def test_an_operation_can_be_left_to_others_and_cancelled(ms, failed, server):
    failed(3)
    begun = json.loads(ms("operations", "start", "delete", "--state", "retrying", "--detach", "--json").out)

    ended = ms("operations", "cancel", begun["id"])
    again = ms("operations", "cancel", begun["id"])

    assert (begun["status"], ended.out) == ("running", f"{begun['id']} cancelled\n")
    assert (again.code, again.err) == (1, f"{begun['id']} is over, or was never there\n")
    assert server.client.zcard(keys.RETRY) == 3


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("retry", "--state", "queued"), "cannot be done"),
        (("reschedule", "--state", "dead"), "takes a time"),
        (("retry", "--state", "dead", "--spread", "soon"), "not a duration"),
        (("retry", "colour:red", "--state", "dead"), "there is no key"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_begun(ms, server, given, said):
    ended = ms("operations", "start", *given)

    assert ended.code in {1, 2}
    assert said in ended.err
    assert server.snapshot() == {}


def test_jobs_are_rescheduled_by_a_delay(ms, failed, server):
    failed(2)

    ms("operations", "start", "reschedule", "--state", "retrying", "--in", "2h", "--yes")

    scores = [score for _, score in server.client.zrange(keys.RETRY, 0, -1, withscores=True)]
    assert all(score == pytest.approx(time.time() + 7200, abs=60) for score in scores)
