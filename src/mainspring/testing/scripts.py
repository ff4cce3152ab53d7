"""The scripts of periodic entries, and the server's own commands beside them, for the store in memory.

Each function does what the script of its name in `store/lua` does, step by step; its header there tells keys
and arguments. Left out is what only matters among strangers and sleepers: rights, wrong types, and the bell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

from mainspring.store.command import Reply
from mainspring.testing.keyspace import Keyspace

Call: TypeAlias = Callable[[Keyspace, Sequence[str], Sequence[bytes]], Reply]

#: How many records a history keeps, and for how many changes of the code one is remembered.
_HISTORY: Final = 100
_CODES: Final = 100
_CODE: Final = b"code"


# --- the code that counts ------------------------------------------------------------


def _enter(space: Keyspace, keys: Sequence[str], args: Sequence[bytes]) -> Reply:
    code, alive, theirs = keys
    digest, seen, ttl_ms = args
    known = space.hash(code)
    current, number = known.get("current"), int(known.get("number", 0))
    is_old = current not in {None, digest} and f"d:{digest.decode()}" in known
    if is_old and current != seen:
        return [2, number, current]
    follows = is_old and space.string(theirs) is not None
    space.mark(alive, int(ttl_ms))
    if follows:
        return [0, number, current]
    if current != digest:
        number += 1
        _begin(space, code, digest, number)
    return [1, number, digest]


def _begin(space: Keyspace, code: str, digest: bytes, number: int) -> None:
    """Let the code of *digest* count, as the one of this *number*."""
    known = space.hash(code)
    for old in [name for name in known if name.startswith("d:") and int(known[name]) < number - _CODES]:
        space.drop(code, old)
    written = b"%d" % number
    space.put(code, {"current": digest, "number": written, f"d:{digest.decode()}": written})


def _poll(space: Keyspace, keys: Sequence[str], args: Sequence[bytes]) -> Reply:
    code, alive, version = keys
    space.mark(alive, int(args[0]))
    return [_now_ms(space), int(space.string(version) or 0), space.hash(code).get("current", b"")]


# --- entries ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Row:
    """One entry to be defined."""

    name: bytes
    stamp: bytes
    when: bytes
    definition: bytes
    paused: bytes

    def judge(self, old: Mapping[str, bytes], origin: bytes, *, has_room: bool) -> int:
        if old and old["origin"] == _CODE != origin:
            return -2
        if old and (old["stamp"], old["origin"]) == (self.stamp, origin):
            return 0
        if not old and not has_room:
            return -3
        return 2 if old else 1

    def fields(self, old: Mapping[str, bytes], origin: bytes, now_ms: int) -> dict[str, bytes]:
        """Return what is to be written of an entry that is new or has changed."""
        found = {"def": self.definition, "stamp": self.stamp, "when": self.when, "origin": origin}
        now = _seconds(now_ms)
        if not old:
            # The entry's first tick may be the anchor itself.
            found |= {"anchor": now, "since": _seconds(now_ms - 1)}
            found |= {"paused": now} if self.paused == b"1" else {}
        elif old["when"] != self.when:
            found["since"] = now
        return found


def _define(space: Keyspace, keys: Sequence[str], args: Sequence[bytes]) -> Reply:
    code, names, version, *entries = keys
    digest, origin, limit, *rest = args
    now_ms, counts = _now_ms(space), space.hash(code)
    if origin == _CODE and counts.get("current") != digest:
        return [now_ms, *[-1] * len(entries)]
    gen = {"gen": counts["number"]} if origin == _CODE else {}
    room = int(limit) - len(space.zset(names)) if int(limit) else len(entries)
    rows = [_Row(*rest[at : at + 5]) for at in range(0, len(rest), 5)]
    results: list[Reply] = []
    writes: list[tuple[str, dict[str, bytes]]] = []
    changed: list[bytes] = []
    for entry, row in zip(entries, rows, strict=True):
        old = space.hash(entry)
        result = row.judge(old, origin, has_room=room > 0)
        room -= result == 1
        results.append(result)
        if result >= 0:
            writes.append((entry, gen | (row.fields(old, origin, now_ms) if result else {})))
        changed += [row.name] if result > 0 else []
    for entry, fields in writes:
        if fields:
            space.put(entry, fields)
    _tell(space, names, version, changed)
    return [now_ms, *results]


def _remove(space: Keyspace, keys: Sequence[str], args: Sequence[bytes]) -> Reply:
    code, names, version, *places = keys
    digest, origin, number, *removed = args
    is_current = space.hash(code).get("current") == digest

    def is_ours(entry: Mapping[str, bytes]) -> bool:
        owner = entry.get("origin")
        if origin == _CODE:
            return owner == _CODE and is_current and int(entry.get("gen", 0)) < int(number)
        return owner is not None and owner != _CODE and origin in {b"*", owner}

    answer = [is_ours(space.hash(entry)) for entry in places[::3]]
    for ours, name, *of_entry in zip(answer, removed, places[::3], places[1::3], places[2::3], strict=True):
        if ours:
            space.delete(*of_entry)
            space.remove(names, name)
    if any(answer):
        _advance(space, version)
    return list(map(int, answer))


def _pause(space: Keyspace, keys: Sequence[str], args: Sequence[bytes]) -> Reply:
    names, version, entry = keys
    name, on = args[0], args[1] == b"1"
    known = space.hash(entry)
    if not known:
        return -1
    if on == ("paused" in known):
        return 0
    space.drop(entry, "paused")
    space.put(entry, {"paused" if on else "since": _seconds(_now_ms(space))})
    _tell(space, names, version, [name])
    return 1


def _read(space: Keyspace, keys: Sequence[str], args: Sequence[bytes]) -> Reply:
    fields = [field.decode() for field in args]
    found = [space.hash(entry) for entry in keys]
    values: list[Reply] = [[each.get(field) for field in fields] if fields[0] in each else None for each in found]
    return [_now_ms(space), *values]


def _tell(space: Keyspace, names: str, version: str, changed: Sequence[bytes]) -> None:
    """Let clocks know which entries have changed."""
    if changed:
        newest = _advance(space, version)
        space.zsets.setdefault(names, {}).update(dict.fromkeys(changed, float(newest)))


def _advance(space: Keyspace, version: str) -> int:
    """Give the entries a version that is none of before."""
    newest = max(_now_ms(space), int(space.string(version) or 0) + 1)
    space.strings[version] = b"%d" % newest
    return newest


# --- ticks -----------------------------------------------------------------------------


def _claim(space: Keyspace, keys: Sequence[str], args: Sequence[bytes]) -> Reply:
    entry, history, queue, queues, schedule, _ = keys
    stamp, tick, due, expected, runs, record, *job = args
    known = space.hash(entry)
    if known.get("stamp") != stamp:
        return -2
    if float(tick) <= max(float(known.get("last", 0)), float(known.get("since", 0))):
        return 0
    if "paused" in known:
        return -3
    if float(due) > space.microseconds() / 1_000_000:
        return -1
    if known.get("runs", b"") != expected:
        return -2
    _enqueue(space, (queue, queues, schedule), job)
    _note(space, history, record)
    if runs:
        space.put(entry, {"runs": runs})
    elif expected:
        space.drop(entry, "runs")
    space.put(entry, {"last": tick})
    return 1


def _push(space: Keyspace, keys: Sequence[str], args: Sequence[bytes]) -> Reply:
    entry, history, queue, queues, schedule, _, pushed = keys
    run, record, *job, ttl_ms = args
    if int(ttl_ms) and space.string(pushed) is not None:
        return 1
    known = space.hash(entry)
    if not known:
        return 0
    _enqueue(space, (queue, queues, schedule), job)
    _note(space, history, record)
    if run:
        space.put(entry, {"runs": known["runs"] + b" " + run if "runs" in known else run})
    if int(ttl_ms):
        space.mark(pushed, int(ttl_ms))
    return 1


def _enqueue(space: Keyspace, keys: tuple[str, str, str], job: Sequence[bytes]) -> None:
    queue, queues, schedule = keys
    name, payload, at = job
    if payload and at:
        space.zsets.setdefault(schedule, {})[payload] = float(at)
    elif payload:
        space.sets.setdefault(queues, set()).add(name)
        space.push(queue, payload)


def _note(space: Keyspace, history: str, record: bytes) -> None:
    if record:
        seconds, microseconds = divmod(space.microseconds(), 1_000_000)
        space.push(history, b"%d.%06d " % (seconds, microseconds) + record, _HISTORY)


# --- the server's own commands -----------------------------------------------------------


def _time(space: Keyspace, keys: Sequence[str], args: Sequence[bytes]) -> Reply:  # noqa: ARG001 - it has none
    return [b"%d" % part for part in divmod(space.microseconds(), 1_000_000)]


def _hget(space: Keyspace, keys: Sequence[str], args: Sequence[bytes]) -> Reply:
    return space.hash(keys[0]).get(args[0].decode())


def _zcard(space: Keyspace, keys: Sequence[str], args: Sequence[bytes]) -> Reply:  # noqa: ARG001 - likewise
    return len(space.zset(keys[0]))


def _zrange(space: Keyspace, keys: Sequence[str], args: Sequence[bytes]) -> Reply:
    found: list[Reply] = [member for member, _ in space.ordered(keys[0])]
    return found[_slice(args)]


def _zrangebyscore(space: Keyspace, keys: Sequence[str], args: Sequence[bytes]) -> Reply:
    low, high = args
    if not low.startswith(b"(") or high != b"+inf":
        raise NotImplementedError(args)
    return [member for member, score in space.ordered(keys[0]) if score > float(low[1:])]


def _lrange(space: Keyspace, keys: Sequence[str], args: Sequence[bytes]) -> Reply:
    found: list[Reply] = [*space.lists.get(keys[0], [])]
    return found[_slice(args)]


def _slice(args: Sequence[bytes]) -> slice:
    first, last = map(int, args)
    return slice(first, None if last == -1 else last + 1)


def _now_ms(space: Keyspace) -> int:
    return space.microseconds() // 1000


def _seconds(ms: int) -> bytes:
    return b"%d.%03d" % divmod(ms, 1000)


SCRIPTS: Final[Mapping[str, Call]] = MappingProxyType(
    {
        "periodic_claim": _claim,
        "periodic_define": _define,
        "periodic_enter": _enter,
        "periodic_pause": _pause,
        "periodic_poll": _poll,
        "periodic_push": _push,
        "periodic_read": _read,
        "periodic_remove": _remove,
    }
)
PLAIN: Final[Mapping[str, Call]] = MappingProxyType(
    {
        "HGET": _hget,
        "LRANGE": _lrange,
        "TIME": _time,
        "ZCARD": _zcard,
        "ZRANGE": _zrange,
        "ZRANGEBYSCORE": _zrangebyscore,
    }
)
