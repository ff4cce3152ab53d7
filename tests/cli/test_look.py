"""What the store holds can be seen, by people and by programs, whatever lies in it."""

from __future__ import annotations

import json
import re

import pytest

from mainspring.base import codec, payload
from mainspring.cli.output import ago, clean, columns_of, cut, table
from mainspring.store import keys


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def office(server, make_jobs):
    """A store with something in every place."""
    make_jobs(3, enqueued_at=1.5)
    make_jobs(1, queue="low", jid="low1")
    failed = {"class": "shop.jobs.send", "args": ["é\x1b[2J\u202e"], "jid": "f1", "queue": "mailers", "retry": 3}
    failed |= {"retry_count": 2, "error_class": "OSError", "error_message": "gone\nfar", "failed_at": 5.0}
    failed |= {"error_backtrace": payload.pack_backtrace(["shop/jobs.py:7 in send"])}
    server.client.zadd(keys.RETRY, {codec.encode(failed): 4e9})
    server.client.zadd(keys.SCHEDULE, {codec.encode({"class": "Later", "jid": "s1", "args": []}): 4e9})
    server.client.zadd(keys.DEAD, {b"not \x00 json": 7.5})
    return server


# --- queues --------------------------------------------------------------------------


def test_queues_are_listed(ms, office):
    ended = ms("queues")

    assert re.sub(" +", " ", ended.out).splitlines()[0] == "QUEUE JOBS LATENCY"
    assert [line.split()[:2] for line in ended.out.splitlines()[1:]] == [["default", "3"], ["low", "1"]]


def test_queues_are_lines_of_json(ms, office):
    assert [(queue["name"], queue["size"], queue["is_paused"]) for queue in lines(ms("queues", "--json").out)] == [
        ("default", 3, False),
        ("low", 1, False),
    ]
    assert ms("queues", "list", "--json").out.count("\n") == 2


def test_no_queues_are_nothing_on_standard_output(ms):
    ended = ms("queues")

    assert (ended.code, ended.out) == (0, "")
    assert "nothing was ever enqueued" in ended.err


def test_a_queue_is_paused_and_resumed(ms, office):
    assert ms("queues", "pause", "low", "default").code == 0

    assert office.client.smembers(keys.PAUSED) == {b"low", b"default"}
    assert ms("queues").out.count("paused") == 2
    assert ms("queues", "resume", "low", "default").code == 0
    assert not office.exists(keys.PAUSED)


def test_a_slip_is_noticed(ms, office):
    assert "did you mean default?" in ms("queues", "pause", "defautl").err
    office.client.delete(keys.PAUSED)

    ended = ms("queues", "clear", "defautl")

    assert (ended.code, ended.out) == (1, "")
    assert "did you mean default?" in ended.err
    assert office.client.llen(keys.queue("default")) == 3


def test_a_queue_is_cleared(ms, office):
    assert ms("queues", "clear", "default").out == "default: 3 jobs dropped\n"

    assert not office.exists(keys.queue("default"))
    assert office.exists(keys.queue("low"))


# --- jobs ----------------------------------------------------------------------------


def jids(ended):
    return [line.split()[1] for line in ended.out.splitlines()[1:]]


def test_jobs_are_listed_state_by_state(ms, office):
    ended = ms("jobs")

    assert [line.split()[0] for line in ended.out.splitlines()] == [
        *("STATE", "waiting", "waiting", "waiting", "waiting", "retry", "scheduled", "dead")
    ]
    assert jids(ended)[:6] == ["j0", "j1", "j2", "low1", "f1", "s1"]


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        (("--state", "retry"), ["f1"]),
        (("--state", "retry", "--state", "scheduled"), ["f1", "s1"]),
        (("--queue", "low"), ["low1"]),
        (("--class", "shop.jobs.add", "--limit", "2"), ["j0", "j1"]),
        (("--class", "send"), ["f1"]),
        (("--error", "OSError"), ["f1"]),
        (("--text", '"args":[2,1]'), ["j2"]),
        (("--class", "nobody"), []),
    ],
)
def test_filters_choose(ms, office, options, shown):
    assert jids(ms("jobs", *options)) == shown
    assert [job["jid"] for job in lines(ms("jobs", "--json", *options).out)] == shown


def test_more_than_the_limit_is_said(ms, office):
    assert "--limit 0" in ms("jobs", "--limit", "1").err
    assert ms("jobs", "--limit", "0").err == ""


def test_nothing_that_a_job_says_moves_the_cursor(ms, office):
    for ended in (ms("jobs"), ms("jobs", "f1"), ms("jobs", "--json"), ms("jobs", "f1", "--json")):
        assert ended.code == 0
        assert re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", ended.out) == []


def test_one_job_is_shown_with_all_that_is_known(ms, office):
    shown = ms("jobs", "show", "f1").out

    assert r'shop.jobs.send("é\u001b[2J\u202e")' in shown
    assert r"OSError: gone\nfar" in shown
    assert "shop/jobs.py:7 in send" in shown
    assert re.search(r"^due +2096-10-02 07:06:40 UTC  in ", shown, re.MULTILINE)


def test_one_job_is_one_document(ms, office):
    job = json.loads(ms("jobs", "f1", "--json").out)

    assert (job["state"], job["retry_count"], job["at"], job["queue"]) == ("retry", 2, 4e9, "mailers")
    assert job["backtrace"] == ["shop/jobs.py:7 in send"]


def test_what_is_no_job_can_be_listed_shown_and_dropped(ms, office):
    (stranger,) = lines(ms("jobs", "--state", "dead", "--json").out)

    assert stranger["raw"] == "not \x00 json"
    assert r"not \x00 json" in ms("jobs", stranger["jid"]).out
    assert ms("retry", stranger["jid"]).code == 1
    assert ms("delete", stranger["jid"]).code == 0
    assert not office.exists(keys.DEAD)


def test_a_job_that_is_not_there_is_1(ms, office):
    ended = ms("jobs", "show", "nobody")

    assert (ended.code, ended.out) == (1, "")
    assert "there is no job nobody" in ended.err


# --- retry, kill, delete ---------------------------------------------------------------


def test_a_failed_job_is_retried_by_its_id(ms, office):
    assert ms("retry", "f1").out == "f1 enqueued\n"

    (raw,) = office.client.lrange(keys.queue("mailers"), 0, -1)
    assert json.loads(raw)["retry_count"] == 1
    assert not office.exists(keys.RETRY)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("retry", "j0"), "waits in its queue already"),
        (("retry", "nobody"), "no such job"),
        (("kill", "nobody"), "no such job"),
    ],
)
def test_what_cannot_be_done_is_1_with_the_reason(ms, office, words, why):
    before = office.snapshot()

    ended = ms(*words)

    assert (ended.code, ended.out) == (1, "")
    assert why in ended.err
    assert office.snapshot() == before


def test_some_that_cannot_be_done_do_not_hinder_the_others(ms, office):
    ended = ms("delete", "nobody", "j1", "--json")

    assert ended.code == 1
    assert [(job["jid"], job["done"]) for job in lines(ended.out)] == [("nobody", False), ("j1", True)]


@pytest.mark.parametrize(
    ("words", "said", "left"),
    [
        (("retry", "--all"), "1 job enqueued (retry and dead)", {keys.SCHEDULE, keys.DEAD}),
        (("kill", "--all"), "2 jobs killed (retry and scheduled)", {keys.DEAD}),
        (("kill", "--all", "--class", "send"), "1 job killed (retry and scheduled)", {keys.SCHEDULE, keys.DEAD}),
        (("delete", "--all", "--yes"), "1 job dropped (dead)", {keys.SCHEDULE, keys.RETRY}),
        (("delete", "--all", "--state", "retry", "--queue", "x"), "0 jobs", {keys.SCHEDULE, keys.RETRY, keys.DEAD}),
    ],
)
def test_all_that_fit_are_meant(ms, office, words, said, left):
    ended = ms(*words)

    assert ended.code == 0
    assert said in ended.out
    assert {keys.SCHEDULE, keys.RETRY, keys.DEAD} & office.keys() == left


def test_waiting_jobs_can_be_dropped_by_what_they_are(ms, office):
    assert ms("delete", "--all", "--state", "waiting", "--text", '"args":[1,1]', "--json").out == '{"dropped":1}\n'

    assert jids(ms("jobs", "--state", "waiting")) == ["j0", "j2", "low1"]


# --- output ----------------------------------------------------------------------------


def test_a_table_is_aligned_by_what_a_terminal_shows():
    shown = table(("A", "B"), [("日本", 1), ("e\u0301", 22), ("x\ty\x1b", 3)], right={1})

    assert [columns_of(line) for line in shown.splitlines()] == [12] * 4
    assert r"x\ty\x1b" in shown


def test_text_is_cut_between_characters():
    assert cut("日本語日本語", 7) == "日本.."
    assert cut("abc", 3) == "abc"


def test_moments_beyond_the_calendar_do_no_harm():
    assert (ago(1e300, 0), ago(None, 0), ago(10, 12.5), ago(20, 10)) == ("", "", "2.5 s ago", "in 10 s")
    assert clean("a\u2028b\ud800") == r"a\u2028b\ud800"
