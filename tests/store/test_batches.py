"""A batch counts each of its jobs once, whatever is told of it and however often, and tells of each event once."""

from __future__ import annotations

import json
import random

import pytest

from mainspring.base.errors import BatchClosed, BatchNotFound, StoreRefused
from mainspring.store import batches, flows, keys, queues
from mainspring.store.batches import EVENTS, After, Job, Jobs, Open, Seal, Step
from mainspring.store.connection import Store
from mainspring.store.flows import Row
from mainspring.store.queues import Settlement
from mainspring.store.ties import Ties
from support import until

ME = "host:1:aaaaaaaaaaaa"
DAY = "2026-11-22"
NOW = 1_795_000_000.0
PLACES = {"failed": keys.RETRY, "dead": keys.DEAD, "later": keys.SCHEDULE}


class Bench:
    """Batches in a store, and jobs of them that end as a test says."""

    def __init__(self, server):
        self.server = server
        self.store = Store(server.url)
        self.seq = 0

    def make(self, bid="b", jobs=0, *, parent="", number=0, callbacks=EVENTS, seal=True, linger=60.0):
        fields = {}
        for event in callbacks:
            fields |= {f"{event}_calls": 1, f"{event}_queue:0": "calls"}
            fields[f"{event}_job:0"] = json.dumps({"class": f"{bid}:{event}"})
        opened = Open(bid, jobs, 100.0, linger, parent, number, fields)
        added = [Jobs(bid, "work", [b"%d" % n for n in range(jobs)])] if jobs else []
        self.write(opened, *added, *([Seal(bid)] if seal else []))

    def write(self, *sentences, token="t"):
        return self.store.run(batches.write(sentences, token=f"{token}{self.next()}"))

    def end(self, n, what, bid="b", jid="j"):
        """Let the job *n* of a batch end, and tell the store."""
        seq = self.next()
        self.server.client.hset(keys.inflight("work", ME), seq, b"{}")
        ties = Ties(jid, batch=bid, number=n)
        if what == "ok":
            assert self.store.run(flows.finish("work", ME, [(seq, ties)], DAY)) == [1]
        else:
            told = Settlement(PLACES.get(what), NOW, b"{}", what=what, ties=ties)
            assert self.store.run(queues.settle("work", ME, seq, told, now=NOW, day=DAY)) == 1

    def next(self):
        self.seq += 1
        return self.seq

    def call_back(self, event, what="ok", bid="b"):
        self.end(batches.callback_number(event, 0), what, bid)

    def status(self, bid="b"):
        return self.store.run(batches.read(bid))

    def told(self):
        """Return the callbacks that were pushed, the first first."""
        return [json.loads(job)["class"] for job in self.server.client.lrange(keys.queue("calls"), 0, -1)][::-1]


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


# --- adding ----------------------------------------------------------------------------


def test_a_batch_grows_under_numbers_of_its_own(bench):
    bench.make(jobs=2, callbacks=("success",))

    assert bench.store.run(batches.number("b", 3)) == 2
    assert bench.store.run(batches.number("b", 1)) == 5
    bench.write(Jobs("b", "work", [b"2", b"3", b"4"]))
    for n in (0, 1, 2, 3):
        bench.end(n, "ok")
    assert bench.told() == []
    bench.end(4, "ok")

    # The number 5 was given and never used.
    assert bench.told() == ["b:success"]
    assert bench.status().total == 5


@pytest.mark.parametrize("how", ["succeeded", "cancelled"])
def test_nothing_is_added_to_a_batch_that_is_over(bench, server, how):
    bench.make(jobs=1)
    if how == "succeeded":
        bench.end(0, "ok")
    else:
        bench.store.run(batches.cancel("b"))
    before = server.snapshot()

    for call in (batches.write([Jobs("b", "work", [b"x"])], token="x"), batches.number("b", 1)):
        with pytest.raises(BatchClosed, match=how):
            bench.store.run(call)

    assert server.snapshot() == before


def test_nothing_is_added_to_a_batch_that_never_was(bench, server):
    for sentences in ([Jobs("b", "work", [b"x"])], [Open("c", 1, 1.0, 1.0, "b", 0)]):
        with pytest.raises(BatchNotFound):
            bench.store.run(batches.write(sentences, token="x"))

    assert not server.client.keys("*")


def test_a_write_that_is_sent_again_does_nothing(bench, server):
    unit = batches.write([Open("b", 1, 100.0, 60.0), Jobs("b", "work", [b"0"]), Seal("b")], token="once")
    assert bench.store.run(unit) is True
    bench.end(0, "ok")
    before = server.snapshot()

    assert bench.store.run(unit) is False

    assert server.snapshot() == before


def row(n, *, lock="", at=None):
    return Row(Ties(f"jid{n}", lock, 60_000, "b", n), b"%d" % n, at, 60_000)


def test_a_job_whose_lock_is_held_is_dropped(bench, server):
    server.client.set(keys.lock("d"), "another", ex=60)
    bench.write(
        Open("b", 2, 100.0, 60.0), Job("b", "work", row(0, lock="d")), Job("b", "work", row(1, lock="e")), Seal("b")
    )

    assert server.client.lrange(keys.queue("work"), 0, -1) == [b"1"]
    assert server.client.get(keys.lock("e")) == b"jid1"
    assert (bench.status().total, bench.status().pending, bench.status().dropped) == (2, 1, 1)


def test_a_job_for_later_keeps_its_batch_until_then(bench, server):
    due = server.client.time()[0] + 1000.0

    bench.write(Open("b", 1, 100.0, 60.0), Job("b", "work", row(0, at=due)), Seal("b"))

    assert server.client.zscore(keys.SCHEDULE, b"0") == due
    assert server.client.pttl(keys.batch("b")) > 1_090_000


# --- an end ------------------------------------------------------------------------------


def test_each_key_of_a_batch_has_its_time(bench, server):
    bench.make(jobs=3)
    bench.make("c", 1, parent="b", number=0)
    bench.end(0, "failed")

    found = {key.decode(): server.client.pttl(key) for key in server.client.keys("mainspring:batch*")}

    assert len(found) >= 5
    assert all(0 < left <= 100_000 for left in found.values())


def test_a_batch_is_remembered_for_its_linger_once_its_callbacks_have_run(bench, server):
    bench.make(jobs=1, linger=5.0)
    bench.end(0, "ok")
    bench.call_back("complete")
    assert server.client.pttl(keys.batch("b")) > 90_000

    bench.call_back("success")

    assert all(server.client.pttl(key) <= 5000 for key in (keys.batch("b"), keys.batch_jobs("b")))
    assert server.client.zscore(keys.BATCHES, "b") <= server.client.time()[0] + 6


def test_the_list_of_batches_forgets_those_that_are_gone(bench, server):
    bench.make("old", jobs=0, callbacks=(), linger=0.001)
    until(lambda: not server.exists(keys.batch("old")))

    bench.make("new", jobs=1)

    assert bench.store.run(batches.page(0, 10)) == ["new"]


def test_a_cancelled_batch_drops_what_waits_in_it_and_never_succeeds(bench, server):
    bench.make("p", 1, seal=False)
    bench.make("c", 2, parent="p", number=0)

    assert bench.store.run(batches.cancel("p")) == 2
    assert bench.store.run(batches.cancel("p")) == 0
    assert set(bench.store.run(batches.cancelled())) == {"p", "c"}
    bench.end(0, "ok", "c")
    bench.end(1, "dropped", "c")

    assert bench.told() == ["c:complete"]
    assert bench.status("c").is_over
    assert not bench.status("c").is_success
    assert 0 < server.client.pttl(keys.BATCHES_CANCELLED) <= 101_000


# --- steps that wait -----------------------------------------------------------------------


def hole(n):
    return json.dumps({"$result": f"b:{n}"}, separators=(",", ":"))


def test_a_step_is_pushed_when_the_last_that_it_waits_for_has_succeeded(bench, server):
    bench.write(
        *(Open("b", 3, 100.0, 60.0), Step("b", "work", 2, 2, b'{"args":[]}'), After("b", 0, [2]), After("b", 1, [2])),
        *(Jobs("b", "other", [b"0", b"1"]), Seal("b")),
    )

    bench.end(0, "ok")
    bench.end(0, "ok")
    bench.end(1, "failed")
    assert not server.exists(keys.queue("work"))
    bench.end(1, "ok")

    assert server.client.llen(keys.queue("work")) == 1
    assert not server.client.hkeys(keys.batch_steps("b"))


def test_a_result_is_put_as_it_is_where_a_step_takes_it(bench, server):
    value = '{"big":12345678901234567890,"none":[],"text":"%1 \\"value\\": }"}'
    payload = f'{{"args":[{hole(0)},[{hole(0)}]]}}'
    bench.write(
        Open("b", 2, 100.0, 60.0), Step("b", "work", 1, 1, payload.encode()), After("b", 0, [1]), Jobs("b", "o", [b"0"])
    )
    server.client.rpush(keys.result("jid"), f'{{"class":"a","at":1.5,"value":{value}}}')
    server.client.expire(keys.result("jid"), 60)

    bench.end(0, "ok", jid="jid")

    pushed = server.client.lindex(keys.queue("work"), 0).decode()
    assert pushed.startswith(f'{{"args":[{value},[{value}]]')


def test_a_step_that_waits_for_a_result_that_never_comes_is_dead(bench, server):
    payload = f'{{"args":[{hole(0)}]}}'
    bench.make(jobs=0, callbacks=("death",), seal=False)
    assert bench.store.run(batches.number("b", 2)) == 0
    bench.write(Step("b", "work", 1, 1, payload.encode()), After("b", 0, [1]), Jobs("b", "o", [b"0"]), Seal("b"))

    bench.end(0, "dropped", jid="jid")

    assert [json.loads(job)["error_class"] for job in server.client.zrange(keys.DEAD, 0, -1)] == ["NoResult"]
    assert (bench.status().dead, bench.status().failures, bench.status().is_complete) == (1, 1, True)
    assert bench.told() == ["b:death"]


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
