"""Whatever happens to a call, of whichever script: no loop ends, callers are told the truth, and no job is lost or doubled."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from machine.mutants import MUTANTS
from mainspring.base.service import Service
from mainspring.store import periodic, queues, scripts
from mainspring.store.command import Command
from scenarios.faultday import Day
from scenarios.faultwire import SCRIPTS, Fault, Wire
from scenarios.record import at_length, record
from support import until

BAR = "every script meets every fault: no loop dies, LOST 0, nothing twice"


@pytest.fixture
def begin(server) -> Iterator[Callable[[], Day]]:
    days: list[Day] = []

    def make() -> Day:
        days.append(Day(server, Wire(server.socket_path)))
        return days[-1]

    yield make
    for day in days:
        day.close()
        day.wire.close()


def unharmed(day: Day) -> dict[str, int]:
    """Return the verdict of a day on which nothing was lost or doubled."""
    found = day.verdict()
    assert {name for name, count in found.items() if count} == {"pushed"}, found
    return found


def chance() -> tuple[int, random.Random]:
    """Return a seed, which is printed, and what it yields."""
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")  # noqa: T201
    return seed, random.Random(seed)


def test_the_day_calls_every_script_there_is(begin):
    day = begin()

    day.run()

    unmet = ", ".join(sorted(set(SCRIPTS) - set(day.wire.seen)))
    assert not unmet, f"nobody calls {unmet} in scenarios/faultday.py: let who calls it in life call it there"
    assert day.errors == []
    unharmed(day)


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name)
def test_each_script_meets_a_fault(begin, server, fault):
    seed, _ = chance()
    for _ in range(at_length(1, 6)):
        server.flush()
        day = begin()
        # The first call of each: some are made once on a day.
        day.wire.plan(fault, dict.fromkeys(SCRIPTS, 0))

        day.run()

        day.wire.be_good()
        assert sorted(name for name, met in day.wire.met if met is fault) == SCRIPTS
        found = unharmed(day)
        kinds = sorted({type(error).__name__ for error in day.errors})
        day.close()
    record("F9", f"{fault.name} of each of {len(SCRIPTS)} scripts", BAR, seed=seed, told=kinds, **found)


def test_any_call_of_any_script_may_meet_any_fault(begin, server):
    seed, rng = chance()
    met = 0
    for _ in range(at_length(1, 30)):
        server.flush()
        day = begin()
        day.wire.storm(rng, 0.1)

        day.run()

        day.wire.be_good()
        met += day.wire.met.total()
        found = unharmed(day)
        day.close()
    assert met > 5
    record("F9", "a tenth of all calls meets some fault", BAR, seed=seed, faults=met, **found)


# --- the tests themselves must be able to fail ---------------------------------------------


def test_the_day_finds_a_push_that_is_made_twice(begin, monkeypatch):
    push = queues.push

    def forgetful(queue: str, payloads: list[bytes], *, token: str = "") -> Command[int]:
        return push(queue, payloads)

    monkeypatch.setattr(queues, "push", forgetful)
    day = begin()
    day.wire.plan(Fault.EXECUTE_AND_TIMEOUT, {"job_push": 0})

    day.run()

    assert day.verdict()["dup"] == 1


def test_the_day_finds_a_run_out_of_turn_that_is_made_twice(begin, monkeypatch):
    push_run = periodic.push_run

    def forgetful(*given: Any, token: str = "", **options: Any) -> Command[bool]:
        return push_run(*given, **options)

    monkeypatch.setattr(periodic, "push_run", forgetful)
    day = begin()
    day.wire.plan(Fault.EXECUTE_AND_TIMEOUT, {"periodic_push": 0})

    day.run()

    assert day.verdict()["dup"] == 1


def test_the_day_finds_a_tick_that_is_claimed_twice(begin, monkeypatch):
    (unnoted,) = [mutant for mutant in MUTANTS if mutant.slip == "a claim is not noted"]
    monkeypatch.setattr(scripts, "load", unnoted.script_of)
    day = begin()
    day.wire.plan(Fault.EXECUTE_AND_TIMEOUT, {"periodic_claim": 0})

    day.run()

    assert day.verdict()["ticked_twice"] >= 1
    assert day.verdict()["dup"] >= 1


def test_the_day_finds_a_loop_that_ends_with_its_first_error(begin, monkeypatch):
    def end(self: Service, error: Exception) -> float:
        self._stopping = True
        return 0.0

    monkeypatch.setattr(Service, "_failed", end)
    day = begin()
    day.wire.plan(Fault.OOM, {"set_due": 0})
    day.hire()

    until(lambda: day.wire.met)
    until(lambda: day.workers[0]._forwarder.join(0))

    with pytest.raises(AssertionError, match="forwarder"):
        day.assert_alive()
