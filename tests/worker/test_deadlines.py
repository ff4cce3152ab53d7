"""An alarm rings at its time and not before, unless it is withdrawn, whatever becomes of the others."""

from __future__ import annotations

import random
import threading
import time

import pytest

from mainspring.base.timesource import TimeSource
from mainspring.worker.deadlines import Deadlines
from support import until


class Bell:
    """An alarm that notes when it rang."""

    def __init__(self, *answers: float) -> None:
        self.tick = 0
        self.rang: list[float] = []
        self._answers = list(answers)

    def ring(self) -> float:
        self.rang.append(time.clock_gettime(time.CLOCK_BOOTTIME))
        return self._answers.pop(0) if self._answers else 0.0


class Broken(Bell):
    """An alarm that fails when it rings."""

    def ring(self) -> float:
        super().ring()
        raise RuntimeError("it fell off the wall")


@pytest.fixture
def deadlines():
    made = Deadlines(time=TimeSource(), rng=random.Random(1))
    yield made
    made.stop()


def test_each_rings_at_its_time_whatever_their_order(deadlines):
    begun = time.clock_gettime(time.CLOCK_BOOTTIME)
    bells = {seconds: Bell() for seconds in (0.3, 0.05, 0.2, 0.1)}
    for seconds, bell in bells.items():
        deadlines.put(bell, seconds)

    until(lambda: all(bell.rang for bell in bells.values()))

    assert all(bell.rang[0] - begun >= seconds for seconds, bell in bells.items())
    assert [len(bell.rang) for bell in bells.values()] == [1] * 4


def test_one_that_was_withdrawn_does_not_ring(deadlines):
    silent, after = Bell(), Bell()
    deadlines.put(silent, 0.05)
    deadlines.put(after, 0.15)

    deadlines.withdraw(silent)

    until(lambda: after.rang)
    assert silent.rang == []


def test_one_may_ring_again(deadlines):
    bell = Bell(0.02, 0.02)

    deadlines.put(bell, 0.01)

    until(lambda: len(bell.rang) == 3)


def test_one_that_fails_keeps_no_other_from_ringing(deadlines):
    bells = [Broken(), Bell(), Broken(), Bell()]
    for bell in bells:
        deadlines.put(bell, 0.05)

    until(lambda: all(bell.rang for bell in bells))

    assert [len(bell.rang) for bell in bells] == [1] * 4


def test_there_is_no_thread_before_the_first(deadlines):
    names = {thread.name for thread in threading.enumerate()}

    assert deadlines.join(0)
    deadlines.put(Bell(), 5)

    assert len({thread.name for thread in threading.enumerate()} - names) <= 1
    assert not deadlines.join(0)
