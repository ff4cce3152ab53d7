"""Verbs of metrics: what was counted, by tier and bucket; and minutes by job in Sidekiq 8's keys.

A record is a list in MessagePack: successes, failures, milliseconds of the successes
together, then pairs of a bucket of the histograms and how much fell into it. Lua adds
records up, so this is the one form that both know.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from mainspring.store import keys
from mainspring.store.command import (
    Argument,
    Command,
    Reply,
    array,
    blobs,
    ignore,
    integer,
    integers,
    maybe_blob,
    pairs,
    plain,
)
from mainspring.store.tiers import TIERS, Tier

#: The most names that are told apart in one bucket: a hostile producer must not fill the store with names.
MOST_NAMES: Final = 500
#: What the others are counted under.
OTHERS: Final = "(others)"
#: What all queues together are counted under; no queue has this name.
ALL: Final = ""
#: For how long a delta is known again, in seconds.
TOKEN_TTL: Final = 600

#: Lifetimes of Sidekiq's keys, in seconds: of minutes, and of ten minutes.
MINUTES_TTL: Final = 8 * 3600
TENS_TTL: Final = 72 * 3600
SIDEKIQ_BUCKETS: Final = 26

Family: TypeAlias = Literal["jobs", "queues"]
#: Successes, failures, milliseconds of the successes, then pairs of bucket and count.
Record: TypeAlias = Sequence[int]

_Packed: TypeAlias = Annotated[list[Annotated[int, msgspec.Meta(ge=0)]], msgspec.Meta(min_length=3)]
_decoder = msgspec.msgpack.Decoder(_Packed)
_list_decoder = msgspec.msgpack.Decoder(list[_Packed])
_encoder = msgspec.msgpack.Encoder()


@dataclass(frozen=True, slots=True)
class Delta:
    """What one process has counted in some seconds.

    Attributes:
        token: By which it is known again if it comes twice.
        at: When, in unix seconds; it falls into the buckets of that moment.
        jobs: Records by job.
        queues: Records by queue, that of all together under `ALL`.
    """

    token: str
    at: float
    jobs: Mapping[str, Record]
    queues: Mapping[str, Record]


def add(delta: Delta) -> Command[bool]:
    """Add *delta* to all tiers and to Sidekiq's keys, in one step; nothing if it was added within the last ten minutes.

    Returns:
        True if this call added it.
    """
    hashes = [(family, tier) for family in ("jobs", "queues") for tier in TIERS]
    rows: list[Argument] = []
    for name, record in (*delta.jobs.items(), *delta.queues.items()):
        rows += [name, packed(record)]
    return Command(
        "metrics_add",
        (
            keys.metrics_flushed(delta.token),
            *(keys.metrics(family, tier.name, tier.start(delta.at)) for family, tier in hashes),
            *(minute(delta.at), minute(delta.at)[:-1]),
            *(keys.run_histogram(name, _stamp(delta.at)) for name in delta.jobs),
        ),
        (
            TOKEN_TTL,
            MOST_NAMES,
            OTHERS,
            len(delta.jobs),
            len(TIERS),
            *(tier.keep for _, tier in hashes),
            *(MINUTES_TTL, TENS_TTL),
            *rows,
        ),
        lambda reply: integer(reply) == 1,
    )


def record(family: Family, tier: Tier, start: int, name: str) -> Command[Record | None]:
    """Read what was counted of *name* in one bucket; None if nothing was."""
    return plain("HGET", keys.metrics(family, tier.name, start), args=(name,), decode=_maybe_record)


def records(family: Family, tier: Tier, start: int) -> Command[dict[str, Record]]:
    """Read all that was counted in one bucket, by name; what is no record is left out."""
    return plain("HGETALL", keys.metrics(family, tier.name, start), decode=_records)


def _maybe_record(reply: Reply) -> Record | None:
    packed = maybe_blob(reply)
    return None if packed is None else unpacked(packed)


def _records(reply: Reply) -> dict[str, Record]:
    flat = blobs(reply)
    names, packed = flat[::2], flat[1::2]
    # There may be thousands, so they are decoded in one call, as one list; one by one only if one of them is none.
    try:
        found: Sequence[Record | None] = _list_decoder.decode(b"\xdd%b%b" % (len(packed).to_bytes(4), b"".join(packed)))
    except msgspec.MsgspecError:
        found = [unpacked(each) for each in packed]
    return {
        name.decode("utf-8", "replace"): record
        for name, record in zip(names, found, strict=True)
        if record is not None and len(record) % 2
    }


def packed(record: Record) -> bytes:
    """Return a record as the store has it."""
    return _encoder.encode(record)


def unpacked(packed: bytes) -> Record | None:
    """Return a record; None if it is none."""
    try:
        found = _decoder.decode(packed)
    except msgspec.MsgspecError:
        return None
    return found if len(found) % 2 else None


# --- the age of the oldest job ---------------------------------------------------------


def claim_sample(minute: int) -> Command[bool]:
    """Claim the sample of a *minute*, unix seconds, for whoever asks first; True if it is the caller's."""
    return plain("SET", keys.metrics_sampled(minute), args=(1, "NX", "EX", 120), decode=lambda reply: reply is not None)


def ages(tier: Tier, start: int) -> Command[dict[str, float]]:
    """Read the greatest sampled ages of one bucket, in seconds by queue."""

    def read(reply: Reply) -> dict[str, float]:
        return {name.decode("utf-8", "replace"): _seconds(value) for name, value in pairs(reply).items()}

    return plain("HGETALL", keys.metrics("ages", tier.name, start), decode=read)


def age(tier: Tier, start: int, queue: str) -> Command[float | None]:
    """Read the greatest sampled age of one queue in one bucket, in seconds; None without a sample.

    A queue in which nothing waited at a sample is not written; that of all together says that there was one.
    """

    def read(reply: Reply) -> float | None:
        value, every = map(maybe_blob, array(reply))
        return _seconds(value) if value is not None else None if every is None else 0.0

    return plain("HMGET", keys.metrics("ages", tier.name, start), args=(queue, ALL), decode=read)


def keep_ages(tier: Tier, start: int, found: Mapping[str, float]) -> list[Command[None]]:
    """Write ages, in seconds by queue, over those of one bucket."""
    key = keys.metrics("ages", tier.name, start)
    fields = tuple(word for queue, seconds in found.items() for word in (queue, f"{seconds:.1f}"))
    return [
        plain("HSET", key, args=fields, decode=ignore),
        plain("EXPIRE", key, args=(tier.keep,), decode=ignore),
    ]


def _seconds(value: bytes) -> float:
    try:
        return float(value)
    except ValueError:
        return 0.0


# --- Sidekiq's -------------------------------------------------------------------------


def totals(at: float) -> Command[dict[bytes, bytes]]:
    """Read Sidekiq's totals of the minute of *at*, unix seconds: ``NAME|p``, ``NAME|f``, ``NAME|ms``."""
    return plain("HGETALL", minute(at), decode=pairs)


def runs(name: str, at: float) -> Command[list[int]]:
    """Read the durations of runs of *name* in the minute of *at*, by Sidekiq's buckets."""
    words = [word for number in range(SIDEKIQ_BUCKETS) for word in ("GET", "u16", f"#{number}")]
    return plain("BITFIELD_RO", keys.run_histogram(name, _stamp(at)), args=tuple(words), decode=integers)


def minute(at: float) -> str:
    """Return the key of the totals of one minute; without its last digit, of ten minutes."""
    when = time.gmtime(at)
    return keys.totals(f"{when.tm_year % 100:02}{when.tm_mon:02}{when.tm_mday:02}", f"{when.tm_hour}:{when.tm_min:02}")


def _stamp(at: float) -> str:
    when = time.gmtime(at)
    return f"{when.tm_mday}-{when.tm_hour}:{when.tm_min}"
