"""Slots sleep only when the inbox is empty, and no wake-up is ever lost."""

from __future__ import annotations

import threading

import pytest

from mainspring.worker.delivery import Delivery
from mainspring.worker.runners.threads import Inbox, ThreadRunner


def test_each_delivery_is_taken_once_in_whatever_rhythm_it_comes(rhythm):
    inbox, count, slots = Inbox(), 20_000, 8
    taken: list[list[int]] = [[] for _ in range(slots)]

    def serve(mine):
        while True:
            try:
                found = inbox.take()
            except IndexError:
                inbox.wait()
                continue
            if found is None:
                return
            mine.append(found)

    threads = [threading.Thread(target=serve, args=(mine,), daemon=True) for mine in taken]
    for thread in threads:
        thread.start()
    for first in range(0, count, rhythm):
        inbox.put(range(first, min(first + rhythm, count)))
    inbox.put([None] * slots)
    for thread in threads:
        thread.join(30)

    assert not any(thread.is_alive() for thread in threads)
    assert sorted(number for mine in taken for number in mine) == list(range(count))


def test_what_nobody_took_can_be_taken_back_in_order():
    inbox = Inbox()
    inbox.put([1, 2, 3])

    assert [inbox.take(), inbox.take(), len(inbox)] == [1, 2, 1]


@pytest.fixture(params=[1, 3, 1_000], ids="{} at once".format)
def rhythm(request):
    return request.param


def test_slots_that_were_told_to_end_do_so_although_what_waits_is_taken_back(one_slot):
    first, waiting = (Delivery("q", number, b"", "me", 0.0) for number in (1, 2))
    runner, begun, release = one_slot
    runner.put([first, waiting])
    assert begun.wait(10)

    runner.stop()
    back = list(runner.surrender())
    release.set()
    for slot in runner.slots:
        slot.thread.join(10)

    assert back == [waiting]
    assert not any(slot.thread.is_alive() for slot in runner.slots)


@pytest.fixture
def one_slot():
    """Give one slot that runs the first delivery until it is released."""
    begun, release = threading.Event(), threading.Event()

    def run(delivery):
        begun.set()
        release.wait(10)

    runner = ThreadRunner("c", 1, run=run, finished=lambda delivery: None)
    runner.start()
    yield runner, begun, release
    release.set()
    runner.stop()
