"""Who calls the store is told what happened to the call: it certainly did nothing, or nobody can tell."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mainspring import App, PushAmbiguous, PushFailed
from mainspring.base.errors import StoreError, StoreRefused, StoreUnavailable
from mainspring.job import Enqueued
from mainspring.store import keys, scripts
from mainspring.store.command import Command, blob, plain
from mainspring.store.connection import AsyncStore, Store
from scenarios.faultday import Day
from scenarios.faultwire import REFUSALS, SCRIPTS, Fault, Wire
from scenarios.record import record

#: Seconds to wait for an answer that never comes.
PATIENCE = 1.0
#: The same where a call of each script is under way at once, which on a busy machine takes long by itself.
CROWD_PATIENCE = 1.5
SILENT = (Fault.FAIL, Fault.EXECUTE_AND_TIMEOUT, Fault.HANG)


@pytest.fixture
def wire(server) -> Iterator[Wire]:
    for name in SCRIPTS:
        server.client.script_load(scripts.load(name).source)
    made = Wire(server.socket_path)
    yield made
    made.close()


# --- producers -----------------------------------------------------------------------------


def ways(app: App) -> dict[str, Callable[[], Enqueued | list[Enqueued]]]:
    """Return each way to push."""
    job = app.job(name="work")(lambda: None)
    return {
        "enqueue": job.enqueue,
        "enqueue_in": lambda: job.enqueue_in(3600),
        "enqueue_many": lambda: job.enqueue_many([()] * 3),
        "aenqueue": lambda: asyncio.run(job.aenqueue()),
        "aenqueue_in": lambda: asyncio.run(job.aenqueue_in(3600)),
        "aenqueue_many": lambda: asyncio.run(job.aenqueue_many([()] * 3)),
    }


def outcomes(url: str) -> dict[str, Enqueued | list[Enqueued] | Exception]:
    """Push in each way, all at the same time, each with an App of its own."""

    def outcome(way: str) -> Enqueued | list[Enqueued] | Exception:
        app = App(url)
        app.store.timeout = app.async_store.timeout = PATIENCE
        try:
            return ways(app)[way]()
        except (PushFailed, PushAmbiguous) as error:
            return error
        finally:
            app.close()

    names = list(ways(App(url)))
    with ThreadPoolExecutor(len(names)) as pool:
        return dict(zip(names, pool.map(outcome, names), strict=True))


def stored(server) -> int:
    return server.client.llen(keys.queue("default")) + server.client.zcard(keys.SCHEDULE)


@pytest.mark.parametrize("fault", REFUSALS, ids=lambda fault: fault.name)
def test_a_push_that_is_refused_has_failed(server, wire, fault):
    wire.plan(fault, {"job_push": 0, "set_add": 0}, times=99)

    found = outcomes(wire.url)

    assert {way: type(outcome) for way, outcome in found.items()} == dict.fromkeys(found, PushFailed)
    assert all(fault.name in str(outcome) for outcome in found.values())
    assert stored(server) == 0


@pytest.mark.parametrize("fault", SILENT, ids=lambda fault: fault.name)
def test_a_push_that_is_never_answered_is_ambiguous(server, wire, fault):
    wire.plan(fault, {"job_push": 0, "set_add": 0}, times=99)

    found = outcomes(wire.url)

    assert {way: type(outcome) for way, outcome in found.items()} == dict.fromkeys(found, PushAmbiguous)
    # Each was made four times, and is stored once.
    assert stored(server) == (10 if fault is Fault.EXECUTE_AND_TIMEOUT else 0)
    assert sum(len(outcome.jids) for outcome in found.values()) == 10


@pytest.mark.parametrize("fault", [*SILENT, Fault.DELAY, Fault.NOSCRIPT], ids=lambda fault: fault.name)
def test_a_push_that_meets_a_fault_once_is_made_once(server, wire, fault):
    for _ in range(3):
        server.flush()
        wire.plan(fault, {"job_push": 0, "set_add": 0}, times=2)

        found = outcomes(wire.url)

        assert not [outcome for outcome in found.values() if isinstance(outcome, Exception)]
        assert stored(server) == 10
    assert wire.met["job_push", fault] == wire.met["set_add", fault] == 6


# --- every script, both stores ---------------------------------------------------------------


def told(fault: Fault) -> tuple[type[StoreError] | None, bool | None, str]:
    """Return what a caller shall be told: the class, whether the call had an effect, and the server's code."""
    if fault in SILENT:
        return StoreUnavailable, None, ""
    if fault is Fault.LOADING:
        return StoreUnavailable, False, ""
    return (StoreRefused, False, fault.name) if fault in REFUSALS else (None, None, "")


def facts(outcome: Any) -> tuple[type[StoreError] | None, bool | None, str]:
    if isinstance(outcome, StoreError):
        return type(outcome), outcome.applied, getattr(outcome, "code", "")
    return None, None, ""


def again(name: str, words: Sequence[bytes]) -> Command[Any]:
    """Return the call of a script as somebody made it before."""
    count = int(words[0])
    names = tuple(key.decode() for key in words[1 : 1 + count])
    return Command(name, names, tuple(words[1 + count :]), lambda reply: reply)


def echo(name: str) -> Command[bytes]:
    return plain("ECHO", args=(name,), decode=blob)


def blocking(url: str, patience: float, calls: dict[str, Command[Any]]) -> dict[str, tuple[Any, bytes]]:
    """Make all calls at the same time, and after each one another, all through one store."""
    store = Store(url, timeout=patience)

    def outcome(name: str) -> tuple[Any, bytes]:
        try:
            answer = store.run(calls[name])
        except StoreError as error:
            answer = error
        store.timeout = 5.0
        return answer, store.run(echo(name))

    with ThreadPoolExecutor(len(calls)) as pool:
        found = dict(zip(calls, pool.map(outcome, calls), strict=True))
    store.close()
    return found


def awaited(url: str, patience: float, calls: dict[str, Command[Any]]) -> dict[str, tuple[Any, bytes]]:
    """Do as `blocking`, on one event loop."""
    store = AsyncStore(url, timeout=patience)

    async def outcome(name: str) -> tuple[Any, bytes]:
        try:
            answer = await store.run(calls[name])
        except StoreError as error:
            answer = error
        store.timeout = 5.0
        return answer, await store.run(echo(name))

    async def everything() -> dict[str, tuple[Any, bytes]]:
        found = dict(zip(calls, await asyncio.gather(*map(outcome, calls)), strict=True))
        await store.aclose()
        return found

    return asyncio.run(everything())


@pytest.fixture
def calls(server, wire) -> dict[str, Command[Any]]:
    """A call of each script, as somebody made it on a usual day."""
    day = Day(server, wire)
    day.run()
    day.close()
    return {name: again(name, wire.seen[name]) for name in SCRIPTS}


@pytest.mark.parametrize("make", [blocking, awaited])
def test_each_call_of_each_script_is_told_the_truth(wire, calls, make):
    count = 0
    for fault in Fault:
        wire.met.clear()
        wire.plan(fault, dict.fromkeys(SCRIPTS, 0))

        found = make(wire.url, CROWD_PATIENCE if fault in SILENT else 5.0, calls)

        assert {name: facts(answer) for name, (answer, _) in found.items()} == dict.fromkeys(SCRIPTS, told(fault))
        assert {name: echoed.decode() for name, (_, echoed) in found.items()} == {name: name for name in SCRIPTS}
        assert wire.met == {(name, fault): 1 for name in SCRIPTS}
        count += len(found)
    bar = "the right error, and the next call has its own answer"
    record("F9", f"{len(SCRIPTS)} scripts x {len(Fault)} faults, {make.__name__}", bar, calls=count, mismatched=0)
