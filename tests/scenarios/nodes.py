"""Whole machines that die: every worker and every pacemaker of a node at once, so that nobody is left to tell."""

from __future__ import annotations

from scenarios.harness import Office, Process, Verdict, check, eventually
from scenarios.kills import recovery_times
from scenarios.producer import Producer
from scenarios.record import at_length

#: Workers of one node.
WORKERS = 3


def start(office: Office, mutant: str = "") -> list[Process]:
    """Start the workers of one node, and wait until they run jobs."""
    node = [office.start(mutant, concurrency=4) for _ in range(WORKERS)]
    for worker in node:
        worker.ready()
    return node


def die(office: Office, node: list[Process]) -> None:
    """Kill a whole node with -9; no two of its processes have time for a word."""
    # Pacemakers first: one that outlives its worker by a moment would give the jobs back.
    for worker in node:
        worker.kill9(with_pacemaker=True)


def works(office: Office, workers: list[Process]) -> None:
    """Return when each of *workers* has begun some jobs from now on."""
    before = begun(office, workers)
    eventually(lambda: all(now > then + 10 for now, then in zip(begun(office, workers), before, strict=True)), 30)


def keep_busy(office: Office, node: list[Process]) -> None:
    """Return when one of *node* runs a job that is not over in a moment; begun anew, it is."""
    pids, jids = {worker.pid for worker in node}, set()

    def is_busy() -> bool:
        if jids <= office.done():
            # The others may have been quicker to take them all.
            jids.update(office.push_many("sleeper", [(0.3,)] * 12))
        running = jids - office.done()
        return any(line["jid"] in running and line["pid"] in pids for line in office.runs("start"))

    eventually(is_busy, 30)


def begun(office: Office, workers: list[Process]) -> list[int]:
    """Count the jobs that each of *workers* has begun."""
    pids = [line["pid"] for line in office.runs("start")]
    return [pids.count(worker.pid) for worker in workers]


def kill_nodes(office: Office, *, kills: int, mutant: str = "") -> tuple[Verdict, list[float]]:
    """Kill one of two nodes *kills* times, while both work, and start it again.

    Returns:
        The verdict; and for each job that a kill interrupted, the seconds until it began anew, in order.
    """
    nodes = [start(office, mutant), start(office, mutant)]
    # Every start and end is a line that is read again and again: at length fewer a second.
    with Producer(office, burst=at_length(20, 2)):
        for number in range(kills):
            victim = number % 2
            works(office, nodes[0] + nodes[1])
            keep_busy(office, nodes[victim])
            die(office, nodes[victim])
            eventually(lambda victim=victim: is_recovered(office, nodes[victim]), 30)
            nodes[victim] = start(office, mutant)
    if mutant:
        eventually(lambda: not office.server.client.llen("queue:default"), 60)
    else:
        office.until_done(timeout=60)
    times = recovery_times(office)
    return check(office, "node-kill9", kills=kills, mutant=mutant, interrupted=len(times)), times


def is_recovered(office: Office, node: list[Process]) -> bool:
    """Return True if nothing is in flight for one of the *node* any more."""
    pids = {str(worker.pid) for worker in node}
    return not any(key.rsplit(":", 2)[1] in pids for key in office.in_flight().values())
