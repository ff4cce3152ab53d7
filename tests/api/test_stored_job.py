"""A stored job is read whoever wrote it, and acted on only if it is still exactly where it was read."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from api.still import NOW
from mainspring.api.jobs import StoredJob
from mainspring.api.places import InFlight, InQueue, InSet
from mainspring.base import payload
from mainspring.base.errors import InvalidOption, InvalidPayload
from mainspring.store import keys, queues

QUEUE = keys.queue("default")
# The times of Sidekiq 8 are integers in milliseconds, those of 7 floats in seconds.
RUBY_8 = b'{"class":"Hard::Job","jid":"b1","args":[{"id":9007199254740993}],"created_at":1789999940500,"x":{"y":[]}}'


@pytest.fixture
def job(store, time):
    """Read bytes as a job, from where one says."""
    return lambda raw, where=None, at=None: StoredJob.read(store, time, raw, where or InQueue("default"), at)


# --- reading -------------------------------------------------------------------------


def test_it_reads_what_ruby_wrote_in_milliseconds(job):
    ruby = job(RUBY_8)

    assert (ruby.jid, ruby.name, ruby.args) == ("b1", "Hard::Job", [{"id": 9007199254740993}])
    assert ruby.created_at == 1789999940.5
    assert ruby.queue == "default"


def test_both_forms_of_time_may_stand_in_one_job(job, make):
    mixed = job(make(created_at=1789999940500, enqueued_at=1789999940.25, failed_at="gestern"))

    assert (mixed.created_at, mixed.enqueued_at, mixed.failed_at) == (1789999940.5, 1789999940.25, None)


def test_it_reads_the_story_of_a_failure(job, make):
    lines = ["shop/img.py:41", "shop/jobs.py:7"]
    raw = make(
        retry_count=3, error_class="ValueError", error_message="é", error_backtrace=payload.pack_backtrace(lines)
    )

    failed = job(raw, InSet(keys.RETRY), 12.5)

    assert (failed.place, failed.at, failed.retry_count) == ("retry", 12.5, 3)
    assert (failed.error_class, failed.error_message, failed.backtrace) == ("ValueError", "é", lines)


@pytest.mark.parametrize("raw", [b"not json", b"\xff\x00", b"", b"[1]", b"null", b'{"a":', b"[" * 100_000])
def test_what_is_no_job_can_be_shown_all_the_same(job, raw):
    stranger = job(raw)

    assert not stranger.is_readable
    assert stranger.jid.startswith("raw-")
    assert (stranger.display_name, stranger.args, stranger.kwargs, stranger.tags) == ("(unreadable)", (), {}, ())


def test_fields_of_the_wrong_type_do_no_harm(job):
    odd = job(b'{"class":5,"jid":7,"args":{},"queue":[],"tags":3,"retry_count":"x","error_backtrace":"%%","kwargs":[]}')

    assert odd.is_readable
    assert odd.jid.startswith("raw-")
    assert (odd.args, odd.kwargs, odd.tags, odd.retry_count, odd.backtrace) == ((), {}, (), None, [])


def test_an_active_job_shows_its_own_name(job, make):
    wrapped = job(make(name="Sidekiq::ActiveJob::Wrapper", wrapped="InvoiceJob"))

    assert (wrapped.name, wrapped.display_name) == ("Sidekiq::ActiveJob::Wrapper", "InvoiceJob")


# --- retry ---------------------------------------------------------------------------


def test_a_retry_moves_the_job_and_takes_the_try_back(server, job, make):
    raw = make(retry_count=3, queue="mailers", bid="b", x={"y": [1e-7, 12345678901234567890123]})
    server.client.zadd(keys.RETRY, {raw: NOW + 60})

    assert job(raw, InSet(keys.RETRY)).retry() is True

    (pushed,) = server.client.lrange(keys.queue("mailers"), 0, -1)
    assert json.loads(pushed) == json.loads(raw) | {"retry_count": 2, "enqueued_at": NOW}
    assert server.client.smembers(keys.QUEUES) == {b"mailers"}
    assert not server.exists(keys.RETRY)


def test_a_dead_job_goes_to_default_if_it_names_no_queue(server, job):
    server.client.zadd(keys.DEAD, {RUBY_8: 1})

    assert job(RUBY_8, InSet(keys.DEAD)).retry() is True

    (pushed,) = server.client.lrange(QUEUE, 0, -1)
    assert json.loads(pushed) == json.loads(RUBY_8) | {"enqueued_at": NOW}
    assert b'"id":9007199254740993' in pushed


def test_a_job_that_waits_already_is_not_pushed_again(server, job, make):
    server.client.lpush(QUEUE, make())
    before = server.snapshot()

    assert job(make()).retry() is False

    assert server.snapshot() == before


def test_what_is_no_json_cannot_be_retried_and_stays(server, job):
    server.client.zadd(keys.DEAD, {b"not json": 1})
    before = server.snapshot()

    with pytest.raises(InvalidPayload):
        job(b"not json", InSet(keys.DEAD)).retry()

    assert server.snapshot() == before


# --- kill ----------------------------------------------------------------------------


@pytest.mark.parametrize("key", [keys.SCHEDULE, keys.RETRY])
def test_a_killed_job_of_a_set_is_dead_byte_for_byte(server, job, make, key):
    server.client.zadd(key, {make(): NOW + 60, make("b"): NOW + 61})

    assert job(make(), InSet(key)).kill() is True

    assert server.client.zrange(keys.DEAD, 0, -1, withscores=True) == [(make(), NOW)]
    assert server.client.zrange(key, 0, -1) == [make("b")]


def test_a_killed_job_of_a_queue_is_dead_byte_for_byte(server, job, make):
    server.client.lpush(QUEUE, make(), make("b"))

    assert job(make()).kill() is True

    assert server.client.zrange(keys.DEAD, 0, -1, withscores=True) == [(make(), NOW)]
    assert server.client.lrange(QUEUE, 0, -1) == [make("b")]


def test_the_dead_set_keeps_its_bounds(server, job, make):
    old = NOW - queues.DEAD_SECONDS - 1
    server.client.zadd(keys.DEAD, {b"old": old} | {b"%d" % n: NOW - 10 for n in range(queues.DEAD_MOST)})
    server.client.lpush(QUEUE, make())

    assert job(make()).kill() is True

    assert server.client.zcard(keys.DEAD) == queues.DEAD_MOST
    assert server.client.zscore(keys.DEAD, b"old") is None
    assert server.client.zscore(keys.DEAD, make()) == NOW


# --- delete --------------------------------------------------------------------------


def test_a_deleted_job_leaves_its_like_alone(server, job, make):
    server.client.lpush(QUEUE, make(), make("b"), b"not json")

    assert job(make()).delete() is True
    assert job(b"not json").delete() is True

    assert server.client.lrange(QUEUE, 0, -1) == [make("b")]


# --- reschedule ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "target"),
    [(keys.SCHEDULE, keys.SCHEDULE), (keys.RETRY, keys.RETRY), (keys.DEAD, keys.SCHEDULE)],
)
def test_a_rescheduled_job_is_one_job_at_its_new_time(server, job, make, source, target):
    server.client.zadd(source, {make(): 5})
    when = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)

    assert job(make(), InSet(source)).reschedule(when) is True

    assert server.client.zrange(target, 0, -1, withscores=True) == [(make(), when.timestamp())]
    assert sum(server.client.zcard(key) for key in (keys.SCHEDULE, keys.RETRY, keys.DEAD)) == 1


def test_a_waiting_job_can_be_put_off(server, job, make):
    server.client.lpush(QUEUE, make())

    assert job(make()).reschedule(NOW + 3600) is True

    assert server.client.zrange(keys.SCHEDULE, 0, -1, withscores=True) == [(make(), NOW + 3600)]
    assert not server.exists(QUEUE)


def test_a_time_without_a_zone_is_refused(server, job, make):
    with pytest.raises(InvalidOption, match="no time zone"):
        job(make()).reschedule(datetime(2026, 11, 21))  # noqa: DTZ001  # that is the point


# --- races ---------------------------------------------------------------------------

ACTIONS = {
    "retry": lambda job: job.retry(),
    "kill": lambda job: job.kill(),
    "delete": lambda job: job.delete(),
    "reschedule": lambda job: job.reschedule(NOW + 1),
}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    "where", [InQueue("default"), InSet(keys.SCHEDULE), InSet(keys.RETRY), InSet(keys.DEAD)], ids=str
)
def test_a_job_that_has_gone_meanwhile_is_not_touched(server, job, make, action, where):
    server.client.lpush(QUEUE, make("other"))
    server.client.zadd(keys.RETRY, {make("another"): 1})
    before = server.snapshot()

    assert ACTIONS[action](job(make(), where)) is False

    assert server.snapshot() == before


@pytest.mark.parametrize("action", ACTIONS)
def test_a_running_job_is_not_touched(server, job, make, action):
    server.client.hset(keys.inflight("default", "me"), "1", make())
    before = server.snapshot()

    assert ACTIONS[action](job(make(), InFlight("me"))) is False

    assert server.snapshot() == before


def test_of_two_who_act_on_a_job_one_does(server, job, make):
    server.client.zadd(keys.RETRY, {make(): NOW})
    mine, yours = job(make(), InSet(keys.RETRY)), job(make(), InSet(keys.RETRY))

    assert (mine.retry(), yours.retry(), yours.delete()) == (True, False, False)

    assert server.client.llen(QUEUE) == 1
