"""A network that is slow, stutters or goes dead costs time: nobody is fenced who lives, and others do the work of the cut."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from scenarios.harness import Office, Verdict, check, eventually
from scenarios.link import Link
from scenarios.observed import cpu, leases, reclaims, sockets
from scenarios.producer import Producer
from scenarios.program import boot_time
from scenarios.record import at_length, record


@pytest.fixture
def linked(offices, server) -> Iterator[Callable[..., tuple[Office, Link]]]:
    """Make offices whose workers reach the store by a link."""
    made = []

    def make(**timing: float) -> tuple[Office, Link]:
        office = offices(server, timing=timing)
        link = Link(server.socket_path, office.seed)
        office.url = link.url
        made.append((office, link))
        return office, link

    yield make
    for office, link in made:
        # Pacemakers want to give back, and need a way.
        link.be_good()
        office.close()
        link.close()


# --- slow ----------------------------------------------------------------------------

#: Latency each way and further standstill, in seconds: an answer may take up to a third of the lease.
LATENCY, STALL = at_length((0.2, 0.4), (0.5, 0.9))
SLOW = at_length({"LEASE": 3, "BEAT": 0.5}, {"LEASE": 6, "BEAT": 1})
SECONDS = at_length(7, 60)


def slow(office: Office, link: Link, mutant: str = "") -> tuple[Verdict, list[float]]:
    """Let two workers run jobs on a slow network, and a third look for the dead on a quick one.

    Returns:
        The verdict; and what was left of a lease at its shortest, for each look, in seconds.
    """
    for _ in range(2):
        office.start(mutant, concurrency=4).ready()
    office.url = ""
    office.start(concurrency=1, queues=["elsewhere"]).ready()
    link.latency, link.stall, link.drip = (0.0, LATENCY), (0.05, STALL), 0.3
    with Producer(office, burst=2, period=0.2):
        left = watch(office, SECONDS)
    link.be_good()
    office.until_done()
    return check(office, "slow-network", connections=link.connections, shortest=min(left)), left


def watch(office: Office, seconds: float) -> list[float]:
    """Look at all leases for *seconds*, and return what was left of the shortest each time."""
    end, left = time.monotonic() + seconds, []

    def is_over() -> bool:
        left.append(min(leases(office).values(), default=0) / 1000)
        return time.monotonic() > end

    eventually(is_over, seconds + 20)
    return left


def late(office: Office) -> int:
    """Count the beats that came when the lease had run out."""
    return sum(len(process.events("process.late")) for process in office.processes)


def test_nobody_on_a_slow_network_is_held_for_dead_or_misses_a_beat(linked):
    office, link = linked(**SLOW)

    found, left = slow(office, link)

    record(
        "F10",
        f"{SECONDS} s with 0 to {LATENCY * 1000:.0f} ms each way, standstills of {STALL * 1000:.0f} ms,"
        f" a third of it byte by byte; lease {SLOW['LEASE']} s",
        "no false fencing, no lease run out",
        fenced=reclaims(office),
        late=late(office),
        lost=found.lost,
        twice=found.dup,
        jobs=found.done,
        shortest_lease_left=round(min(left), 2),
    )
    assert (found.lost, found.dup, found.overlap, found.copies) == (0, 0, 0, 0)
    assert (reclaims(office), late(office)) == (0, 0)
    assert min(left) > 0


def test_the_checker_finds_leases_that_are_too_short_for_the_network(linked):
    office, link = linked(**SLOW)

    _, left = slow(office, link, mutant="mutants_server.short_lease")

    assert min(left) < 0
    assert late(office) + reclaims(office) > 0


# --- dead ----------------------------------------------------------------------------

CUT = at_length({"LEASE": 2, "BEAT": 0.4, "SWEEP": 0.4, "GRACE": 1}, {"LEASE": 30, "BEAT": 5, "SWEEP": 10, "GRACE": 15})
#: Seconds for which the network is dead, at least.
DEAD = at_length(5, 60)
#: Seconds that a job lasts where it is begun first: three rounds begin before the lease has run out, a fourth would after.
LASTING = CUT["LEASE"] / 2.5
PATIENCE = CUT["LEASE"] + 2 * CUT["SWEEP"] + CUT["GRACE"] + 4 * LASTING + 20


@dataclass
class Seen:
    """What was seen of a worker while it was cut off.

    Attributes:
        held: How many jobs it held when it was cut off.
        late: How many it began after its lease had run out.
        seconds: For how long it was cut off.
        busy: The share of a processor that it used.
        sockets: How many it had before, and at most.
    """

    held: int
    late: int
    seconds: float
    busy: float
    sockets: tuple[int, int]


def cut_off(office: Office, link: Link, mutant: str = "") -> Seen:
    """Cut a worker off in the middle of its work, and return when another has done all of it."""
    worker = office.start(mutant, concurrency=4).ready()
    # Short jobs make it fetch ahead.
    office.push_many("work", [(1,)] * 400)
    long = set(office.push_many("sleeper", [(LASTING,)] * 16))
    eventually(lambda: any(line["jid"] in long for line in office.runs("start")))
    held = len(office.in_flight())
    before, used, begun, most = sockets(worker), cpu(worker), boot_time(), []
    link.go_dead()
    office.url = ""
    office.start(concurrency=4).ready()

    def is_over() -> bool:
        most.append(sockets(worker))
        return boot_time() > begun + DEAD and set(office.pushed) <= office.done() and not office.in_flight()

    eventually(is_over, PATIENCE)
    seconds = boot_time() - begun
    starts = [line["at"] for line in office.runs("start") if line["pid"] == worker.pid]
    late = sum(at > begun + CUT["LEASE"] for at in starts)
    return Seen(held, late, seconds, (cpu(worker) - used) / seconds, (before, max(most)))


def test_the_jobs_of_a_worker_that_was_cut_off_are_done_by_another_and_it_keeps_still(linked):
    office, link = linked(**CUT)
    seen = cut_off(office, link)
    cut, other = office.processes

    link.come_back()
    eventually(lambda: cut.events("process.fenced"))
    other.signal(signal.SIGTSTP)
    other.became("quiet")
    after = office.push("work", 1)
    office.until_done()

    found = check(office, "cut-off", **vars(seen))
    record(
        "F11",
        f"one worker of two cut off for {seen.seconds:.0f} s, the lease {CUT['LEASE']} s",
        "others do its jobs; nothing begun after the lease; CPU < 5 %; sockets bounded",
        held=seen.held,
        begun_late=seen.late,
        lost=found.lost,
        cpu_percent=round(seen.busy * 100, 1),
        sockets_before=seen.sockets[0],
        sockets_most=seen.sockets[1],
    )
    assert (found.lost, found.overlap, found.copies, found.dead) == (0, 0, 0, 0)
    assert office.runs("start", after)[0]["pid"] == cut.pid
    assert not seen.late
    assert seen.busy < 0.05
    assert seen.sockets[1] <= seen.sockets[0] + 3


def test_the_checker_finds_a_worker_that_goes_on_when_its_lease_has_run_out(linked):
    def late() -> int:
        office, link = linked(**CUT)
        found = cut_off(office, link, mutant="mutants_server.trusting").late
        link.be_good()
        office.close()
        office.server.client.flushall()
        return found

    # Chance decides whether a job was left to begin too late.
    assert any(late() for _ in range(4))
