"""Verbs of searching: how many jobs lie where, and those of a part of a place that have some words in their bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mainspring.store import keys
from mainspring.store.command import Command, Reply, array, blob, blobs, integer

#: The most gates whose lanes are told apart.
GATES: Final = 1_000
#: After so many processes, counted for each queue, a call reads running jobs of no other queue: it holds up all others.
HOLDERS: Final = 2_000
#: Where what only processes show begins, after all queues.
OTHERS: Final = "\n"


@dataclass(frozen=True, slots=True)
class Survey:
    """How many jobs lie where, at one moment.

    Attributes:
        now: The server's unix seconds.
        scheduled: Jobs for later.
        retries: Jobs that will be tried again.
        dead: Jobs that will not.
        busy: Jobs that run, as processes said at their last beats.
        waiting: Jobs that wait by gates.
        queues: Jobs that wait in queues, by queue.
        gates: Jobs that wait by gates, by gate; of `GATES` gates at most.
    """

    now: float
    scheduled: int
    retries: int
    dead: int
    busy: int
    waiting: int
    queues: Mapping[str, int]
    gates: Mapping[str, int]


def survey(most_gates: int = GATES) -> Command[Survey]:
    """Count the jobs at each place, and tell at most *most_gates* gates apart."""
    places = (keys.QUEUES, *keys.SETS, keys.PROCESSES, keys.GATES_DUE, keys.ROOT)
    return Command("jobs_survey", places, (most_gates,), _survey)


def _survey(reply: Reply) -> Survey:
    now_us, scheduled, retries, dead, busy, waiting, queues, gates = array(reply)
    return Survey(
        integer(now_us) / 1_000_000,
        integer(scheduled),
        integer(retries),
        integer(dead),
        integer(busy),
        integer(waiting),
        _sizes(queues),
        _sizes(gates),
    )


def _sizes(reply: Reply) -> dict[str, int]:
    flat = array(reply)
    # A name that is no UTF-8 cannot be asked for by anybody.
    pairs = zip(flat[::2], flat[1::2], strict=True)
    return {blob(name).decode("utf-8", "replace"): integer(size) for name, size in pairs}


@dataclass(frozen=True, slots=True)
class Position:
    """Where to go on in a place.

    Attributes:
        start: Of a set a score, as the server writes it; of what runs a queue.
        skip: How many to leave out there.
    """

    start: str = ""
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Hit:
    """A job that was found.

    Attributes:
        raw: The bytes as they are stored; of a lane its element.
        place: How many were looked at before it.
        after: Where to go on after it.
        score: Its score in a set; None elsewhere.
        queue: The queue that it was taken from, if it is in flight and not only shown by its process.
        holder: Who holds or shows it.
    """

    raw: bytes
    place: int
    after: Position
    score: float | None = None
    queue: str = ""
    holder: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """What a part of a place has.

    Attributes:
        looked: How many were looked at.
        after: Where to go on; None at the end.
        hits: What was found.
        works: What the processes show that hold jobs of these, as JSON, where what runs was asked for.
    """

    looked: int
    after: Position | None
    hits: Sequence[Hit]
    works: Sequence[bytes] = ()


#: Groups of words: one of each must stand in a job's bytes.
Words = Sequence[Sequence[bytes]]


def grep_set(key: str, position: Position, count: int, words: Words, *, folds: bool = False) -> Command[Part]:
    """Look at up to *count* jobs of a set, what is due next or died last first, and read those with the *words*.

    Args:
        key: The key of the set.
        position: Where to begin; with an empty score at the beginning.
        count: How many to look at.
        words: What must stand in a job.
        folds: True if the case of ASCII letters does not matter; the words are in lower case then.
    """
    is_dead = key == keys.DEAD
    start = position.start or ("+inf" if is_dead else "-inf")
    return _grep(key, "dead" if is_dead else "zset", Position(start, position.skip), count, words, folds=folds)


def grep_list(key: str, position: Position, count: int, words: Words, *, folds: bool = False) -> Command[Part]:
    """Look at up to *count* jobs of a list, what runs next first, and read those with the *words*; as `grep_set`."""
    return _grep(key, "list", position, count, words, folds=folds)


def scan_set(key: str, position: Position, count: int, words: Words, *, folds: bool = False) -> Command[Part]:
    """Look at about *count* jobs of a set, in no order, and read those with the *words*; as `grep_set`.

    From the first call to the last, each job is shown that is there all the while, whatever comes and goes; some twice.
    """
    return _grep(key, "scan", Position(position.start or "0"), count, words, folds=folds)


def _grep(key: str, kind: str, position: Position, count: int, words: Words, *, folds: bool) -> Command[Part]:
    def read(reply: Reply) -> Part:
        looked, start, skip, flat = array(reply)
        found = array(flat)
        hits = [
            Hit(blob(raw), integer(place), _position(at, passed), float(blob(score)) if score else None)
            for place, at, passed, raw, score in zip(*(found[n::5] for n in range(5)), strict=True)
        ]
        is_over = start == b"0" if kind == "scan" else integer(looked) < count
        return Part(integer(looked), None if is_over else _position(start, skip), hits)

    flat = [word for group in words for word in (*group, b"")]
    return Command("jobs_grep", (key,), (kind, position.start, position.skip, count, int(folds), *flat), read)


def _position(start: Reply, skip: Reply) -> Position:
    return Position(blob(start).decode("utf-8", "replace"), integer(skip))


def running(position: Position, count: int) -> Command[Part]:
    """Read up to *count* jobs that run, queue by queue; where there are many processes, maybe fewer, or none."""

    def read(reply: Reply) -> Part:
        start, skip, flat, works = array(reply)
        found = array(flat)
        hits = [
            Hit(blob(raw), place, Position(_text(name) or OTHERS, integer(passed)), None, _text(name), _text(holder))
            for place, (name, holder, raw, passed) in enumerate(zip(*(found[n::4] for n in range(4)), strict=True))
        ]
        return Part(len(hits), _position(start, skip) if start else None, hits, blobs(works))

    where = (keys.QUEUES, keys.PROCESSES, keys.ROOT)
    return Command("jobs_running", where, (position.start, position.skip, count, HOLDERS), read)


def _text(reply: Reply) -> str:
    return blob(reply).decode("utf-8", "replace")
