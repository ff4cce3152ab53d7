"""Whatever form an iterable job has, it does the same; and its cursor is what its annotation says."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import date, timedelta

import pytest

from mainspring import Retry, current_job
from mainspring.store import keys
from support import until

MOST = 20
SOON = Retry(max=5, backoff="fixed", base=0.02)


@pytest.fixture
def done() -> list[object]:
    return []


def state(bench, jid):
    return bench.client.hgetall(keys.cursor(jid))


def test_a_cursor_is_of_its_annotated_type(bench, done):
    def days(cursor: date = date(2026, 1, 1)) -> Iterator[date]:
        assert isinstance(cursor, date)
        done.append(cursor.day)
        yield cursor + timedelta(days=1)
        if cursor.day < 3:
            raise ValueError("one day a run")

    bench.job(days, iterable=True, retry=SOON).enqueue()
    bench.work()

    until(lambda: bench.counted() == (3, 2))

    assert done == [1, 2, 3]


@pytest.mark.parametrize(
    ("cursor", "says"),
    [(None, "None was yielded"), ("three", "expected int or None, got str"), (object(), "expected int")],
)
def test_what_is_no_cursor_is_refused_where_it_is_yielded(bench, cursor, says):
    def wrong(given: int) -> Iterator[object]:
        yield from (1, cursor)

    def count_wrongly(cursor: int | None) -> Iterator[object]:
        yield from wrong(0)

    jid = bench.job(count_wrongly, iterable=True, retry=1).enqueue().jid

    bench.run()

    assert says in bench.only(keys.RETRY)["error_message"]
    assert "parameter 'cursor'" in bench.only(keys.RETRY)["error_message"]
    assert json.loads(state(bench, jid)[b"c"]) == 1


def test_a_list_that_the_job_goes_on_to_change_is_saved_as_it_was_yielded(bench):
    def pages(cursor: list[int] | None) -> Iterator[list[int]]:
        seen = [1]
        yield seen
        seen.append(2)
        raise ValueError("before the second was done")

    jid = bench.job(pages, iterable=True).enqueue().jid

    bench.run()

    assert json.loads(state(bench, jid)[b"c"]) == [1]


def test_an_asynchronous_one_does_the_same(bench, done):
    going = threading.Event()

    async def acount(cursor: int | None, most: int) -> AsyncIterator[int]:
        for number in range(cursor or 0, most):
            done.append(number)
            while number == 2 and not going.is_set():
                await asyncio.wait_for(asyncio.to_thread(going.wait, 20), 20)
            yield number + 1

    jid = bench.job(acount, iterable=True).enqueue(MOST).jid
    worker = bench.work(timeout=10.0)
    until(lambda: 2 in done)
    worker.quiet()
    going.set()
    until(lambda: bench.waiting() == 1)
    assert json.loads(state(bench, jid)[b"c"]) == 3

    bench.run()

    assert done == list(range(MOST))


@pytest.mark.parametrize("kind", ["sync", "async each", "async both"])
def test_a_class_does_each_item_that_its_steps_yield(bench, done, kind):
    class Count:
        def steps(self, cursor: int | None, most: int, *, by: int = 1) -> Iterator[tuple[str, int]]:
            for number in range(cursor or 0, most, by):
                yield str(number), number + by

        def each(self, item: str, most: int, *, by: int = 1) -> None:
            if item == "4" and current_job().attempt == 1:
                raise ValueError("once")
            done.append((item, most, by))

    class AsyncEach(Count):
        async def each(self, item: str, most: int, *, by: int = 1) -> None:
            Count.each(self, item, most, by=by)

    class AsyncBoth(AsyncEach):
        async def steps(self, cursor: int | None, most: int, *, by: int = 1) -> AsyncIterator[tuple[str, int]]:
            for pair in Count.steps(self, cursor, most, by=by):
                yield pair

    made = {"sync": Count, "async each": AsyncEach, "async both": AsyncBoth}[kind]
    bench.app.job(name="count", iterable=True, retry=SOON)(made).enqueue(8, by=2)
    bench.work()

    until(lambda: bench.counted() == (2, 1))

    assert done == [(item, 8, 2) for item in "0246"]
