"""Measure recovery after kill -9; as a program: ``python -m tests.scenarios.recovery --deaths 20``.

That is, for how long the job of a lone worker waits until another begins it. Each death happens on a server of its
own with one other worker, so that no sweep is hastened by another's death, and at any moment between two beats.
"""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "src")]

from scenarios.harness import Office, check, eventually  # noqa: E402 - as a program it finds its neighbours itself
from scenarios.kills import recovery_times  # noqa: E402
from servers import Server  # noqa: E402

#: Those of production.
DEFAULTS: Mapping[str, float] = {"LEASE": 30, "BEAT": 5, "SWEEP": 10, "GRACE": 15, "RECONCILE": 60}


@contextmanager
def office_of_its_own(timing: Mapping[str, float]) -> Iterator[Office]:
    """Give an office on a server of its own."""
    server = Server()
    server.start()
    office = Office(server, timing=timing)
    try:
        yield office
    finally:
        office.close()
        server.close()
        shutil.rmtree(office.directory, ignore_errors=True)


def prepare(office: Office, mutant: str = "") -> None:
    """Let one worker run a long job, and start another beside it."""
    office.start(mutant, concurrency=1).ready()
    jid = office.push("sleeper", 3600)
    eventually(lambda: office.runs("start", jid))
    office.start(mutant, concurrency=1).ready()


def die(office: Office, *, machine: bool, patience: float) -> float:
    """Kill the first worker, with its pacemaker if it is the *machine* that dies.

    Returns:
        The seconds until the other worker began its job; no other end is possible within *patience* seconds.
    """
    office.processes[0].kill9(with_pacemaker=machine)
    office.until_done(timeout=patience)
    (seconds,) = recovery_times(office)
    return seconds


def deaths(count: int, timing: Mapping[str, float], *, machine: bool, mutant: str = "") -> list[float]:
    """Let *count* lone workers die side by side, and return the recovery times in order."""
    patience = promised(timing) + (3 if mutant else 30)

    def measure(office: Office) -> float:
        # Some moment between two beats, and two sweeps.
        threading.Event().wait(office.rng.uniform(0, 2 * timing["SWEEP"]))
        return die(office, machine=machine, patience=patience)

    with ExitStack() as stack:
        offices = [stack.enter_context(office_of_its_own(timing)) for _ in range(count)]
        for office in offices:
            prepare(office, mutant)
        with ThreadPoolExecutor(count) as threads:
            times = sorted(threads.map(measure, offices))
        for office in offices:
            found = check(office, "lone-death", machine=machine)
            assert (found.lost, found.dup, found.copies) == (0, 0, 0)
    return times


def promised(timing: Mapping[str, float]) -> float:
    """Return the longest recovery that there can be: death just after a beat, and each look at its latest."""
    return round(timing["LEASE"] + 2 * timing["SWEEP"] + timing["GRACE"], 1)


def percentile(times: list[float], share: float) -> float:
    """Return the value of the sorted *times* below which that *share* of them lies."""
    return times[min(len(times) - 1, int(len(times) * share))]


def main() -> int:
    """Run it from a terminal, with the timing of production."""
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deaths", type=int, default=20)
    options = parser.parse_args()
    for name, machine in (("worker alone", False), ("with its pacemaker", True)):
        times = deaths(options.deaths, DEFAULTS, machine=machine)
        spread = ", ".join(f"p{share} {percentile(times, share / 100):.3f} s" for share in (50, 90, 99))
        print(f"{name} killed {len(times)} times: {spread}, max {times[-1]:.3f} s")  # noqa: T201 - a program
    return 0


if __name__ == "__main__":
    sys.exit(main())
