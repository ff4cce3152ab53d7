"""A crowd of processes that start together, wait together and come back together is no load: each takes its turn."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from mainspring.store import scripts
from scenarios.harness import Office, check, eventually
from scenarios.observed import reclaims
from scenarios.program import boot_time
from scenarios.record import at_length, record
from servers import Server

PROCESSES = at_length(10, 100)
#: Seconds for which they are watched while they wait, and for which the server is away.
SECONDS = at_length(5.0, 30.0)
AWAY = at_length(2.0, 20.0)
PUSHES = at_length(20, 100)
#: Fetches for a push.
MOST = 5
#: The intervals of production.
USUAL = {"LEASE": 30, "BEAT": 5, "SWEEP": 10, "GRACE": 15}


@contextmanager
def monitored(server: Server) -> Iterator[list[str]]:
    """Collect what clients send, without what scripts call."""
    found: list[str] = []

    def read() -> None:
        for line in monitor.listen():
            if line["command"] == "ECHO the end":
                return
            if line["client_type"] != "lua":
                found.append(line["command"])

    with server.client.monitor() as monitor:
        thread = threading.Thread(target=read)
        thread.start()
        yield found
        server.client.echo("the end")
        thread.join()


def wait(seconds: float) -> None:
    """Return after *seconds*."""
    begun = time.monotonic()
    eventually(lambda: time.monotonic() - begun >= seconds, seconds + 5)


def crowd(office: Office, count: int, mutant: str = "") -> None:
    """Start many workers at the same time, and return when all of them wait."""
    for _ in range(count):
        office.start(mutant, concurrency=2)
    for worker in office.processes:
        worker.ready(60 + count)
    eventually(lambda: office.server.client.info("clients")["blocked_clients"] >= 2 * count, 60)


def rung(office: Office, pushes: int) -> tuple[int, float]:
    """Push one job after the other to a crowd that waits; return the fetches, and the median of seconds to the start."""
    fetch = f"EVALSHA {scripts.load('jobs_fetch').sha}"
    pushed = {}
    with monitored(office.server) as sent:
        for _ in range(pushes):
            at = boot_time()
            pushed[office.push("work", 0)] = at
            office.until_done()
            # Those that came in vain wait again.
            eventually(lambda: office.server.client.info("clients")["blocked_clients"] >= 2 * len(office.processes), 20)
    started = {line["jid"]: line["at"] for line in office.runs("start")}
    late = sorted(started[jid] - at for jid, at in pushed.items())
    return sum(command.startswith(fetch) for command in sent), late[len(late) // 2]


def test_only_some_of_a_crowd_that_waits_come_when_it_is_rung(office):
    office.timing = USUAL
    crowd(office, PROCESSES, "mutants_calls.patient")
    # At first nobody knows how many they are.
    rung(office, 2)

    # On a machine that does much besides, some look twice; a herd comes each time.
    tries = (rung(office, PUSHES) for _ in range(at_length(4, 1)))
    fetches, late = next((found for found in tries if found[0] <= MOST * PUSHES), (sys.maxsize, 0.0))

    found = check(office, "herd", fetches=fetches, late=late)
    record(
        "F36",
        f"{PROCESSES} processes wait together, {PUSHES} jobs are pushed one by one",
        "fetches <= 5 x pushes",
        fetches_a_push=round(fetches / PUSHES, 2),
        median_ms=round(late * 1000, 1),
    )
    assert (found.lost, found.dup) == (0, 0)
    assert fetches <= MOST * PUSHES


def test_a_crowd_asks_little_while_it_waits_and_comes_back_one_after_the_other(private_server, offices):
    office = offices(private_server(aof=True, fsync="always"), timing=USUAL)
    crowd(office, PROCESSES)
    wait(1)
    with monitored(office.server) as sent:
        wait(SECONDS)
    office.server.kill9()
    wait(AWAY)
    office.server.start()
    counts = arrivals(office, 8)

    office.until_done(office.push_many("work", [(1,)] * PROCESSES * 10))

    per_second = len(sent) / SECONDS / PROCESSES
    total, busiest = sum(counts), max(map(sum, pairwise(counts)))
    found = check(office, "herd-back", per_second=per_second, counts=counts)
    record(
        "F36",
        f"{PROCESSES} processes wait together, and reconnect to a server that was away for {AWAY:.0f} s",
        "<= 3 commands/s an idle process; spread, no more connections than each needs",
        commands_a_second=round(per_second, 2),
        connections_a_process=round(total / PROCESSES, 1),
        share_in_the_busiest_half_second=round(busiest / total, 2),
        reclaims=reclaims(office),
    )
    # A sweep, every 10 to 20 s, may fall into a short time.
    assert per_second <= 3 + 8 / SECONDS
    assert (found.lost, found.dup, reclaims(office)) == (0, 0, 0)
    assert total / PROCESSES < 10
    assert busiest / total < 0.6


def arrivals(office: Office, seconds: float, step: float = 0.25) -> list[int]:
    """Count the connections made in each *step* of the next *seconds*."""
    begun, counts = time.monotonic(), [0]
    while len(counts) <= seconds / step:
        eventually(lambda: time.monotonic() - begun >= len(counts) * step)
        counts.append(office.server.client.info("stats")["total_connections_received"])
    return [after - before for before, after in pairwise(counts)]


def test_the_count_finds_a_crowd_that_comes_as_one(office):
    crowd(office, 8, "mutants_calls.eager")

    fetches, _ = rung(office, 5)

    assert fetches > 5 * 5
