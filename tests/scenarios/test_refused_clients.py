"""A server that lets a worker no longer in is asked again now and then, and named once; when it does, all goes on."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from scenarios.harness import Office, Process, check, eventually
from scenarios.record import at_length, record
from servers import Server

#: Seconds for which it refuses, and the seconds at their beginning that nobody can do better in.
REFUSED = at_length(6, 60)
BAR = "< 20 attempts/s a process, said once, goes on within 10 s"


@dataclass(frozen=True)
class Refusal:
    """A way for a server to refuse, its end, and what a worker says of it."""

    begin: Callable[[Server], object]
    end: Callable[[Server], object]
    words: str


def cut(server: Server) -> None:
    """End all connections but this one."""
    server.client.client_kill_filter(_type="normal", skipme=True)


def fill_up(server: Server) -> None:
    # One is this test's own.
    server.client.config_set("maxclients", 1)
    cut(server)


def rotate(server: Server) -> None:
    server.client.config_set("requirepass", "rotated")
    cut(server)


def forbid(server: Server) -> None:
    server.client.execute_command("ACL", "SETUSER", "default", "-evalsha")


REFUSALS = {
    "maxclients": Refusal(
        fill_up, lambda server: server.client.config_set("maxclients", 10_000), "max number of clients"
    ),
    "password": Refusal(rotate, lambda server: server.client.config_set("requirepass", "right"), "password is wrong"),
    "acl": Refusal(
        forbid, lambda server: server.client.execute_command("ACL", "SETUSER", "default", "+evalsha"), "extend its ACL"
    ),
}


def attempts(server: Server) -> int:
    """Count the connections that were made or refused so far, and the calls that the ACL refused."""
    stats = server.client.info("stats")
    forbidden = server.client.info("errorstats").get("errorstat_NOPERM", {"count": 0})["count"]
    return int(stats["total_connections_received"] + stats["rejected_connections"] + forbidden)


def refuse(server: Server, refusal: Refusal, seconds: float) -> list[int]:
    """Refuse for a while; return the attempts in each second."""
    counts = [attempts(server)]
    refusal.begin(server)
    begun = time.monotonic()
    while len(counts) <= seconds:
        eventually(lambda: time.monotonic() - begun >= len(counts))
        counts.append(attempts(server))
    refusal.end(server)
    return [after - before for before, after in itertools.pairwise(counts)]


def run_through(office: Office, refusal: Refusal, mutant: str = "") -> tuple[Process, list[int], float]:
    """Let a server refuse its worker; return the worker, the attempts in each second, and how long it took to go on."""
    worker = office.start(mutant, concurrency=4).ready()
    office.until_done(office.push_many("work", [(1,)] * 100))
    counts = refuse(office.server, refusal, REFUSED)
    begun = time.monotonic()
    office.until_done([office.push("work", 1)])
    return worker, counts, time.monotonic() - begun


def said(worker: Process) -> Counter[tuple[str, str]]:
    """Count for each service how often it said what of the store."""
    return Counter((line["service_"], line["msg"]) for line in worker.events("store.gone"))


@pytest.mark.parametrize("name", REFUSALS)
def test_a_worker_that_is_refused_says_so_once_and_goes_on_when_it_is_let_in(private_server, offices, name):
    office = offices(private_server(password="right"))
    refusal = REFUSALS[name]

    worker, counts, resumed = run_through(office, refusal)

    found = check(office, f"refused-{name}", counts=counts)
    lines = said(worker)
    record(
        "F17",
        f"{name}: refused for {REFUSED} s",
        BAR,
        attempts_a_second=round(sum(counts) / REFUSED, 1),
        in_the_worst=max(counts),
        resumed_s=round(resumed, 2),
        lines=len(lines),
    )
    assert (found.lost, found.dup, found.copies) == (0, 0, 0)
    # It counts with its pacemaker as one; a moment may fall into either of two seconds.
    assert max(map(sum, itertools.pairwise(counts))) < 2 * 20
    assert resumed < 10 + 5
    assert set(lines.values()) == {1}
    # A server without room hangs up at once, so that not everybody gets to read why.
    assert any(refusal.words in text for _, text in lines)
    assert not any(secret in worker.log.read_text() for secret in ("right@", "rotated"))


def test_the_count_finds_workers_that_hurry(private_server, offices):
    _, counts, _ = run_through(offices(private_server(password="right")), REFUSALS["password"], "mutants_calls.hurried")

    assert max(map(sum, itertools.pairwise(counts))) >= 2 * 20


def test_the_count_finds_workers_that_say_it_again_and_again(private_server, offices):
    worker, *_ = run_through(offices(private_server(password="right")), REFUSALS["maxclients"], "mutants_calls.chatty")

    assert max(said(worker).values()) > 1
