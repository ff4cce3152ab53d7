"""A batch is pushed as one unit or not at all, and each of its callbacks is enqueued once, when its event has come."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

import pytest

from batchwork import Yard
from mainspring import InvalidOption, PushFailed, WrongArguments
from mainspring.base.errors import BatchClosed, BatchNotFound, NotInAJob
from mainspring.store import keys


@pytest.fixture
def yard(server):
    made = Yard(server)
    yield made
    made.app.close()


# --- the block -------------------------------------------------------------------------


def test_jobs_are_pushed_at_the_end_of_the_block_and_not_before(yard):
    with yard.app.batch("import") as batch:
        yard.note.enqueue(1)
        yard.note.enqueue_many([(2,), (3,)])
        assert yard.queued() == 0

    assert yard.queued() == 3
    assert batch.status().total == 3


def test_a_block_that_raises_pushes_nothing(yard, server):
    with suppress(ZeroDivisionError), yard.app.batch("import"):
        yard.note.enqueue(1)
        raise ZeroDivisionError

    assert server.client.keys("*") == []


def test_a_batch_that_cannot_be_pushed_says_so_and_leaves_nothing(yard, server):
    server.client.execute_command("ACL", "SETUSER", "default", "-bitfield")
    try:
        with pytest.raises(PushFailed), yard.app.batch("import"):
            yard.note.enqueue(1)
    finally:
        server.client.execute_command("ACL", "SETUSER", "default", "+bitfield")

    assert server.client.keys("*") == []


def test_jobs_of_all_queues_and_times_go_in_one_unit(yard, server):
    with yard.app.batch() as batch:
        yard.note.enqueue(1)
        yard.note.using(queue="low").enqueue(2)
        yard.note.enqueue_in("1h", 3)

    assert (yard.queued(), yard.queued("low"), server.client.zcard(keys.SCHEDULE)) == (1, 1, 1)
    assert batch.status().total == 3


def test_what_is_enqueued_after_the_block_is_in_no_batch(yard):
    with yard.app.batch():
        pass
    yard.note.enqueue("alone")

    yard.run()

    assert yard.noted == [("alone",)]


def test_a_thread_that_is_started_in_the_block_is_outside_of_it(yard):
    with yard.app.batch() as batch:
        thread = threading.Thread(target=yard.note.enqueue, args=(1,))
        thread.start()
        thread.join()
        assert yard.queued() == 1

    assert batch.status().total == 0


def test_a_task_that_outlives_the_block_is_told_that_it_is_over(yard):
    async def late(over: asyncio.Event) -> None:
        await over.wait()
        await yard.note.aenqueue(1)

    async def main() -> None:
        over = asyncio.Event()
        async with yard.app.batch():
            task = asyncio.create_task(late(over))
        over.set()
        with pytest.raises(BatchClosed, match="block was left"):
            await task
        await yard.app.aclose()

    asyncio.run(main())
    assert yard.queued() == 0


def test_a_job_that_a_middleware_stops_is_in_no_batch(yard):
    def stop_odd(push):
        if push.fields["args"][0] % 2 == 0:
            yield

    yard.app.use(enqueue=stop_odd)

    with yard.app.batch() as batch:
        yard.note.enqueue_many([(n,) for n in range(5)])
        yard.note.enqueue(7)

    assert batch.status().total == yard.queued() == 3


def test_a_unique_job_that_is_there_already_counts_as_done(yard):
    once = yard.job(lambda n: None, "once", unique_for="1h")
    once.enqueue(1)

    with yard.app.batch() as batch:
        once.enqueue(1)
        once.enqueue(2)

    assert (batch.status().total, batch.status().pending, batch.status().dropped) == (2, 1, 1)
    assert yard.queued() == 2


def test_a_batch_is_refused_where_another_takes_the_jobs(yard):
    class Outbox:
        def take(self, pushes): ...

    token = yard.app.client.collector.set(Outbox())
    try:
        with pytest.raises(InvalidOption, match="may not commit"), yard.app.batch():
            pass
    finally:
        yard.app.client.collector.reset(token)


def test_a_coroutine_fills_a_batch_and_waits_for_it(yard):
    async def main() -> None:
        async with yard.app.batch("async", on_success=yard.note.step("done")) as batch:
            await yard.note.aenqueue(1)
            await yard.note.aenqueue_many([(2,)])
        assert (await batch.astatus()).pending == 2
        assert not (await batch.ajoin(0.05)).is_complete
        with yard.at_work():
            assert (await batch.ajoin("10s")).is_success
            await asyncio.to_thread(yard.drained)
        await yard.app.aclose()

    asyncio.run(main())

    assert sorted(map(str, (words[0] for words in yard.noted))) == ["1", "2", "done"]


@pytest.mark.parametrize(
    "options",
    [
        {"on_success": "report"},
        {"on_complete": print},
        {"flush_every": 0},
        {"flush_every": True},
        {"parent": "b1"},
        {"linger": "soon"},
        {"tags": "one"},
        {"description": "two\nlines"},
    ],
)
def test_what_makes_no_sense_is_refused(yard, options):
    with pytest.raises(InvalidOption):
        yard.app.batch(**options)


def test_a_callback_is_held_against_its_signature_when_the_batch_is_made(yard):
    @yard.app.job(name="dated")
    def dated(day: int) -> None: ...

    with pytest.raises(WrongArguments):
        yard.app.batch(on_success=dated.step("monday"))
    with pytest.raises(WrongArguments):
        yard.app.batch(on_success=dated)


# --- batches in batches ------------------------------------------------------------------


def test_a_batch_in_the_block_of_another_is_a_child_and_goes_with_it(yard):
    with yard.app.batch("outer", on_success=yard.note.step("outer")) as outer:
        yard.note.enqueue("a")
        with yard.app.batch("inner", on_success=yard.note.step("inner")) as inner:
            yard.note.enqueue("b")
        assert yard.queued() == 0
    assert inner.parent() == outer
    assert outer.status().total == 2

    yard.run()

    said = [words[0] for words in yard.noted]
    assert set(said) == {"a", "b", "inner", "outer"}
    assert said.index("inner") < said.index("outer")
    assert yard.noted[-1] == ("outer", outer.bid)


def test_a_block_that_raises_takes_its_own_batch_only(yard):
    with yard.app.batch("outer") as outer:
        yard.note.enqueue(1)
        with suppress(ZeroDivisionError), yard.app.batch("inner") as inner:
            yard.note.enqueue(2)
            raise ZeroDivisionError

    assert outer.status().total == yard.queued() == 1
    with pytest.raises(BatchNotFound):
        inner.status()


def test_a_block_that_raises_takes_the_batches_in_it(yard, server):
    with suppress(ZeroDivisionError), yard.app.batch("outer"):
        with yard.app.batch("inner"):
            yard.note.enqueue(2)
        raise ZeroDivisionError

    assert server.client.keys("*") == []


def test_a_child_can_be_given_to_a_batch_that_is_in_the_store(yard):
    with yard.app.batch("outer") as outer:
        yard.ends.enqueue("ok")

    with yard.app.batch("inner", parent=outer) as inner:
        yard.ends.enqueue("ok")

    assert outer.status().total == 2
    yard.run()
    assert outer.status().is_success
    assert inner.status().is_success


# --- growing ------------------------------------------------------------------------------


def test_a_job_adds_to_its_own_batch(yard):
    @yard.app.job(name="grow")
    def grow(n: int) -> None:
        if n:
            with yard.app.current_batch():
                grow.enqueue_many([(n - 1,), (0,)])

    with yard.app.batch(on_success=yard.note.step("done")) as batch:
        grow.enqueue(3)

    yard.run()

    assert batch.status().total == 7
    assert yard.noted == [("done", batch.bid)]


def test_a_callback_of_a_child_adds_the_next_part_to_the_parent(yard):
    @yard.app.job(name="second_part")
    def second_part() -> None:
        parent = yard.app.current_batch().parent()
        with parent, yard.app.batch("second"):
            yard.note.enqueue("second")

    with yard.app.batch("whole", on_success=yard.note.step("whole")), yard.app.batch("first", on_success=second_part):
        yard.note.enqueue("first")

    yard.run()

    assert [words[0] for words in yard.noted] == ["first", "second", "whole"]


def test_a_batch_that_has_succeeded_takes_no_more_jobs(yard):
    with yard.app.batch() as batch:
        pass

    with pytest.raises(BatchClosed, match="succeeded"), batch:
        yard.note.enqueue(1)

    assert yard.queued() == 0


def test_the_block_of_a_batch_is_open_once_at_a_time(yard):
    with yard.app.batch() as batch, pytest.raises(InvalidOption, match="open already"), batch:
        pass


def test_outside_of_a_batch_there_is_none(yard):
    found = []
    yard.job(lambda: found.append(yard.app.current_batch()), "alone").enqueue()

    yard.run()

    assert found == [None]
    with pytest.raises(NotInAJob):
        yard.app.current_batch()
