"""What a stranger with a plain client sees in the store, and what must be true of it after every step."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import redis

from machine.model import DIGESTS, QUEUES, SETS, Model
from machine.timetable import NS, Timetable
from mainspring.store import keys
from mainspring.store.model import is_permanent

_JID = re.compile(rb'"jid":"(\w+)"')
_HELD = re.compile(r"\{queue:(\w+)\}:p:(.+)")
_PUSHED = re.compile(r"\{queue:\w+\}:pushed:")
_HISTORY = re.compile(re.escape(keys.periodic_history(NS, "")))

#: Every key with its lifetime, type and value, in one call: a look follows every step.
_EVERYTHING = """
local read = {
  string = function(key) return redis.call("GET", key) end,
  list = function(key) return redis.call("LRANGE", key, 0, -1) end,
  set = function(key) return redis.call("SMEMBERS", key) end,
  zset = function(key) return redis.call("ZRANGE", key, 0, -1, "WITHSCORES") end,
  hash = function(key) return redis.call("HGETALL", key) end,
}
local found = {}
for _, key in ipairs(redis.call("KEYS", "*")) do
  local kind = redis.call("TYPE", key).ok
  found[#found + 1] = { key, redis.call("PTTL", key), kind, read[kind](key) }
end
return found
"""

_READ: dict[bytes, Callable[[Any], Any]] = {
    b"string": lambda value: value,
    b"list": lambda items: items,
    b"set": set,
    b"zset": lambda flat: [(member, float(score)) for member, score in zip(flat[::2], flat[1::2], strict=True)],
    b"hash": lambda flat: dict(zip(flat[::2], flat[1::2], strict=True)),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at everything.

    Attributes:
        values: Key -> value; but no bell, which only wakes, of suspects only the names, of pushes that may be sent
            again only that they were made, and of histories no times.
        lasting: Keys that have no lifetime.
    """

    values: dict[str, Any]
    lasting: frozenset[str]


class Looker:
    """A plain client that reads every key of the server."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def look(self) -> Seen:
        found: Any = self._client.eval(_EVERYTHING, 0)
        found.sort()
        values = {key.decode(): _READ[kind](value) for key, _, kind, value in found}
        values.pop(keys.BELL, None)
        for key in map(keys.suspect, QUEUES):
            if key in values:
                values[key] = set(values[key])
        for key in filter(_PUSHED.match, values):
            values[key] = b"1"
        for key in filter(_HISTORY.match, values):
            values[key] = [line.partition(b" ")[2] for line in values[key]]
        return Seen(values, frozenset(key.decode() for key, ttl, _, _ in found if ttl == -1))


def expected(model: Model, day: str) -> dict[str, Any]:
    """Return what `look` must find in the store that *model* describes."""
    values: dict[str, Any] = {
        keys.QUEUES: {name.encode() for name in model.known},
        keys.PAUSED: {name.encode() for name in model.paused},
        keys.STAT_PROCESSED: _number(model.processed),
        keys.stat_processed_day(day): _number(model.processed),
        keys.STAT_FAILED: _number(model.failed),
        keys.stat_failed_day(day): _number(model.failed),
    }
    for place in SETS:
        values[place] = _ordered(model.sets[place])
        values[keys.cleared_set(place)] = _ordered(model.cleared[place])
    for queue in QUEUES:
        values[keys.queue(queue)] = model.waiting[queue][::-1]
        values[keys.cleared(queue)] = list(model.cleared[queue])[::-1]
        values[keys.fence(queue)] = _number(model.fence[queue])
        values[keys.owners(queue)] = {holder.encode() for name, holder in model.owners if name == queue}
        values[keys.suspect(queue)] = {holder.encode() for name, holder in model.suspects if name == queue}
    for holding in model.asked:
        values[keys.inflight(*holding)] = dict(_inflight(model, holding))
    values |= {keys.lease(*holding): b"1" for holding in model.leases}
    values |= {keys.pushed(*push): b"1" for push in model.pushed}
    values |= {keys.tomb(*holding): b"1" for holding in model.tombs}
    values |= {keys.lock(digest): jid.encode() for digest, jid in model.locks.items()}
    values |= _timetable(model.table)
    return {key: value for key, value in values.items() if value}


def _ordered(jobs: Mapping[bytes, float]) -> list[tuple[bytes, float]]:
    return sorted(jobs.items(), key=lambda pair: (pair[1], pair[0]))


def _timetable(table: Timetable) -> dict[str, Any]:
    code = {"current": table.current, "number": str(table.number)} if table.current else {}
    code |= {f"d:{digest}": str(number) for digest, number in table.codes.items()}
    values: dict[str, Any] = {
        keys.periodic_names(NS): sorted(
            ((name.encode(), float(table.given[version])) for name, version in table.versions.items()),
            key=lambda pair: (pair[1], pair[0]),
        ),
        keys.periodic_version(NS): _number(table.given[table.version]),
        keys.periodic_code(NS): _encoded(code),
    }
    values |= {keys.periodic_alive(NS, digest): b"1" for digest in table.alive}
    values |= {keys.periodic_entry(NS, name): _encoded(fields) for name, fields in table.entries.items()}
    values |= {keys.periodic_history(NS, name): lines for name, lines in table.histories.items()}
    return values


def _encoded(fields: Mapping[str, str]) -> dict[bytes, bytes]:
    return {name.encode(): value.encode() for name, value in fields.items()}


def _number(value: int) -> bytes:
    return b"%d" % value if value else b""


def _inflight(model: Model, holding: tuple[str, str]) -> Iterator[tuple[bytes, bytes]]:
    reqid, seqs = model.asked[holding]
    yield b"_req", f"{reqid}:{seqs[0]}:{len(seqs)}".encode()
    for seq, job in model.held.get(holding, {}).items():
        yield b"%d" % seq, job
    for seq in model.marked.get(holding, ()):
        yield b"_run:%d" % seq, b"1"


# --- what must be true, whatever the model says ------------------------------------------


def places(seen: Seen) -> Iterator[tuple[str, str]]:
    """Yield the jid and the key of every job that lies anywhere."""
    for queue in QUEUES:
        for job in seen.values.get(keys.queue(queue), ()):
            yield _jid(job), keys.queue(queue)
    for place in SETS:
        for job, _ in seen.values.get(place, ()):
            yield _jid(job), place
    for key, value in seen.values.items():
        held = value.items() if _HELD.fullmatch(key) else ()
        yield from ((_jid(job), key) for field, job in held if not field.startswith(b"_"))


def _jid(job: bytes) -> str:
    found = _JID.search(job)
    assert found is not None, f"this is no job that was pushed: {job!r}"
    return found[1].decode()


def conservation(seen: Seen, acknowledged: set[str], gone: set[str]) -> None:
    """Check that each job which was accepted is in one place, unless it is finished, and then in none."""
    count = Counter(jid for jid, _ in places(seen))
    many = [jid for jid, number in count.items() if number > 1]
    assert not many, f"in several places: {[(jid, key) for jid, key in places(seen) if jid in many]}"
    assert not acknowledged - gone - set(count), "lost"
    assert not set(count) - acknowledged, "never accepted, and there"
    assert not set(count) & gone, "finished, and there again"


def locks(seen: Seen) -> None:
    """Check that whoever holds a lock is alive: it waits, runs, or is put aside to be dropped; and is not dead."""
    alive = {jid for jid, key in places(seen) if key != keys.DEAD}
    for queue in QUEUES:
        alive |= {_jid(job) for job in seen.values.get(keys.cleared(queue), ())}
    for place in SETS:
        alive |= {_jid(job) for job, _ in seen.values.get(keys.cleared_set(place), ())}
    for digest in DIGESTS:
        holder = seen.values.get(keys.lock(digest))
        assert holder is None or holder.decode() in alive, f"the lock {digest} is held by {holder!r}, which is gone"


def ownership(seen: Seen) -> None:
    """Check that whoever holds jobs is listed, that no dead one holds any, and that only the listed are suspected."""
    for key in seen.values:
        if found := _HELD.fullmatch(key):
            queue, holder = found[1], found[2]
            assert holder.encode() in seen.values.get(keys.owners(queue), ()), f"{holder} holds jobs and is not listed"
            assert keys.tomb(queue, holder) not in seen.values, f"{holder} is dead and holds jobs"
    for queue in QUEUES:
        strangers = seen.values.get(keys.suspect(queue), set()) - seen.values.get(keys.owners(queue), set())
        assert not strangers, f"nobody will ever look at these suspects again: {strangers}"


def visibility(seen: Seen) -> None:
    """Check that each queue in which jobs wait is listed, for else no sweeper and no person looks at it."""
    for queue in QUEUES:
        assert keys.queue(queue) not in seen.values or queue.encode() in seen.values.get(keys.QUEUES, ()), queue


#: The same keys come again at every step; to hold one against the whole data model takes a while.
_may_stay = cache(is_permanent)


def lifetimes(seen: Seen) -> None:
    """Check that a key stays for ever if the data model says so, and only then."""
    for key in seen.values:
        assert (key in seen.lasting) == _may_stay(key), f"{key} has the wrong lifetime"


def fences(seen: Seen, before: Seen) -> None:
    """Check that no queue's counter of deliveries went back."""
    for queue in QUEUES:
        was, now = (int(look.values.get(keys.fence(queue), 0)) for look in (before, seen))
        assert now >= was, f"the fence of {queue} went back from {was} to {now}"
