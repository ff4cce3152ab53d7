"""A batch may be huge, tells of each event once, and ends: with success, or cancelled; then it leaves nothing behind."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest

from batchwork import Yard
from mainspring import current_job
from mainspring.base.errors import BatchNotFound
from mainspring.store import keys
from mainspring.store.callbacks import callback_jid as jid_of
from support import until


@pytest.fixture
def yard(server):
    made = Yard(server)
    yield made
    made.app.close()


# --- many jobs -------------------------------------------------------------------------------


def test_a_huge_batch_is_sent_while_it_is_filled_and_judged_when_it_is_whole(yard):
    with yard.at_work(), yard.app.batch(on_complete=yard.note.step("done"), flush_every=100) as batch:
        yard.ends.enqueue_many(("ok",) for _ in range(1000))
        until(lambda: batch.status().succeeded >= 100)
        assert not batch.status().is_sealed
        yard.ends.enqueue("ok")
        yard.drained()
        assert yard.noted == []

    yard.run()
    assert batch.status().total == 1001
    assert yard.noted == [("done", batch.bid)]


def test_more_jobs_than_one_call_takes_are_one_batch(yard):
    with yard.app.batch() as batch:
        yard.note.enqueue_many((n,) for n in range(4500))

    assert batch.status().total == yard.queued() == 4500
    assert batch.status().is_sealed


def test_what_was_sent_of_a_block_that_raises_is_cancelled(yard):
    with suppress(ZeroDivisionError), yard.app.batch(flush_every=2) as batch:
        yard.note.enqueue_many([(1,), (2,), (3,)])
        raise ZeroDivisionError

    assert batch.status().is_cancelled
    assert yard.queued() == 3


# --- events ------------------------------------------------------------------------------------


def callbacks(yard):
    return {f"on_{event}": yard.note.step(event) for event in ("success", "complete", "death")}


def test_complete_comes_once_and_success_when_the_last_was_retried(yard):
    with yard.app.batch(**callbacks(yard)) as batch:
        for how in ("ok", "drop", "later"):
            yard.ends.enqueue(how)

    yard.run()
    assert yard.noted == [("complete", batch.bid)]
    assert (batch.status().failures, batch.status().pending) == (1, 1)
    yard.retry_all()

    assert yard.noted == [("complete", batch.bid), ("success", batch.bid)]
    assert batch.status().dropped == 1


def test_a_death_is_told_and_success_comes_when_the_dead_is_raised(yard):
    with yard.app.batch(**callbacks(yard)) as batch:
        yard.ends.enqueue("die")

    yard.run()
    assert {words[0] for words in yard.noted} == {"death", "complete"}
    assert batch.status().dead == 1
    (dead,) = yard.app.dead
    dead.delete()

    yard.run()
    assert yard.noted[-1] == ("success", batch.bid)


def test_a_job_that_fails_without_retries_is_no_success_though_nothing_is_kept_of_it(yard):
    with yard.app.batch(**callbacks(yard)) as batch:
        yard.ends.using(retry=False).enqueue("later")

    yard.run()

    assert {words[0] for words in yard.noted} == {"complete", "death"}
    assert not batch.status().is_success
    assert len(yard.app.dead) == 0


def test_a_callback_has_an_id_that_can_be_foretold(yard):
    seen = []
    seer = yard.job(lambda: seen.append(current_job().jid), "seer")

    with yard.app.batch(on_success=[seer, seer.step()]) as batch:
        pass
    yard.run()

    assert sorted(seen) == sorted([jid_of(batch.bid, "success", 0), jid_of(batch.bid, "success", 1)])


def test_callbacks_go_to_their_own_queue_or_to_that_of_the_batch(yard):
    note = yard.note.using(queue="notes")

    with yard.app.batch(on_success=note.step(1)):
        pass
    with yard.app.batch(on_success=note.step(1), callback_queue="calls"):
        pass

    assert (yard.queued("notes"), yard.queued("calls")) == (1, 1)


# --- waiting and ending ----------------------------------------------------------------------


def test_whoever_joins_waits_until_all_have_run(yard):
    with yard.app.batch() as batch:
        yard.ends.enqueue("ok")
        yard.ends.enqueue("later")
    assert not batch.join(0.05).is_complete

    with yard.at_work():
        found = batch.join("10s")

    assert found.is_complete
    assert not found.is_success


def test_a_batch_that_is_not_pushed_yet_has_no_status(yard):
    with pytest.raises(BatchNotFound), yard.app.batch() as batch:
        batch.status()


def test_jobs_of_a_cancelled_batch_are_not_started(yard):
    started, may_end = threading.Event(), threading.Event()

    @yard.app.job(name="long")
    def long() -> None:
        started.set()
        may_end.wait(10)

    with yard.app.batch(on_success=yard.note.step("success"), on_complete=yard.note.step("complete")) as batch:
        long.enqueue()
    with yard.app.batch("other") as other:
        yard.note.enqueue("other")
    with batch:
        yard.note.using(queue="behind").enqueue("never")

    with yard.at_work():
        until(started.is_set)
        assert batch.cancel() == 1
        may_end.set()
        # Two beats after it, each worker that saw a job of a batch knows.
        guard = yard.server.client
        before = int(guard.info("commandstats")["cmdstat_zrange"]["calls"])
        until(lambda: int(guard.info("commandstats")["cmdstat_zrange"]["calls"]) >= before + 3)
        guard.rename(keys.queue("behind"), keys.queue("default"))
        until(lambda: batch.status().is_over)
        yard.drained()

    assert {words[0] for words in yard.noted} == {"other", "complete"}
    assert (batch.status().dropped, batch.status().is_success) == (1, False)
    assert other.status().is_success
    assert batch.cancel() == 0


def test_many_small_batches_leave_no_key_behind(yard, server):
    for n in range(200):
        with yard.app.batch(f"small {n}", on_success=yard.ends.step("ok"), linger=0.2):
            yard.ends.enqueue("ok")

    yard.run()

    # What remembers that a push was made is kept for a minute.
    until(lambda: not [key for key in server.client.keys("mainspring:batch*") if b":pushed:" not in key])
