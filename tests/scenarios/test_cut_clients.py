"""A server that cuts everybody off again and again, and sends waiters away with an error, costs time and nothing else."""

from __future__ import annotations

import time

from scenarios.harness import Office, Verdict, check, eventually
from scenarios.producer import Producer
from scenarios.record import at_length, record

SECONDS = at_length(3, 60)
#: Seconds between two cuts; waiters are sent away half way between.
PERIOD = 0.2


def cut_clients(office: Office, seconds: float, mutant: str = "") -> tuple[Verdict, int, int, Producer]:
    """Cut all clients every 200 ms for *seconds*, under load.

    Returns:
        The verdict, how many connections were cut, how many waiters sent away, and who pushed meanwhile.
    """
    for _ in range(2):
        office.start(mutant, concurrency=4).ready()
    client = office.server.client
    cut = unblocked = 0
    end = time.monotonic() + seconds
    with Producer(office) as producer:
        while time.monotonic() < end:
            wait(PERIOD / 2)
            waiting = [each["id"] for each in client.client_list() if "b" in each["flags"]]
            unblocked += sum(client.client_unblock(int(each), error=True) for each in waiting)
            wait(PERIOD / 2)
            cut += client.client_kill_filter(_type="normal", skipme=True)
    if mutant:
        wait(1)
    else:
        eventually(lambda: not client.llen("queue:default") and not office.in_flight(), 30)
    producer.settle()
    found = check(office, "cut-clients", cut=cut, unblocked=unblocked, ambiguous=len(producer.ambiguous))
    return found, cut, unblocked, producer


def wait(seconds: float) -> None:
    """Return after *seconds*."""
    begun = time.monotonic()
    eventually(lambda: time.monotonic() - begun >= seconds, seconds + 5)


def test_clients_that_are_cut_off_and_sent_away_lose_nothing_and_do_nothing_twice(server, offices):
    office = offices(server)

    found, cut, unblocked, producer = cut_clients(office, SECONDS)

    record(
        "F20",
        f"CLIENT KILL TYPE normal every {PERIOD * 1000:.0f} ms for {SECONDS} s under load, CLIENT UNBLOCK ERROR between",
        "LOST 0, no more twice than with as many kills of workers",
        cut=cut,
        unblocked=unblocked,
        lost=found.lost,
        twice=found.dup,
        jobs=found.done,
        ambiguous=len(producer.ambiguous),
    )
    assert cut > 20
    assert unblocked > 3
    assert (found.lost, found.dup, found.overlap, found.copies) == (0, 0, 0, 0)
    assert found.done == found.pushed
    assert not any(worker.events("process.fenced") for worker in office.processes)


def test_the_checker_finds_services_that_end_at_their_first_error(server, offices):
    found, *_ = cut_clients(offices(server), 2, mutant="mutants_server.mortal")

    assert found.done < found.pushed
