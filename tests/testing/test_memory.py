"""The store in memory answers a clock's commands as a server does, and holds the same afterwards, whatever came before."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import mainspring.store
from mainspring.base.errors import StoreRefused
from mainspring.base.timesource import TimeSource
from mainspring.store import entries, keys, periodic
from mainspring.store.command import Command, ignore, plain
from mainspring.store.connection import Store
from mainspring.store.entries import Definition
from mainspring.store.periodic import Attempt, TickJob
from mainspring.testing import scripts
from mainspring.testing.memory import MemoryStore

NS = "office"
#: Ticks and due times lie far from now, so that a time near now can only be one that the store has read off its clock.
PAST, FUTURE = 1_000_000_000, 4_000_000_000

name = st.sampled_from(["a", "b", "c"])
names = st.lists(name, max_size=3)
digest = st.sampled_from(["one", "two", "three"])
origin = st.sampled_from([entries.CODE, "api", "sync:rows"])
stamp = st.sampled_from(["s1", "s2"])
number = st.integers(0, 4)
run = st.sampled_from(["", "j1", "j2"])
runs = st.sampled_from([(), ("j1",), ("j1", "j2")])
text = st.sampled_from([b"", b'{"kind":"scheduled"}', b'{"kind":"skipped"}'])
definition = st.builds(Definition, name, stamp, st.sampled_from(["w1", "w2"]), st.just(b"{}"), st.booleans())
job = st.builds(
    TickJob,
    st.sampled_from(["default", "other"]),
    st.sampled_from([b"", b"{1}", b"{2}"]),
    st.none() | st.just(FUTURE + 0.5),
)
attempt = st.builds(
    Attempt,
    name=name,
    stamp=stamp,
    tick=st.builds("{}.{:03d}".format, st.integers(FUTURE, FUTURE + 5) | st.just(PAST), st.just(0)),
    due=st.sampled_from([0.0, PAST + 0.25, FUTURE + 0.5]),
    job=job,
    record=text,
    expected=runs,
    runs=runs,
)


def defining(definitions: list[Definition], by: str, code: str, limit: int) -> Command[object]:
    return entries.define(NS, definitions, origin=by, digest=code, limit=limit)


def removing(gone: list[str], by: str, code: str, number: int) -> Command[object]:
    return entries.remove(NS, gone, origin=by, digest=code, number=number)


def pushing(entry: str, job: TickJob, record: bytes, run: str, token: str) -> Command[object]:
    return periodic.push_run(NS, entry, job, record=record, run=run, token=token)


def dying(code: str) -> Command[None]:
    """Let time pass until the last sign of a clock with this code is too old."""
    return plain("DEL", keys.periodic_alive(NS, code), decode=ignore)


command = st.one_of(
    st.builds(periodic.enter, st.just(NS), digest, digest),
    st.builds(defining, st.lists(definition, max_size=4), origin, digest, st.sampled_from([0, 1, 2])),
    st.builds(removing, names, origin | st.just(entries.ANY), digest, number),
    st.builds(periodic.claim_tick, st.just(NS), attempt),
    st.builds(pushing, name, job, text, run, run),
    st.builds(entries.pause, st.just(NS), name),
    st.builds(entries.resume, st.just(NS), name),
    st.builds(periodic.poll, st.just(NS), digest),
    st.builds(dying, digest),
    st.builds(entries.read, st.just(NS), names),
    st.builds(entries.lasts, st.just(NS), names),
    st.builds(entries.changed, st.just(NS), number),
    st.builds(periodic.history, st.just(NS), name, st.sampled_from([1, 100])),
    st.sampled_from([entries.names(NS), entries.count(NS), periodic.current_code(NS), periodic.server_time()]),
)

ENTER = [periodic.enter(NS, "one", ""), defining([Definition("a", "s1", "w1", b"{}")], entries.CODE, "one", 0)]
CLAIMS = [
    periodic.claim_tick(NS, Attempt("a", "s1", f"{FUTURE}.{n:03d}", 0.0, TickJob("default", b"{1}"), b"{}"))
    for n in range(120)
]


# --- the same on both -----------------------------------------------------------------


def without_now(value: object) -> str:
    """Return *value* as text, in which each time near now is the same."""
    near = str(int(TimeSource().now()))[:5]
    return re.sub(rf"\b{near}[0-9]{{5}}([0-9]{{3}})?(\.[0-9]+)?", "NOW", repr(value))


def in_server(client) -> dict[str, object]:
    """Return what the server holds, without the bell, on which nobody waits here."""
    readers = {
        b"hash": client.hgetall,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"set": client.smembers,
        b"zset": lambda key: dict(client.zrange(key, 0, -1, withscores=True)),
        b"string": client.get,
    }
    found = {key.decode(): readers[client.type(key)](key) for key in client.scan_iter(count=1000)}
    found.pop(keys.BELL, None)
    return found


def in_memory(store: MemoryStore) -> dict[str, object]:
    space = store.keyspace
    hashes = {key: {field.encode(): value for field, value in fields.items()} for key, fields in space.hashes.items()}
    return {**hashes, **space.lists, **space.sets, **space.zsets, **space.strings}


def sorted_text(held: dict[str, object]) -> str:
    return without_now(
        sorted((key, sorted(value.items()) if isinstance(value, dict) else value) for key, value in held.items())
    )


def make(call: Command[object], store: Store | MemoryStore) -> str:
    if call.name == "DEL" and isinstance(store, MemoryStore):
        store.keyspace.delete(*call.keys)
        return "None"
    return without_now(store.run(call))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=st.lists(command, min_size=1, max_size=40))
@example(calls=[*ENTER, *CLAIMS, periodic.history(NS, "a")])
def test_every_sequence_of_commands_ends_alike(server, calls):
    server.flush()
    real, memory = Store(server.url), MemoryStore(TimeSource())

    for call in calls:
        assert make(call, memory) == make(call, real), call

    assert sorted_text(in_memory(memory)) == sorted_text(in_server(server.client))
    lasting = {key for key in memory.keyspace.strings if key not in memory.keyspace.expires}
    assert lasting == {key for key in server.lasting() if server.client.type(key) == b"string"}
    real.close()


# --- all that a clock says ------------------------------------------------------------


def test_every_script_of_periodic_entries_is_known():
    folder = Path(mainspring.store.__file__).parent / "lua"

    assert {path.stem for path in folder.glob("periodic_*.lua")} == set(scripts.SCRIPTS)


def test_a_command_that_no_clock_sends_is_refused():
    memory = MemoryStore(TimeSource())

    with pytest.raises(StoreRefused, match="does not know GET"):
        memory.run(plain("GET", "key", decode=ignore))
    (answer,) = memory.pipeline([plain("GET", "key", decode=ignore)])
    assert isinstance(answer, StoreRefused)


class Stepped(TimeSource):
    at = 1_800_000_000.0

    def now(self) -> float:
        return self.at


def test_a_mark_ends_with_its_time():
    time = Stepped()
    memory = MemoryStore(time)
    memory.run(periodic.enter(NS, "one", "", ttl_ms=1000))
    memory.run(periodic.enter(NS, "two", "one", ttl_ms=1000))
    assert memory.run(periodic.enter(NS, "one", "two")).status is periodic.Standing.FOLLOWS

    time.at += 1.0

    assert memory.run(periodic.enter(NS, "one", "two")).status is periodic.Standing.COUNTS
