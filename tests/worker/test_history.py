"""A store that lost its history is found out by its counts, which never go back otherwise."""

from __future__ import annotations

from mainspring.base.errors import StoreRefused
from mainspring.store import keys
from mainspring.store.connection import Store
from mainspring.worker.history import EVERY, History
from support import until


def test_counts_that_grow_or_stand_still_are_no_loss(spoken):
    history = History(["a", "b"])

    for counts in ([0, 0], [0, 7], [3, 7], [3, 8]):
        history.compare(counts)

    assert not spoken("store.lost_history")


def test_each_count_that_went_back_is_reported_once(spoken, caplog):
    history = History(["a", "b"])

    for counts in ([5, 7], [5, 2], [5, 2], [6, 3]):
        history.compare(counts)

    assert spoken("store.lost_history") == [{"queue": "b", "before": 7, "now": 2}]
    assert "had made 7 deliveries of b and knows of 2" in caplog.text


def test_a_count_that_could_not_be_read_tells_nothing(spoken):
    history = History(["a"])

    for count in (5, StoreRefused("not allowed", "NOPERM"), 4):
        history.compare([count])

    assert spoken("store.lost_history") == [{"queue": "a", "before": 5, "now": 4}]


def test_the_counts_are_those_of_the_stores_fences(server):
    server.client.set(keys.fence("b"), 7)
    store, history = Store(server.url), History(["a", "b"])

    assert [store.pipeline(history.calls()) for _ in range(EVERY + 1)] == [[0, 7], *[[]] * (EVERY - 1), [0, 7]]


def test_a_worker_whose_store_is_flushed_says_so_and_works_on(bench, spoken):
    @bench.job
    def add() -> None: ...

    worker = bench.work()
    bench.push("add")
    bench.drained()
    first = worker.capsules[0].holder
    # A count is noticed with one of the next beats.
    until(lambda: worker._heartbeat._history._seen == {"default": 1})

    bench.server.flush()
    until(lambda: spoken("store.lost_history"))
    bench.push("add")
    bench.drained()

    assert spoken("store.lost_history") == [{"queue": "default", "before": 1, "now": 0}]
    assert worker.capsules[0].holder == first
    until(lambda: bench.client.exists(keys.lease("default", first)))
