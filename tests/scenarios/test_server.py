"""The store may be killed, restarted or gone for long: nothing is lost, and nobody is held for dead."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from scenarios.harness import Office, Verdict, check, eventually
from scenarios.observed import reclaims
from scenarios.producer import Producer
from scenarios.record import at_length, record

#: Kills of the server, and seconds of load before each: until so many jobs are done, and at length no less than five.
KILLS = at_length(4, 30)
LOAD = at_length(0.0, 5.0)
#: Seconds for which the server is away: longer than the lease.
OUTAGES = at_length((4.5,), (5, 30, 120))
#: How the server's file is synced, and how many seconds of writes it may hold back, killed or not: with "everysec" it
#: does not even hand them to the kernel while a sync takes long, for two seconds by its clock of whole seconds.
FSYNCS = at_length((("always", 0),), (("always", 0), ("everysec", 3)))
#: Seconds for a machine that is busy with other things.
SLACK = 8


def kill_the_server(office: Office, kills: int, margin: float = 0) -> tuple[Verdict, list[float], int]:
    """Kill the server *kills* times under load.

    Returns:
        The verdict, how long it took each time to go on, and how many jobs are lost that had been pushed for more
        than *margin* seconds when the server was killed.
    """
    for _ in range(2):
        office.start(concurrency=4).ready()
    resumed, settled = [], set()
    # Every start and end is a line that is read again and again: at length fewer a second.
    with Producer(office, burst=at_length(10, 2)) as producer:
        for _ in range(kills):
            works(office, 100, LOAD)
            # Something must be at stake.
            office.push_many("work", [(5,)] * 200)
            settled.update(tuple(office.pushed))
            works(office, 0, margin)
            office.server.kill9()
            office.server.start()
            begun = time.monotonic()
            # What was fetched before the kill tells nothing.
            goes_on = office.push("work", 0)
            eventually(lambda goes_on=goes_on: goes_on in office.done())
            resumed.append(round(time.monotonic() - begun, 2))
    eventually(lambda: not office.server.client.llen("queue:default") and not office.in_flight(), 30)
    producer.settle()
    doubts = {"ambiguous": len(producer.ambiguous), "refused": len(producer.refusals)}
    found = check(office, "server-kill9", kills=kills, resumed=resumed, **doubts)
    return found, resumed, len(settled - office.done() - set(office.stored()))


def works(office: Office, jobs: int, seconds: float) -> None:
    """Return when so many more *jobs* are done, and *seconds* have passed."""
    begun, seen = time.monotonic(), len(office.runs("done"))
    eventually(lambda: len(office.runs("done")) > seen + jobs and time.monotonic() - begun > seconds, 30 + seconds)


@pytest.mark.parametrize(("fsync", "margin"), FSYNCS)
def test_a_server_killed_and_restarted_under_load_costs_nothing(private_server, offices, fsync, margin):
    office = offices(private_server(aof=True, fsync=fsync), timing={"GRACE": 8})

    found, resumed, broken = kill_the_server(office, KILLS, margin)

    record(
        "F4",
        f"the server killed with -9 under load {KILLS} times, its file synced {fsync}",
        f"LOST 0{f' of what is {margin} s old' * (margin > 0)}, workers go on within 2 s, no false reclaim",
        lost=broken,
        lost_of_the_newest=found.lost - broken,
        twice=found.dup,
        jobs=found.done,
        resumed_median=sorted(resumed)[len(resumed) // 2],
        resumed_max=max(resumed),
        reclaims=reclaims(office),
    )
    assert (broken, found.overlap, found.copies) == (0, 0, 0)
    assert margin or (found.lost, found.dup) == (0, 0)
    assert not reclaims(office)
    assert max(resumed) < 2 + SLACK


def test_the_checker_finds_what_a_server_without_a_file_loses(private_server, offices):
    office = offices(private_server(), timing={"GRACE": 8})

    found, _, broken = kill_the_server(office, kills=2)

    assert found.lost >= broken > 0


def outage(
    private_server: Callable[..., object], offices: Callable[..., Office], seconds: float, mutant: str = ""
) -> Office:
    """Stop the server for *seconds*, longer than the lease, with jobs of all lengths under way; nobody dies."""
    server = private_server(aof=True, fsync="always")
    office = offices(server, timing={"GRACE": 8})
    for _ in range(2):
        office.start(mutant, concurrency=4).ready()
    lasting = (seconds + (3.5 if mutant else 8.5)) * 1000
    jids = [office.push("work", lasting), office.push("work", lasting), office.push("work", 1000)]
    eventually(lambda: {line["jid"] for line in office.runs("start")} >= set(jids))
    office.push_many("work", [(1,)] * 50)

    begun = time.monotonic()
    office.server.kill9()
    eventually(lambda: time.monotonic() - begun > seconds, seconds + 10)
    office.server.start()
    office.until_done(timeout=40)
    return office


@pytest.mark.parametrize("seconds", OUTAGES)
def test_an_outage_longer_than_the_lease_lets_nobody_be_declared_dead(private_server, offices, seconds):
    office = outage(private_server, offices, seconds)

    found = check(office, "server-outage", seconds=seconds)
    record(
        "F5",
        f"the server away for {seconds} s, the lease 3 s, jobs of 1 s and {seconds + 8.5} s under way",
        "reclaims 0, no job twice",
        reclaims=reclaims(office),
        twice=found.rerun,
        lost=found.lost,
    )
    assert (found.lost, found.dup, found.overlap, found.rerun) == (0, 0, 0, 0)
    assert not reclaims(office)


def test_the_checker_finds_what_one_look_in_place_of_two_does(private_server, offices):
    office = outage(private_server, offices, 4.5, mutant="one_look")

    assert check(office, "server-outage-mutant").rerun > 0
