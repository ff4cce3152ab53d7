"""Kill workers with -9 under load, again and again; as a program: ``python -m tests.scenarios.kills --kills 30``.

Two workers share a queue of jobs of 0 to 5 ms. One of them is killed and started again
at once. They are faster than the producer and often idle, so longer jobs come before each
kill: it always cuts something off. Afterwards everything must be done, and nothing be
left in flight.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "src")]

from scenarios.harness import Office, Verdict, check, eventually  # noqa: E402 - as a program it finds its neighbours itself
from scenarios.record import record  # noqa: E402 - likewise

#: Jobs pushed at once, and seconds between two pushes.
BURST = 100
PERIOD = 0.1
#: Jobs that may wait: on a machine that is too busy, those that matter would come after all that were pushed before.
MOST = 300
#: Longer jobs pushed before a kill, more than two workers have slots, and how long they take, in milliseconds.
LONGER = 24
LONG_MS = 150


class Producer:
    """Pushes jobs without end, until told to."""

    def __init__(self, office: Office, burst: int = BURST) -> None:
        """Begin to push, in a thread of its own."""
        self._office = office
        self._burst = burst
        self._told = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._told.wait(PERIOD):
            if self._office.server.client.llen("queue:default") > MOST:
                continue
            self._office.push_many("work", [(self._office.rng.uniform(0, 5),) for _ in range(self._burst)])

    def stop(self) -> None:
        """Push no more."""
        self._told.set()
        self._thread.join()


def kill_workers(office: Office, *, kills: int, mutant: str = "", burst: int = BURST, machine: int = 5) -> Verdict:
    """Kill one of two workers *kills* times, each time in the middle of longer jobs.

    Args:
        office: Where they work.
        kills: How often.
        mutant: A fault to put into the workers.
        burst: Jobs pushed every tenth of a second.
        machine: Each so many-th kill takes the pacemaker too, as the loss of a machine does.
    """
    workers = [office.start(mutant), office.start(mutant)]
    for worker in workers:
        worker.ready()
    producer = Producer(office, burst)
    try:
        for number in range(1, kills + 1):
            for worker in workers:
                _works(office, worker.pid)
            busy = _busy_with_a_long_job(office)
            victim = office.rng.choice([index for index, worker in enumerate(workers) if worker.pid in busy])
            workers[victim].kill9(with_pacemaker=number % machine == 0)
            workers[victim] = office.start(mutant).ready()
            if not mutant:  # what a kill interrupts twice while it runs by itself is taken for its cause, and rightly
                eventually(lambda: not _cut_off(office), 30)
    finally:
        producer.stop()
    if not mutant:
        office.until_done(timeout=60)
    else:
        eventually(lambda: not office.server.client.llen("queue:default"), 60)
    times = recovery_times(office)
    found = check(office, "kills", kills=kills, mutant=mutant, recovered=len(times), **_spread(times))
    if not mutant:
        _record(office, kills, found)
    return found


def _record(office: Office, kills: int, found: Verdict) -> None:
    """Say what was measured; apart from the others, what died with its whole machine: that takes a lease to notice."""
    at = [line["at"] for line in office.runs("killed")]
    supervised = recovery_times(office, machine=False)
    record(
        "F1",
        f"{kills} kills of one of two workers with 0-5 ms jobs, each while it also runs jobs of 150 ms",
        "LOST 0; DUP at most 10 a kill; recovery p99 <= 2 s where the machine lives",
        lost=found.lost,
        dup=found.dup,
        overlap=found.overlap,
        done=found.done,
        seconds_between_kills=round((max(at) - min(at)) / max(kills - 1, 1), 2),
        recovery_p99_s=_spread(supervised).get("recovery_p99", 0),
        seed=office.seed,
    )


def _works(office: Office, pid: int) -> None:
    """Return when the process *pid* has begun some jobs."""
    seen = len(office.lines())
    eventually(lambda: sum(line["pid"] == pid for line in office.lines()[seen:] if line["event"] == "start") > 20, 30)


def _busy_with_a_long_job(office: Office) -> set[int]:
    """Push longer jobs, and return the ids of the processes that have just begun one."""
    seen = len(office.lines())
    longer = set(office.push_many("work", [(LONG_MS,)] * LONGER))
    return eventually(
        lambda: {line["pid"] for line in office.lines()[seen:] if line["event"] == "start" and line["jid"] in longer},
        30,
    )


def _cut_off(office: Office) -> set[str]:
    """Return the jobs that were begun by a process that was killed, and not done since."""
    killed = {line["pid"] for line in office.runs("killed")}
    return {line["jid"] for line in office.runs("start") if line["pid"] in killed} - office.done()


def recovery_times(office: Office, *, machine: bool | None = None) -> list[float]:
    """Return, for each job that a kill interrupted, the seconds from the kill to its next start.

    With *machine*, only of kills that took the pacemaker too, or that did not.
    """
    kills = [line for line in office.runs("killed") if machine is None or bool(line.get("machine")) is machine]
    killed = {line["pid"]: line["at"] for line in kills}
    done = {(line["jid"], line["pid"]) for line in office.runs("done")}
    starts: dict[str, list[tuple[float, int]]] = {}
    for line in office.runs("start"):
        starts.setdefault(line["jid"], []).append((line["at"], line["pid"]))
    times = []
    for jid, begun in starts.items():
        for _, pid in begun:
            after = [at for at, other in begun if other != pid and at > killed.get(pid, float("inf"))]
            if after and (jid, pid) not in done:
                times.append(min(after) - killed[pid])
    return sorted(times)


def _spread(times: list[float]) -> dict[str, float]:
    if not times:
        return {}
    middle, late = times[len(times) // 2], times[int(len(times) * 0.99)]
    return {"recovery_p50": round(middle, 3), "recovery_p99": round(late, 3), "recovery_max": round(times[-1], 3)}


def main() -> int:
    """Run it from a terminal; 0 if nothing was lost."""
    import argparse

    from servers import Server

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--mutant", default="")
    options = parser.parse_args()
    server = Server()
    server.start()
    office = Office(server, **({} if options.seed is None else {"seed": options.seed}))
    try:
        found = kill_workers(office, kills=options.kills, mutant=options.mutant)
    finally:
        office.close()
        server.close()
    return 1 if found.lost or found.copies or found.overlap else 0


if __name__ == "__main__":
    sys.exit(main())
