"""Kill and stop the worker of one long job, at random moments; as a program: ``python -m tests.scenarios.iteration --rows 100000``.

The job goes through a CSV file. For each row it appends a line to a file, with a single ``write``: what stands there was
done, whatever died afterwards. Those lines tell what was left out, done again, or done out of order.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import groupby, pairwise
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "src")]

from mainspring.store import keys  # noqa: E402 - as a program it finds its neighbours itself
from scenarios.harness import Office, Process, eventually  # noqa: E402 - likewise
from scenarios.record import record  # noqa: E402 - likewise

#: What a busy machine may add to the time between two saves, in seconds.
SLACK = 1.0


@dataclass(frozen=True)
class Row:
    """One line that the job wrote: which row, in which process, and when."""

    number: int
    pid: int
    at: float


@dataclass(frozen=True)
class Found:
    """What the lines say.

    Attributes:
        lost: Rows that were never done.
        gaps: Rows that were done before one that stands before them.
        runs: How often the job was begun.
        again: How many rows were done more than once.
        again_after_stop: How many of those were done again although the worker was stopped and not killed.
        oldest: Of the rows that were done again, how long before the kill the oldest had been done, in seconds.
    """

    lost: int
    gaps: int
    runs: int
    again: int
    again_after_stop: int
    oldest: float


def walk(
    office: Office, *, rows: int, every: float, ends: tuple[float, float], most: int = 1_000, mutant: str = ""
) -> Found:
    """Let the job go through *rows* rows, and end its worker again and again, at random moments.

    Args:
        office: Where the workers work.
        rows: How many rows the file has.
        every: Seconds between two saves of the cursor.
        ends: The shortest and the longest time from the beginning of a run to the end of its worker, in seconds.
        most: How often a worker is ended at most.
        mutant: A fault to put into the workers.
    """
    table, seen = office.directory / "rows.csv", office.directory / "seen"
    table.write_text("number,name\n" + "".join(map(line_of, range(rows))))
    seen.touch()
    jid = office.push("walk", str(table), str(seen))
    workers = [_start(office, every, mutant).ready(), _start(office, every, mutant).ready()]
    stopped, killed = set(), {}
    kills_in_a_row = 0
    runs = 0
    while runs < most and (pid := _next_run(office, jid, runs)) is not None:
        runs += 1
        if threading.Event().wait(office.rng.uniform(*ends)) or _is_done(office):
            break
        victim = next(worker for worker in workers if worker.pid == pid)
        # What three processes died of without coming farther is held for their cause, and rightly.
        if kills_in_a_row < 2 and office.rng.random() < 0.6:
            kills_in_a_row += 1
            victim.kill9(with_pacemaker=office.rng.random() < 0.2)
            killed[pid] = next(line["at"] for line in office.runs("killed") if line["pid"] == pid)
        else:
            kills_in_a_row = 0
            victim.signal(signal.SIGTSTP if office.rng.random() < 0.5 else signal.SIGTERM)
            eventually(partial(_holds_nothing, office, pid), 30)
            victim.signal(signal.SIGTERM)
            victim.wait(30)
            stopped.add(pid)
        workers[workers.index(victim)] = _start(office, every, mutant)
    eventually(lambda: _is_done(office), 60)
    found = judge(read(seen), rows, killed, stopped)
    if not mutant:
        _record(office, rows, every, found)
    return found


def line_of(number: int) -> str:
    """Return the record of a row; all are of one length, and two lines long."""
    return f'{number:06d},"row\n{number:06d}"\n'


def _start(office: Office, every: float, mutant: str) -> Process:
    return office.start(mutant, concurrency=1, cursor_every=every, timeout=5.0)


def _next_run(office: Office, jid: str, runs: int) -> int | None:
    """Return the process of the next run of the job; None if it is done."""

    def begun() -> list[int]:
        found = [line["pid"] for line in office.runs("start") if line["jid"] == jid]
        return found[runs : runs + 1] or ([0] if _is_done(office) else [])

    return eventually(begun, 60)[0] or None


def _is_done(office: Office) -> bool:
    return bool(office.runs("done"))


def _holds_nothing(office: Office, pid: int) -> bool:
    """Return whether the process *pid* has no job in flight any more."""
    client = office.server.client
    return not any(
        field.isdigit() for key in client.scan_iter(f"{{queue:*}}:p:*:{pid}:*") for field in client.hkeys(key)
    )


def read(path: Path) -> list[Row]:
    """Return the lines that the job wrote."""
    words = [line.split() for line in path.read_text("ascii").splitlines()]
    return [Row(int(number), int(pid), float(at)) for number, pid, at in words]


def judge(seen: list[Row], rows: int, killed: dict[int, float], stopped: set[int]) -> Found:
    """Return what the lines say; *killed* tells when, of each process that was killed."""
    runs = [list(group) for _, group in groupby(seen, key=lambda row: row.pid)]
    gaps = sum(after.number != row.number + 1 for run in runs for row, after in pairwise(run)) + runs[0][0].number
    again_after_stop, oldest = 0, 0.0
    for before, run in pairwise(runs):
        gaps += run[0].number > before[-1].number + 1
        # What this end cost. Rows that an earlier kill cost, and that the run before has not come to yet, are not its.
        repeated = [row.at for row in before if row.number >= run[0].number]
        if before[0].pid in stopped:
            again_after_stop += len(repeated)
        elif repeated and before[0].pid in killed:
            oldest = max(oldest, killed[before[0].pid] - min(repeated))
    done = {row.number for row in seen}
    return Found(rows - len(done), gaps, len(runs), len(seen) - len(done), again_after_stop, round(oldest, 2))


def _record(office: Office, rows: int, every: float, found: Found) -> None:
    client = office.server.client
    assert int(client.get(keys.STAT_PROCESSED)) == 1
    assert not client.get(keys.STAT_FAILED)
    assert not list(_lying(office))
    events = office.runs("killed")
    record(
        "iteration",
        f"one job over a CSV file of {rows} rows, its worker killed or stopped at random moments; saved every {every:g} s",
        "each row done, in order; after a kill at most one interval again, after a stop nothing",
        ends=len(events),
        runs=found.runs,
        lost=found.lost,
        out_of_order=found.gaps,
        again=found.again,
        again_after_a_stop=found.again_after_stop,
        oldest_again_s=found.oldest,
        seed=office.seed,
    )


def _lying(office: Office) -> Iterator[bytes]:
    client = office.server.client
    for key in (keys.RETRY, keys.DEAD, keys.SCHEDULE):
        yield from client.zrange(key, 0, -1)


def main() -> int:
    """Run it from a terminal; 0 if nothing was lost, and not too much was done again."""
    import argparse

    from servers import Server

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--mutant", default="")
    options = parser.parse_args()
    server = Server()
    server.start()
    office = Office(server, **({} if options.seed is None else {"seed": options.seed}))
    try:
        found = walk(office, rows=options.rows, every=5.0, ends=(1.0, 9.0), mutant=options.mutant)
    finally:
        office.close()
        server.close()
    return 1 if found.lost or found.gaps or found.again_after_stop or found.oldest > 5.0 + SLACK else 0


if __name__ == "__main__":
    sys.exit(main())
