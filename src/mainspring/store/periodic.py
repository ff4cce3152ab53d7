"""Verbs of the clock: register entries, claim their ticks, ask for the server's time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from mainspring.store import keys
from mainspring.store.command import Command, Reply, array, integer, integers, plain

#: The most entries that one call may register: a script blocks all other callers.
MOST: Final = 1000


class Claim(IntEnum):
    """What became of a claim."""

    WON = 1
    """This call claimed the tick, and enqueued its job if there is one."""
    TAKEN = 0
    """This tick, or a later one of the entry, had been claimed."""
    EARLY = -1
    """It is not due yet by the server's clock."""


@dataclass(frozen=True, slots=True)
class Registered:
    """What the store knows of some entries.

    Attributes:
        now: The server's time, unix seconds.
        since: For each entry in the order asked: when it was first registered, and its newest claimed
            tick, or None if none was.
    """

    now: float
    since: Sequence[tuple[float, float | None]]


class TickJob(NamedTuple):
    """The job of one tick.

    Attributes:
        queue: The queue's name.
        payload: The job, encoded; empty if there shall be none.
        at: When it is due, in unix seconds; None for now.
    """

    queue: str
    payload: bytes
    at: float | None = None


def claim(entry: str, tick: str, queue: str, payload: bytes, *, at: float | None = None) -> Command[Claim]:
    """Enqueue *payload* as the *tick* of *entry*, once in the whole cluster.

    Claim and push are one script, so no crash can leave a tick claimed but never
    enqueued, and no second clock can enqueue it again. It is safe to send again.

    Args:
        entry: The entry's name.
        tick: Unix seconds with three decimals, as `schedule.ticks.text` writes them.
        queue: The queue's name.
        payload: The job, encoded; if it is empty, the tick is claimed and nothing enqueued.
        at: When the job is due, in unix seconds; None for now.
    """
    return Command(
        "periodic_claim",
        (keys.PERIODIC_LAST, keys.queue(queue), keys.QUEUES, keys.SCHEDULE, keys.BELL),
        (entry, tick, queue, payload, "" if at is None else at),
        _claim,
    )


def register(entries: Sequence[str]) -> Command[Registered]:
    """Anchor the new ones among 1 to 1,000 *entries*, and read what the store knows of all, in one step."""
    return Command(
        "periodic_register",
        (keys.PERIODIC_ANCHOR, keys.PERIODIC_LAST),
        tuple(entries),
        _registered,
    )


def server_time() -> Command[float]:
    """Ask for the server's time, in unix seconds."""
    return plain("TIME", decode=_time)


def _claim(reply: Reply) -> Claim:
    return Claim(integer(reply))


def _registered(reply: Reply) -> Registered:
    now, *rest = (number / 1000 for number in integers(reply))
    pairs = zip(rest[::2], rest[1::2], strict=True)
    return Registered(now, [(anchor, None if last < 0 else last) for anchor, last in pairs])


def _time(reply: Reply) -> float:
    seconds, microseconds = map(integer, array(reply))
    return seconds + microseconds / 1e6
