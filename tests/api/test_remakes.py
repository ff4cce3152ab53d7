"""A job is pushed with other arguments in one step, keeping its id; a copy is a job of its own."""

from __future__ import annotations

import json

import pytest

from api.still import NOW
from mainspring.api.copies import copy
from mainspring.api.jobs import StoredJob
from mainspring.api.places import InQueue, InSet
from mainspring.base.errors import InvalidName, InvalidOption, PayloadTooLarge
from mainspring.store import keys


@pytest.fixture
def dead(server, store, time, make):
    """Put a job into the dead set, and read it from there."""
    raw = make(retry_count=3, kwargs={"locale": "de"}, error_class="E")
    server.client.zadd(keys.DEAD, {raw: NOW})
    return StoredJob.read(store, time, raw, InSet(keys.DEAD), NOW)


def test_it_is_pushed_with_other_arguments_and_keeps_its_id(server, dead):
    assert dead.requeue(args=[3], kwargs={}, queue="slow")

    (pushed,) = map(json.loads, server.client.lrange(keys.queue("slow"), 0, -1))
    assert (pushed["jid"], pushed["args"], pushed["queue"], pushed["retry_count"]) == (dead.jid, [3], "slow", 2)
    assert "kwargs" not in pushed
    assert not server.exists(keys.DEAD)


def test_who_comes_second_changes_nothing(server, dead):
    dead.requeue(args=[3])

    assert not dead.requeue(args=[4])
    assert server.client.llen(keys.queue("default")) == 1


def test_what_waits_in_a_queue_is_not_changed(store, time, make):
    assert not StoredJob.read(store, time, make(), InQueue("default")).requeue(args=[])


def test_what_cannot_be_is_refused_and_the_job_stays(server, dead):
    with pytest.raises(InvalidName):
        dead.requeue(args=[], queue="no such/queue")
    with pytest.raises(PayloadTooLarge):
        dead.requeue(args=["x" * 1_000_001])

    assert server.client.zscore(keys.DEAD, dead.raw) == NOW


def test_a_copy_has_the_call_and_nothing_of_its_runs_batch_and_lock(dead):
    flow = {"bid": "b", "n": 1, "lock": "l", "unique_for": 9, "timeout": 5.0, "gates": ["q:default"]}

    push = copy({**dead.fields, "flow": flow, "tags": ["a"]}, now=NOW)

    assert push.jid == push.fields["jid"] != dead.jid
    assert push.fields["flow"] == {"timeout": 5.0, "gates": ["q:default"]}
    assert (push.fields["args"], push.fields["kwargs"], push.fields["tags"]) == ([1, 2], {"locale": "de"}, ["a"])
    assert push.fields["created_at"] == NOW
    assert {"retry_count", "error_class"}.isdisjoint(push.fields)


@pytest.mark.parametrize("fields", [{}, {"class": "a"}, {"class": "a", "args": [], "flow": {"encrypt": True}}])
def test_what_no_other_job_can_use_is_not_copied(fields):
    with pytest.raises(InvalidOption):
        copy(fields, now=NOW)
