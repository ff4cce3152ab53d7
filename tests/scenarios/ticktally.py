"""The judge of clocks at short periods: holds the jobs in a queue against the ticks that there should be, by rules alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mainspring.base.durations import seconds
from mainspring.store import keys
from servers import Server

Rows = Sequence[Mapping[str, Any]]


def rows(count: int, **options: Any) -> Rows:
    """Return entries of 1 and 2 s, some by periods and some by expressions, a fifth of them put off by less than 0.4 s."""
    rules = ({"every": "1s"}, {"every": "2s"}, {"cron": "* * * * * *"}, {"cron": "*/2 * * * * *"})
    jitter = {"jitter": "0.4s"}
    return [
        {"name": f"{number:03}", **rules[number % 4], **(jitter if number % 5 == 0 else {}), **options}
        for number in range(count)
    ]


@dataclass(frozen=True)
class Tally:
    """What became of the ticks of all entries.

    Attributes:
        ticks: How many there should be.
        missing: How many have no job.
        double: Jobs more than one for a tick.
        strange: Jobs for what is no tick.
        early: Jobs enqueued before their tick, by the server's clock.
    """

    ticks: int
    missing: int
    double: int
    strange: int
    early: int


def tally(server: Server, entries: Rows, gaps: Sequence[tuple[float, float]] = ()) -> Tally:
    """Look at the ticks between each entry's first registration and its newest claim.

    Args:
        server: Where the jobs are.
        entries: The entries to look at.
        gaps: From when to when no clock may have lived: what is missing there was missed.
    """
    names = {row["name"] for row in entries}
    jobs = [json.loads(data)["periodic"] for data in server.client.lrange(keys.queue("default"), 0, -1)]
    found = Counter((job["name"], round(job["tick"] * 1000)) for job in jobs if job["name"] in names)
    ideal = {(row["name"], tick) for row in entries for tick in ideal_ms(server, row)}
    missing = [tick / 1000 for _, tick in ideal - set(found)]
    return Tally(
        ticks=len(ideal),
        missing=sum(not any(since <= tick <= until for since, until in gaps) for tick in missing),
        double=sum(found.values()) - len(found),
        strange=len(set(found) - ideal),
        early=sum(_early(server, name) for name in names),
    )


def ideal_ms(server: Server, row: Mapping[str, Any]) -> Iterator[int]:
    """Yield the ticks of an entry in milliseconds."""
    fields = server.client.hmget(keys.periodic_entry("", row["name"]), "anchor", "last")
    anchor, last = (round(float(value) * 1000) for value in fields)
    step = round(1000 * (seconds(row["every"]) if "every" in row else _seconds_of(row["cron"])))
    first = anchor if "every" in row else -(-anchor // step) * step
    yield from range(first, last + 1, step)


def _seconds_of(expression: str) -> int:
    """Return the period of an expression that says ``*`` or ``*/n`` of its seconds."""
    return int(expression.split(maxsplit=1)[0].removeprefix("*/").replace("*", "1"))


def newest(server: Server, entries: Rows) -> list[float]:
    """Return the newest claimed tick of each entry."""
    fields = [server.client.hget(keys.periodic_entry("", row["name"]), "last") for row in entries]
    return [float(field or 0) for field in fields]


def _early(server: Server, name: str) -> int:
    """Count the lines of an entry's history that the server wrote before their tick."""
    lines = [line.partition(b" ") for line in server.client.lrange(keys.periodic_history("", name), 0, -1)]
    return sum(float(at) < json.loads(record)["tick"] for at, _, record in lines)
