"""The store may be killed, restarted or gone for long: nothing is lost, and nobody is held for dead."""

from __future__ import annotations

import threading
import time

from mainspring.base.errors import PushAmbiguous, PushFailed
from scenarios.harness import Office, check, eventually


class Producer:
    """Pushes through outages, and keeps account of what was confirmed and of what nobody can tell."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._told = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.ambiguous: list[str] = []
        self.refused = 0
        self._thread.start()

    def _run(self) -> None:
        while not self._told.wait(0.02):
            try:
                self._office.push_many("work", [(self._office.rng.uniform(0, 5),) for _ in range(10)])
            except PushAmbiguous as error:
                self.ambiguous += error.jids
            except PushFailed:
                self.refused += 1

    def stop(self) -> None:
        self._told.set()
        self._thread.join()


def test_a_server_killed_and_restarted_under_load_costs_nothing(private_server, offices):
    server = private_server(aof=True, fsync="always")
    office = offices(server, timing={"GRACE": 8})
    workers = [office.start(concurrency=4).ready() for _ in range(2)]
    producer = Producer(office)
    resumed = []

    for _ in range(4):
        seen = len(office.runs("done"))
        eventually(lambda seen=seen: len(office.runs("done")) > seen + 100)
        server.kill9()
        server.start()
        begun, seen = time.monotonic(), len(office.runs("done"))
        eventually(lambda seen=seen: len(office.runs("done")) > seen + 20)
        resumed.append(round(time.monotonic() - begun, 2))
    producer.stop()
    office.until_done()

    # What nobody could tell of may have run, and must not have run twice.
    office.pushed |= {jid: "work" for jid in producer.ambiguous if jid in office.done()}
    found = check(office, "server-kill9", resumed=resumed, ambiguous=len(producer.ambiguous), refused=producer.refused)
    assert (found.lost, found.dup, found.overlap, found.copies) == (0, 0, 0, 0)
    assert max(resumed) < 6
    assert not any(worker.events("process.fenced") or worker.events("process.recovered") for worker in workers)


def outage(private_server, offices, *, lasting: int, mutant: str = "") -> Office:
    """Stop the server for longer than the lease, with jobs of all lengths under way; two workers stay alive."""
    server = private_server(aof=True, fsync="always")
    office = offices(server, timing={"GRACE": 8})
    for _ in range(2):
        office.start(mutant, concurrency=4).ready()
    jids = [office.push("work", lasting), office.push("work", lasting), office.push("work", 1000)]
    eventually(lambda: {line["jid"] for line in office.runs("start")} >= set(jids))
    office.push_many("work", [(1,)] * 50)

    begun = time.monotonic()
    server.kill9()
    eventually(lambda: time.monotonic() - begun > 4.5)
    server.start()
    office.until_done(timeout=40)
    return office


def test_an_outage_longer_than_the_lease_lets_nobody_be_declared_dead(private_server, offices):
    office = outage(private_server, offices, lasting=13_000)

    found = check(office, "server-outage")
    assert (found.lost, found.dup, found.overlap, found.rerun) == (0, 0, 0, 0)
    assert not any(process.events("process.fenced") for process in office.processes)


def test_the_checker_finds_what_one_look_in_place_of_two_does(private_server, offices):
    office = outage(private_server, offices, lasting=8000, mutant="one_look")

    assert check(office, "server-outage-mutant").rerun > 0
