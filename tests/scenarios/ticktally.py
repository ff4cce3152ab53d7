"""The judge of clocks at short periods: holds the jobs in a queue against the ticks that there should be, by rules alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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


def tally(server: Server, entries: Rows) -> Tally:
    """Look at the ticks between each entry's first registration and its newest claim."""
    jobs = [json.loads(data)["periodic"] for data in server.client.lrange(keys.queue("default"), 0, -1)]
    found = Counter((job["name"], round(job["tick"] * 1000)) for job in jobs)
    ideal = {(row["name"], tick) for row in entries for tick in ideal_ms(server, row)}
    return Tally(
        ticks=len(ideal),
        missing=len(ideal - set(found)),
        double=sum(found.values()) - len(found),
        strange=len(set(found) - ideal),
        early=sum(_early(server, row["name"]) for row in entries),
    )


def ideal_ms(server: Server, row: Mapping[str, Any]) -> Iterator[int]:
    """Yield the ticks of an entry in milliseconds."""
    fields = server.client.hmget(keys.periodic_entry("", row["name"]), "anchor", "last")
    anchor, last = (round(float(value) * 1000) for value in fields)
    step = 2000 if "2" in (row.get("every") or row["cron"]) else 1000
    first = anchor if "every" in row else -(-anchor // step) * step
    yield from range(first, last + 1, step)


def newest(server: Server, entries: Rows) -> list[float]:
    """Return the newest claimed tick of each entry."""
    fields = [server.client.hget(keys.periodic_entry("", row["name"]), "last") for row in entries]
    return [float(field or 0) for field in fields]


def _early(server: Server, name: str) -> int:
    """Count the lines of an entry's history that the server wrote before their tick."""
    lines = [line.partition(b" ") for line in server.client.lrange(keys.periodic_history("", name), 0, -1)]
    return sum(float(at) < json.loads(record)["tick"] for at, _, record in lines)
