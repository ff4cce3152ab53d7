"""A service's loop goes on whatever its turns raise, says so once, and ends soon after it is asked to."""

from __future__ import annotations

import logging
import queue
import random
import threading

import pytest

from mainspring.base.errors import StoreRefused, StoreUnavailable
from mainspring.base.service import FIRST_WAIT, LONGEST_WAIT, Service

GONE = StoreUnavailable("no store", applied=False)
CUT = StoreUnavailable("cut off", applied=None)
WRONG = StoreRefused("the password is wrong", "WRONGPASS")
HOUR = 3600.0


class Script(Service):
    """Does what a list says, turn by turn, and waits for what the test lets it do next."""

    def __init__(self, *turns: object, pause: float = 0.0) -> None:
        super().__init__("script", rng=random.Random(1))
        self.turns = iter(turns)
        self.pause = pause
        self.seen: queue.SimpleQueue[object] = queue.SimpleQueue()
        self.waits: list[float] = []
        self.last: object = None

    def turn(self) -> float:
        self.last = what = next(self.turns, None)
        self.seen.put(what)
        if what is None:
            self.stop()
            return 0
        if isinstance(what, BaseException):
            raise what
        return self.pause

    def end(self) -> None:
        self.seen.put("end")

    def all_seen(self) -> list[object]:
        assert self.join(10)
        return [self.seen.get_nowait() for _ in range(self.seen.qsize())]


class Hurried(Script):
    """Notes how long it would wait, and does not."""

    def _sleep(self, pause: float) -> None:
        self.waits.append(pause)


def test_turns_follow_each_other_until_the_end():
    service = Script("a", "b")
    service.start()

    assert service.all_seen() == ["a", "b", None, "end"]


def test_an_error_does_not_end_the_loop():
    service = Hurried(ValueError("x"), "a", GONE, "b")
    service.start()

    assert [str(seen) for seen in service.all_seen()] == ["x", "a", "no store", "b", "None", "end"]


def test_trouble_is_reported_when_it_begins_and_when_it_ends(caplog):
    caplog.set_level(logging.INFO, "mainspring.service")
    service = Hurried(GONE, GONE, "a", "b", ValueError("y"), "c")
    service.start()
    service.all_seen()

    assert [record.event for record in caplog.records] == ["store.gone", "store.back", "service.error", "store.back"]
    assert caplog.records[0].exc_info is None
    assert caplog.records[2].exc_info


def test_a_reason_that_shows_only_later_is_reported_too_and_each_once_in_a_row(caplog):
    caplog.set_level(logging.WARNING, "mainspring.service")
    service = Hurried(CUT, WRONG, CUT, GONE, WRONG, ValueError("x"), GONE, "a", WRONG, "b")
    service.start()
    service.all_seen()

    said = [record.getMessage().removeprefix("script").strip(": ") for record in caplog.records]
    assert said == [
        "cut off; trying again",
        "the password is wrong; trying again",
        "no store; trying again",
        "failed; trying again",
        "the password is wrong; trying again",
    ]


def test_waits_after_errors_grow_and_are_bounded():
    service = Hurried(*[GONE] * 50)
    service.start()
    service.all_seen()

    bounds = [min(LONGEST_WAIT, FIRST_WAIT * 2**n) for n in range(1, 51)]
    assert all(FIRST_WAIT <= wait <= bound for wait, bound in zip(service.waits, bounds, strict=True))
    assert max(service.waits) > LONGEST_WAIT / 2
    assert len(set(service.waits)) == 50


def test_a_success_begins_the_waits_anew():
    service = Hurried(*[GONE] * 10, "a", GONE, "b")
    service.start()
    service.all_seen()

    assert service.waits[-1] <= 2 * FIRST_WAIT


def test_a_wake_ends_a_long_wait():
    service = Script("a", "b", pause=3600.0)
    service.start()

    for expected in ("a", "b", None):
        assert service.seen.get(timeout=30) == expected
        service.wake()

    assert service.join(5)


@pytest.mark.parametrize("pause", [float("inf"), 1e12])
def test_a_turn_that_sees_no_end_of_the_wait_does_not_end_the_loop(pause):
    service = Script("a", "b", pause=pause)
    service.start()

    for expected in ("a", "b", None):
        assert service.seen.get(timeout=30) == expected
        service.wake()

    assert service.join(5)


def test_many_wakes_during_a_turn_are_one():
    service = Script("a", pause=3600.0)
    for _ in range(5):
        service.wake()
    service.start()
    assert service.seen.get(timeout=30) == "a"

    assert service.seen.get(timeout=30) is None
    assert service.all_seen() == ["end"]


def test_a_stop_ends_a_long_wait_and_what_is_left_is_done_in_the_loops_thread():
    threads = []
    service = Script("a", pause=3600.0)
    service.end = lambda: threads.append(threading.current_thread().name)  # type: ignore[method-assign]  # to look in
    service.start()
    service.seen.get(timeout=30)

    service.stop()

    assert service.join(5)
    assert service.is_stopping
    assert threads == ["mainspring-script"]


def test_an_error_while_stopping_is_not_reported(caplog):
    class Stopping(Script):
        def turn(self) -> float:
            self.stop()
            raise GONE

    service = Stopping()
    service.start()

    assert service.all_seen() == ["end"]
    assert caplog.records == []


def test_a_join_has_a_deadline_and_never_waits_for_itself():
    blocker = threading.Event()

    class Slow(Script):
        def turn(self) -> float:
            self.seen.put(self.join(5))
            blocker.wait(10)
            self.stop()
            return 0

    service = Slow()
    assert service.join(5)
    service.start()

    assert service.seen.get(timeout=30) is False
    assert service.join(0.01) is False
    blocker.set()
    assert service.join(5)


def test_a_service_must_say_what_a_turn_is():
    with pytest.raises(NotImplementedError):
        Service("none", rng=random.Random(1)).turn()


class Placed(Script):
    """Notes in which threads it does its turns; a number says for how long nothing will be due after its turn."""

    def __init__(self, *turns: object) -> None:
        super().__init__(*turns)
        self.threads: list[str] = []
        self.held = threading.Event()
        self.held.set()

    def turn(self) -> float:
        self.threads.append(threading.current_thread().name)
        super().turn()
        assert self.held.wait(10)
        return self.last if isinstance(self.last, float) else 0.0


def asleep(service: Placed) -> None:
    """Wait until its loop's first turn is over."""
    service.start()
    assert service.seen.get(timeout=10) == HOUR
    with service._turning:
        assert service._until > 0


def test_a_turn_can_be_done_in_the_thread_that_knows_of_the_work():
    service = Placed(HOUR, "mine")
    asleep(service)

    service.turn_here()

    assert service.join(10)
    assert service.threads[1] == threading.current_thread().name
    assert service.threads[2] == "mainspring-script", "the loop was woken for the turn after it"
    assert service.all_seen() == ["mine", None, "end"]


def test_the_loop_sleeps_on_if_a_turn_elsewhere_left_nothing_to_do():
    service = Placed(HOUR, HOUR)
    asleep(service)

    service.turn_here()

    assert service._bell.empty()
    assert service.threads[1:] == [threading.current_thread().name]
    service.stop()
    assert service.join(10)


def test_two_threads_never_do_a_turn_together():
    service = Placed("first")
    service.held.clear()
    service.start()
    assert service.seen.get(timeout=10) == "first"

    service.turn_here()
    assert service.threads == ["mainspring-script"], "the turn under way is not disturbed"
    service.held.set()

    assert service.join(10)
    assert service.threads == ["mainspring-script"] * 2
    assert service.all_seen() == [None, "end"]


def test_a_turn_elsewhere_that_fails_is_made_again_by_the_loop():
    service = Placed(HOUR, GONE)
    asleep(service)

    service.turn_here()

    assert service.all_seen() == [GONE, None, "end"]


def test_nothing_is_done_elsewhere_once_it_is_told_to_stop():
    service = Placed("never")
    service.stop()

    service.turn_here()

    assert service.threads == []
