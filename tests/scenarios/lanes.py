"""Kill workers with -9 while their jobs pass gates: no gate lets in more than it may, and no slot is lost.

Jobs of two kinds are pushed, by our client and as a stranger pushes them, while one of
two workers after the other is killed. What ran at once, and what started in which time,
is read from the oracle, which knows nothing of gates.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mainspring.store import queues
from scenarios.harness import Office, check, eventually
from scenarios.lane_jobs import AT_ONCE, MANY, SECONDS
from scenarios.record import record

#: Seconds that may lie between the moment at which the store lets a job start, and its first line, on a loaded machine.
MOMENT = 0.5
#: Seconds that a run goes on after its process was killed with -9: the kernel takes its time.
LAST_BREATH = 0.05


@dataclass(frozen=True)
class Found:
    """What was seen.

    Attributes:
        lost: Jobs that are nowhere and did not run.
        at_once: How many jobs of the narrow kind ran at once, at most.
        in_time: How many jobs of the metered kind started within their time, at most, that moment left out.
        left: Keys of gates that are there when all is done.
        undone: Jobs that had not run when the time was over.
    """

    lost: int
    at_once: int
    in_time: int
    left: int
    undone: int


def kill_those_who_hold_gates(office: Office, *, kills: int, narrow: int, metered: int, mutant: str = "") -> Found:
    """Push jobs that pass gates, and kill one of two workers *kills* times while they hold slots.

    Args:
        office: Where they work.
        kills: How often.
        narrow: How many jobs of which three run at once.
        metered: How many jobs of which ten start in two seconds.
        mutant: A fault to put into the workers.
    """
    workers = [office.start(mutant), office.start(mutant)]
    for worker in workers:
        worker.ready()
    office.push_many("metered", [() for _ in range(metered)])
    for number in range(max(kills, 1)):
        push_both_ways(office, narrow // max(kills, 1))
        if number < kills:
            busy = eventually(lambda: {line["pid"] for line in running(office.lines())} & {w.pid for w in workers}, 30)
            victim = office.rng.choice([index for index, worker in enumerate(workers) if worker.pid in busy])
            workers[victim].kill9(with_pacemaker=office.rng.random() < 0.3)
            workers[victim] = office.start(mutant).ready()
            # What a kill interrupts thrice is taken for its cause, and rightly.
            eventually(lambda: not cut_off(office), 30)
    undone = until_done(office, seconds=15 if mutant else 60 + metered / MANY * SECONDS)
    found = judge(office, undone)
    if not mutant:
        record(
            "F29",
            f"{kills} kills of one of two workers whose jobs hold slots, or were let start",
            f"LOST 0; never more than {AT_ONCE} at once, or {MANY} in {SECONDS:g} s; slots left 0",
            lost=found.lost, at_once=found.at_once, in_time=found.in_time, left=found.left, seed=office.seed,
        )  # fmt: skip
    return found


def push_both_ways(office: Office, n: int) -> None:
    """Push jobs of the narrow kind, half of them as Ruby does: those say nothing of gates."""
    office.push_many("narrow", [(office.rng.uniform(20, 120),) for _ in range(n - n // 2)])
    payloads = []
    for _ in range(n // 2):
        jid = os.urandom(12).hex()
        office.pushed[jid] = "narrow"
        job = {"class": "narrow", "args": [office.rng.uniform(20, 120)], "jid": jid, "queue": "default", "retry": True}
        payloads.append(json.dumps(job).encode())
    if payloads:
        office.app.store.run(queues.push("default", payloads))


def cut_off(office: Office) -> set[str]:
    """Return the jobs that were begun by a process that was killed, and not done since."""
    killed = {line["pid"] for line in office.runs("killed")}
    return {line["jid"] for line in office.runs("start") if line["pid"] in killed} - office.done()


def until_done(office: Office, seconds: float) -> int:
    """Wait until all jobs are done, and return how many were not when the time was over."""
    try:
        office.until_done(timeout=seconds)
    except AssertionError:
        return len(set(office.pushed) - office.done())
    return 0


def judge(office: Office, undone: int) -> Found:
    """Say what became of the jobs."""
    client = office.server.client
    in_lanes = {
        entry.split(b"\n", 3)[1].decode()
        for key in client.scan_iter("mainspring:lane:*")
        for entry in client.lrange(key, 0, -1)
    }
    verdict = check(office, "lanes", undone=undone, in_lanes=len(in_lanes))
    left = sum(1 for pattern in ("mainspring:gate:*", "mainspring:lane:*") for _ in client.scan_iter(pattern))
    starts = sorted(line["at"] for line in office.runs("start") if line["name"] == "metered")
    return Found(verdict.lost - len(in_lanes - office.done()), at_once(office.lines()), in_time(starts), left, undone)


def running(lines: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the starts of those jobs of the narrow kind that run now."""
    begun: dict[tuple[str, int], Mapping[str, Any]] = {}
    for line in lines:
        if line["event"] == "start" and line["name"] == "narrow":
            begun[line["jid"], line["pid"]] = line
        elif line["event"] == "done":
            begun.pop((line["jid"], line["pid"]), None)
        elif line["event"] == "killed":
            begun = {key: value for key, value in begun.items() if key[1] != line["pid"]}
    return list(begun.values())


def at_once(lines: Iterable[Mapping[str, Any]]) -> int:
    """Count how many jobs of the narrow kind ran at once, at most."""
    most = 0
    alive: set[tuple[str, int]] = set()
    dying: dict[tuple[str, int], float] = {}
    killed: set[int] = set()
    for line in sorted(lines, key=lambda line: line["at"]):
        # What a process begins between the word of its death and its death is dying with it.
        if line["event"] == "start" and line["name"] == "narrow" and line["pid"] not in killed:
            alive.add((line["jid"], line["pid"]))
            dying = {key: until for key, until in dying.items() if until > line["at"]}
        elif line["event"] == "done":
            alive.discard((line["jid"], line["pid"]))
        elif line["event"] == "killed":
            killed.add(line["pid"])
            dying |= {key: line["at"] + LAST_BREATH for key in alive if key[1] == line["pid"]}
            alive -= dying.keys()
        most = max(most, len(alive))
    return most


def in_time(starts: list[float]) -> int:
    """Count how many of *starts* lie within the limit's time, less that moment, at most."""
    return max(
        (sum(begin <= at < begin + SECONDS - MOMENT for at in starts[place:]) for place, begin in enumerate(starts)),
        default=0,
    )
