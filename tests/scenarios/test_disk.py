"""While the server's disk is full nothing is stored and nobody is held for dead; when there is space again, all go on."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass

import pytest

from scenarios.harness import Office, Verdict, check, eventually
from scenarios.observed import reclaims
from scenarios.producer import Producer
from scenarios.record import at_length, record
from servers import Server

pytestmark = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="the file cannot be bounded: no prlimit here")

ROUNDS = at_length(1, 8)
TIMING = at_length({"LEASE": 2, "BEAT": 0.4, "SWEEP": 0.4, "GRACE": 3}, {"LEASE": 9, "BEAT": 2, "SWEEP": 2, "GRACE": 8})
#: Seconds for which the disk is full: twice the lease.
FULL = 2 * TIMING["LEASE"]
#: A write beyond the bound would end the server; with this it is refused, as on a disk that is full.
WRAPPER = ("sh", "-c", 'trap "" XFSZ; exec "$@"', "sh")


def fill(server: Server) -> None:
    """Let the server's file grow no more: the kernel refuses what does not fit, as a full disk does."""
    (file,) = (server.directory / "appendonlydir").glob("*.incr.aof")
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (file.stat().st_size, resource.RLIM_INFINITY))


def free(server: Server) -> None:
    """Let it grow again."""
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def is_full(server: Server) -> bool:
    """Return True if the server has noticed."""
    return server.client.info("persistence")["aof_last_write_status"] == "err"


@dataclass
class Seen:
    """What was seen of full disks.

    Attributes:
        verdict: What became of the jobs.
        resumed: Seconds from each time that there was space again until jobs were done.
        refusals: What pushes said meanwhile.
    """

    verdict: Verdict
    resumed: list[float]
    refusals: set[str]


def full_disk(office: Office, rounds: int, mutant: str = "") -> Seen:
    """Fill the disk under load and free it again, with jobs under way that outlast it."""
    for _ in range(2):
        office.start(mutant, concurrency=4).ready()
    lasting = FULL + 3 + (0 if mutant else TIMING["GRACE"])
    resumed = []
    with Producer(office) as producer:
        for _ in range(rounds):
            long = office.push_many("work", [(lasting * 1000,)] * 2)
            eventually(lambda long=long: {line["jid"] for line in office.runs("start")} >= set(long))
            fill(office.server)
            eventually(lambda: is_full(office.server))
            since = time.monotonic()
            eventually(lambda since=since: time.monotonic() - since > FULL, FULL + 10)
            free(office.server)
            begun, seen = time.monotonic(), len(office.runs("done"))
            eventually(lambda seen=seen: len(office.runs("done")) > seen + 20, 30)
            resumed.append(round(time.monotonic() - begun, 2))
    office.until_done(timeout=60)
    assert not producer.ambiguous
    return Seen(check(office, "disk-full", resumed=resumed), resumed, set(producer.refusals))


def test_a_full_disk_costs_time_and_nothing_else(private_server, offices):
    office = offices(private_server(aof=True, wrapper=WRAPPER), timing=TIMING)

    seen = full_disk(office, ROUNDS)

    record(
        "F16",
        f"the disk of the server's file full {ROUNDS} times for {FULL} s, twice the lease, under load",
        "workers go on within 5 s of there being space, no reclaim of the living, pushes say what is wrong",
        resumed_median=sorted(seen.resumed)[len(seen.resumed) // 2],
        resumed_max=max(seen.resumed),
        reclaims=reclaims(office),
        lost=seen.verdict.lost,
        twice=seen.verdict.rerun,
        jobs=seen.verdict.done,
    )
    found = seen.verdict
    assert (found.lost, found.dup, found.rerun, found.overlap, found.copies) == (0, 0, 0, 0, 0)
    assert not reclaims(office)
    assert max(seen.resumed) < 5 + 5
    assert seen.refusals
    assert all("10 jobs are not stored" in each and "cannot write to its disk" in each for each in seen.refusals)


def test_the_checker_finds_what_one_look_in_place_of_two_does(private_server, offices):
    office = offices(private_server(aof=True, wrapper=WRAPPER), timing=TIMING)

    seen = full_disk(office, 1, mutant="one_look")

    assert seen.verdict.rerun > 0
