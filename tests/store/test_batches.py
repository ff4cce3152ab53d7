"""A batch counts each of its jobs once, whatever is told of it and however often, and tells of each event once."""

from __future__ import annotations

import json
import random

import pytest

from mainspring.base.errors import StoreRefused
from mainspring.store import batches, keys
from mainspring.store.batches import Jobs, Open, Seal
from store.batch_bench import ME, Bench


@pytest.fixture
def bench(server):
    made = Bench(server)
    yield made
    made.store.close()


# --- counting ------------------------------------------------------------------------


def test_a_job_counts_once_however_often_it_succeeds(bench):
    bench.make(jobs=2, callbacks=())

    for _ in range(3):
        bench.end(0, "ok")

    assert (bench.status().total, bench.status().pending) == (2, 1)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_told_in_whatever_order_the_counts_are_those_of_the_last_word(bench, seed):
    rng, size = random.Random(seed), 6
    bench.make(jobs=size)
    last = dict.fromkeys(range(size), "new")

    for _ in range(60):
        n, what = rng.randrange(size), rng.choice(["failed", "dead", "later", "ok", "dropped", "failed", "dead"])
        if last[n] == "done" and rng.random() < 0.9:
            continue
        bench.end(n, what)
        if last[n] != "done" and what != "later":
            last[n] = "done" if what in ("ok", "dropped") else what
        found = bench.status()
        words = list(last.values())
        assert found.pending == size - words.count("done")
        assert found.failures == words.count("failed") + words.count("dead")
        assert found.dead == words.count("dead")
        assert found.is_success == (words.count("done") == size)

    assert len(bench.told()) == len(set(bench.told()))


def test_a_number_that_was_never_given_changes_nothing(bench, server):
    bench.make(jobs=2, callbacks=())
    before = server.snapshot()

    for n in (2, 1000, 4_000_000_000, batches.callback_number("success", 0), batches.callback_number("death", 7)):
        bench.end(n, "dead")
        bench.end(n, "ok")

    after = server.snapshot()
    for key in (keys.batch("b"), keys.batch_jobs("b")):
        assert after[key] == before[key]


def test_a_batch_that_is_no_more_leaves_nothing_behind(bench, server):
    for what in ("ok", "failed", "dead", "dropped"):
        bench.end(0, what, bid="gone")

    assert not server.client.keys("mainspring:batch*")


def test_two_bits_are_kept_for_each_job(bench, server):
    bench.make(jobs=1000, callbacks=())

    bench.end(999, "ok")

    assert server.client.strlen(keys.batch_jobs("b")) == 250


# --- events --------------------------------------------------------------------------


def test_complete_comes_when_all_have_run_and_success_when_all_have_succeeded(bench):
    bench.make(jobs=3)

    bench.end(0, "ok")
    bench.end(1, "failed")
    assert bench.told() == []
    bench.end(2, "failed")
    assert bench.told() == ["b:complete"]
    bench.end(1, "ok")
    bench.end(2, "ok")

    assert bench.told() == ["b:complete", "b:success"]


def test_a_snoozed_job_has_not_run(bench):
    bench.make(jobs=1)

    bench.end(0, "later")

    assert bench.told() == []
    assert bench.status().pending == 1


def test_the_first_death_is_told_and_no_other(bench):
    bench.make(jobs=3)

    bench.end(0, "dead")
    bench.end(1, "dead")

    assert bench.told() == ["b:death"]


def test_a_dead_job_that_is_retried_and_succeeds_completes_the_batch(bench):
    bench.make(jobs=1)
    bench.end(0, "dead")

    bench.end(0, "failed")
    assert (bench.status().dead, bench.status().failures) == (0, 1)
    bench.end(0, "ok")

    assert bench.told() == ["b:death", "b:complete", "b:success"]


def test_what_is_dropped_needs_nothing_more(bench):
    bench.make(jobs=2)

    bench.end(0, "dropped")
    bench.end(1, "ok")

    assert bench.told() == ["b:complete", "b:success"]
    assert bench.status().dropped == 1


def test_an_empty_batch_has_succeeded_when_it_is_sealed(bench):
    bench.make(jobs=0)

    assert bench.told() == ["b:complete", "b:success"]


def test_nothing_is_judged_before_it_is_sealed(bench):
    bench.make(jobs=1, seal=False)
    bench.end(0, "ok")
    assert bench.told() == []

    bench.write(Seal("b"))

    assert bench.told() == ["b:complete", "b:success"]


def test_a_callback_says_when_it_was_enqueued(bench, server):
    bench.make(jobs=0, callbacks=("success",))

    job = json.loads(server.client.lindex(keys.queue("calls"), 0))

    assert abs(job["enqueued_at"] - server.client.time()[0]) <= 2
    assert server.client.sismember(keys.QUEUES, "calls")


# --- batches in batches ----------------------------------------------------------------


def nested(bench, callbacks=("success", "complete")):
    """Make a parent of one job, 0, and a child, 1, of one job."""
    parent = Open("p", 2, 100.0, 60.0, fields={"complete_calls": 1, "complete_queue:0": "calls"})
    parent.fields["complete_job:0"] = '{"class":"p:complete"}'
    bench.write(parent, Jobs("p", "work", [b"0"]), Seal("p"))
    bench.make("c", 1, parent="p", number=1, callbacks=callbacks)


def test_a_child_counts_in_its_parent_as_one(bench):
    nested(bench)

    assert bench.status("p").total == 2
    assert bench.store.run(batches.children("p")) == {1: "c"}


def test_a_parent_waits_for_the_callbacks_of_its_child(bench):
    nested(bench)
    bench.end(0, "ok", "p")
    bench.end(0, "ok", "c")
    assert bench.told() == ["c:complete", "c:success"]

    bench.call_back("complete", bid="c")
    assert bench.status("p").pending == 1
    bench.call_back("success", bid="c")

    assert bench.status("p").is_success
    assert bench.told()[-1] == "p:complete"


def test_a_parent_completes_with_a_child_that_ran_and_did_not_succeed(bench):
    nested(bench, callbacks=())
    bench.end(0, "ok", "p")

    bench.end(0, "failed", "c")
    assert bench.told() == ["p:complete"]
    assert not bench.status("p").is_success
    bench.end(0, "ok", "c")

    assert bench.status("p").is_success


def test_a_death_is_told_in_all_batches_above(bench):
    bench.make("a", 1, callbacks=("death",), seal=False)
    bench.make("b", 1, parent="a", number=0, callbacks=("death",), seal=False)
    bench.make("c", 1, parent="b", number=0, callbacks=("death",), seal=False)

    bench.end(0, "dead", "c")

    assert bench.told() == ["c:death", "b:death", "a:death"]


def test_a_callback_that_dies_lets_the_parent_complete_and_not_succeed(bench):
    nested(bench, callbacks=("success",))
    bench.end(0, "ok", "p")
    bench.end(0, "ok", "c")

    bench.call_back("success", "dead", bid="c")
    assert bench.status("p").is_complete
    assert bench.status("p").dead == 1
    bench.call_back("success", "ok", bid="c")

    assert bench.status("p").is_success


def test_a_parent_lives_as_long_as_its_child(bench, server):
    bench.make("p", 1, seal=False)
    server.client.pexpire(keys.batch("p"), 5000)
    bench.make("c", 1, parent="p", number=0)
    server.client.pexpire(keys.batch("p"), 5000)
    server.client.pexpire(keys.batch("c"), 5000)

    bench.end(0, "failed", "c")

    assert server.client.pttl(keys.batch("p")) > 90_000


# --- what must not be half done ------------------------------------------------------------


def test_a_user_who_may_not_write_a_batch_is_told_before_anything_is_written(bench, server):
    bench.make(jobs=1)
    server.client.execute_command("ACL", "SETUSER", "default", "-bitfield")
    before = server.snapshot()
    try:
        with pytest.raises(StoreRefused, match="BITFIELD"):
            bench.end(0, "ok")
        with pytest.raises(StoreRefused, match="BITFIELD"):
            bench.make("c", 1)
    finally:
        server.client.execute_command("ACL", "SETUSER", "default", "+bitfield")
        server.client.hdel(keys.inflight("work", ME), 2)

    assert server.snapshot() == before


def test_a_callback_whose_queue_is_no_list_is_dead_and_the_job_before_it_is_settled(bench, server):
    bench.make(jobs=1, callbacks=("success",))
    server.client.set(keys.queue("calls"), "no list", ex=60)

    bench.end(0, "ok")

    assert bench.status().is_success
    assert [json.loads(job)["class"] for job in server.client.zrange(keys.DEAD, 0, -1)] == ["b:success"]
