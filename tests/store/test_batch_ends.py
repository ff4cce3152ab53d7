"""A batch takes jobs as long as it is not over; then it is forgotten, with all its keys. Steps of it wait for others."""

from __future__ import annotations

import json

import pytest

from mainspring.base.errors import BatchClosed, BatchNotFound
from mainspring.store import batches, keys
from mainspring.store.batches import After, Job, Jobs, Open, Seal, Step
from mainspring.store.flows import Row
from mainspring.store.ties import Ties
from store.batch_bench import Bench
from support import until


@pytest.fixture
def bench(server):
    made = Bench(server)
    yield made
    made.store.close()


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
    assert all(0 < left <= 101_000 for left in found.values())


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

    bench.end(0, "ok", jid="jid", result=f'{{"class":"a","at":1.5,"value":{value}}}'.encode())

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
