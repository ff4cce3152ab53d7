"""Real worker processes to signal, freeze and kill, and the checker that says what became of each job.

What happened is read from the oracle, a file that jobs write to (see `program`), and
from the store through a plain client. Nothing here asks mainspring.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import tempfile
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from mainspring import App
from scenarios import program
from scenarios.nursery import ROOT, Born, nursery
from servers import Server
from support import until

SHORT = {"LEASE": 3, "BEAT": 0.5, "SWEEP": 0.5, "GRACE": 1, "RECONCILE": 60}


class Process:
    """One worker process."""

    def __init__(self, office: Office, settings: Mapping[str, Any], env: Mapping[str, str]) -> None:
        """Start it; `ready` waits until it runs jobs."""
        self._office = office
        self.log = office.directory / f"log-{len(office.processes)}"
        self.log.touch()
        self.popen: Born | subprocess.Popen[bytes] = nursery().start("scenarios.program", settings, env, self.log)
        self.pid = self.popen.pid

    def ready(self, timeout: float = 20) -> Process:
        """Return when it runs jobs."""
        self.became("ready", timeout)
        return self

    def became(self, state: str, timeout: float = 20) -> None:
        """Return when it has become *state*."""
        until(lambda: self._is(state) or self.popen.poll() is not None, timeout)
        assert self._is(state), f"it ended with {self.popen.returncode}:\n{self.log.read_text()[-3000:]}"

    def _is(self, state: str) -> bool:
        return any(line["event"] == state and line["pid"] == self.pid for line in self._office.lines())

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.popen.send_signal(number)

    def kill9(self, *, with_pacemaker: bool = False) -> None:
        """Kill it, and write down when; *with_pacemaker* its helper first, as the loss of a whole machine does."""
        if with_pacemaker:
            for child in self.children():
                os.kill(child, signal.SIGKILL)
        # Written before: its pacemaker gives its jobs back faster than this process learns of the death.
        self._office.write(event="killed", pid=self.pid, machine=with_pacemaker)
        self.popen.kill()
        self.popen.wait(10)

    def children(self) -> list[int]:
        """Return the ids of its child processes."""
        tasks = Path(f"/proc/{self.pid}/task").glob("*/children")
        return [int(child) for task in tasks for child in task.read_text().split()]

    def wait(self, timeout: float = 30) -> int:
        """Return its exit code, and write down when it ended."""
        code = self.popen.wait(timeout)
        self._office.write(event="killed", pid=self.pid)
        return code

    def events(self, name: str = "") -> list[dict[str, Any]]:
        """Return its log lines, those of the event *name* if one is given."""
        lines = self.log.read_text("utf-8", "replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and (not name or f'"{name}"' in line)]

    def close(self) -> None:
        """End it, whatever state it is in."""
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait(10)


@dataclass
class Office:
    """A store, an oracle, the processes that work there, and what was pushed.

    Attributes:
        seed: Where chance starts; printed with the result, so that a run can be made again.
    """

    server: Server
    seed: int = field(default_factory=lambda: random.SystemRandom().randrange(10**6))
    timing: Mapping[str, float] = field(default_factory=dict)
    url: str = ""
    directory: Path = field(init=False)
    processes: list[Process] = field(init=False, default_factory=list)
    pushed: dict[str, str] = field(init=False, default_factory=dict)
    app: App = field(init=False)
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="ms-office-"))
        self.rng = random.Random(self.seed)
        self.app = program.make(self.server.url)
        self.oracle = self.directory / "oracle"
        self.oracle.touch()
        self._read: list[dict[str, Any]] = []
        self._offset = 0

    # --- processes -------------------------------------------------------------------

    def start(self, mutant: str = "", **settings: Any) -> Process:
        """Start a worker process; *settings* are those of `program.main`."""
        timing = {f"MAINSPRING_{name}": str(value) for name, value in (SHORT | dict(self.timing)).items()}
        paths = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
        own = {"PYTHONPATH": paths, "ORACLE": str(self.oracle), "MAINSPRING_URL": self.url or self.server.url}
        env = os.environ | timing | own
        process = Process(self, settings | {"mutant": mutant}, env)
        self.processes.append(process)
        return process

    def close(self) -> None:
        """End all processes, and wait until their pacemakers have gone."""
        pacemakers = [child for process in self.processes for child in process.children()]
        for process in self.processes:
            process.close()
        until(lambda: not any(Path(f"/proc/{child}").exists() for child in pacemakers), timeout=15)
        self.app.close()

    # --- jobs ------------------------------------------------------------------------

    def push(self, name: str, *args: Any, queue: str = "default") -> str:
        """Enqueue one job, and return its id."""
        jid = self.app.jobs[name].using(queue=queue).enqueue(*args).jid
        self.pushed[jid] = name
        return jid

    def push_many(self, name: str, calls: Iterable[tuple[Any, ...]], queue: str = "default") -> list[str]:
        """Enqueue many jobs, and return their ids."""
        jids = [each.jid for each in self.app.jobs[name].using(queue=queue).enqueue_many(list(calls))]
        self.pushed |= dict.fromkeys(jids, name)
        return jids

    # --- what happened ---------------------------------------------------------------

    def write(self, **facts: object) -> None:
        """Write a line of our own into the oracle."""
        program.append(str(self.oracle), {"at": program.boot_time(), **facts})

    def lines(self) -> list[dict[str, Any]]:
        """Return what stands in the oracle."""
        with self.oracle.open("rb") as file:
            file.seek(self._offset)
            fresh = file.read()
        whole = fresh.rpartition(b"\n")[0]
        if whole:
            self._offset += len(whole) + 1
            self._read += [json.loads(line) for line in whole.split(b"\n")]
        return self._read

    def runs(self, event: str, jid: str = "") -> list[dict[str, Any]]:
        """Return the lines of one event of jobs, of one job if *jid* is given."""
        return [line for line in self.lines() if line["event"] == event and jid in ("", line.get("jid"))]

    def done(self) -> set[str]:
        """Return the ids of the jobs that were done."""
        return {line["jid"] for line in self.runs("done")}

    def until_done(self, jids: Iterable[str] | None = None, timeout: float = 30) -> None:
        """Return when all jobs, or *jids*, are done and nothing is in flight any more."""
        wanted = set(self.pushed if jids is None else jids)
        until(lambda: wanted <= self.done(), timeout, every=0.05)
        until(lambda: not self.in_flight(), timeout, every=0.02)

    def until_done_but(self, others: set[str], timeout: float = 30) -> None:
        """Return when all jobs are done but *others*."""
        until(lambda: set(self.pushed) - others <= self.done(), timeout, every=0.02)

    def in_flight(self) -> dict[str, str]:
        """Return the jobs in flight: jid -> the key that holds it."""
        found = {}
        for key in self.server.client.scan_iter("{queue:*}:p:*", count=1000):
            for seq, raw in self.server.client.hgetall(key).items():
                if seq.isdigit():
                    found[_jid(raw)] = key.decode()
        return found

    def stored(self, *sets: str) -> Counter[str]:
        """Return how often each job lies in the sets named, or in queues and all sets."""
        client = self.server.client
        found: Counter[str] = Counter()
        for key in sets or ("schedule", "retry", "dead"):
            found.update(_jid(raw) for raw in client.zrange(key, 0, -1))
        if not sets:
            for key in client.scan_iter("queue:*", count=1000):
                found.update(_jid(raw) for raw in client.lrange(key, 0, -1))
        return found

    def dead(self) -> dict[str, dict[str, Any]]:
        """Return the dead jobs."""
        return {_jid(raw): json.loads(raw) for raw in self.server.client.zrange("dead", 0, -1)}


def _jid(raw: bytes) -> str:
    try:
        return str(json.loads(raw)["jid"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return repr(raw)


class Supervisor:
    """Starts a worker anew whenever one has died, until told to stop."""

    def __init__(self, office: Office, count: int = 1, **settings: Any) -> None:
        """Start *count* workers; *settings* are those of `Office.start`."""
        self._office = office
        self._settings = settings
        self._workers = [office.start(**settings) for _ in range(count)]
        self._told = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.restarts = 0

    def __enter__(self) -> Self:
        """Watch, in a thread of its own."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Watch no more; the workers go on."""
        self._told.set()
        self._thread.join()

    def kill(self) -> None:
        """Kill the first worker with -9; another takes its place."""
        self._workers[0].popen.kill()

    def _run(self) -> None:
        while not self._told.wait(0.02):
            for index, worker in enumerate(self._workers):
                if worker.popen.poll() is not None:
                    self._office.write(event="killed", pid=worker.pid)
                    self._workers[index] = self._office.start(**self._settings)
                    self.restarts += 1


# --- the checker ---------------------------------------------------------------------


@dataclass(frozen=True)
class Verdict:
    """What became of the jobs of one scenario, in numbers.

    Attributes:
        lost: Pushed, not done, and in no set or queue or in the flight of a process that is known.
        dup: Done more than once, counted by the surplus.
        overlap: Runs that began while another run of the same job was under way.
        rerun: Started more than once, counted by the surplus; what a kill interrupted belongs here.
        copies: Stored in two places at once, or stored though it was done.
    """

    pushed: int
    done: int
    lost: int
    dup: int
    overlap: int
    rerun: int
    copies: int
    dead: int


def check(office: Office, scenario: str, **more: object) -> Verdict:
    """Judge what happened, and print it as one line of JSON with the seed."""
    starts, dones = (Counter(line["jid"] for line in office.runs(event)) for event in ("start", "done"))
    stored = office.stored()
    held = {jid for jid, key in office.in_flight().items() if _has_owner(office, key)}
    verdict = Verdict(
        pushed=len(office.pushed),
        done=len(dones),
        lost=len(set(office.pushed) - set(dones) - set(stored) - held),
        dup=sum(count - 1 for count in dones.values()),
        overlap=_overlaps(office.lines()),
        rerun=sum(count - 1 for count in starts.values()),
        copies=sum(count - 1 for count in stored.values()) + len(set(stored) & set(dones)),
        dead=len(office.dead()),
    )
    print(json.dumps({"scenario": scenario, "seed": office.seed} | verdict.__dict__ | more))  # noqa: T201
    return verdict


def _has_owner(office: Office, key: str) -> bool:
    queue, _, holder = key.partition(":p:")
    return bool(office.server.client.sismember(f"{queue}:owners", holder))


def _overlaps(lines: Iterable[Mapping[str, Any]], tolerance: float = 0.1) -> int:
    """Count runs that began while another of the same job had neither ended nor died with its process.

    A process gives back what it cannot end and then ends itself: that moment is the *tolerance*.
    """
    ends: dict[tuple[str, int], list[float]] = defaultdict(list)
    deaths: dict[int, float] = {}
    begun: list[tuple[float, str, int]] = []
    for line in lines:
        if line["event"] == "start":
            begun.append((line["at"], line["jid"], line["pid"]))
        elif line["event"] in ("done", "cut"):
            ends[line["jid"], line["pid"]].append(line["at"])
        elif line["event"] == "killed":
            deaths[line["pid"]] = line["at"]
    running: dict[str, float] = {}
    count = 0
    for at, jid, pid in sorted(begun):
        count += at < running.get(jid, 0.0) - tolerance
        own = [end for end in ends[jid, pid] if end >= at]
        end = min([*own, deaths.get(pid, float("inf"))])
        running[jid] = max(running.get(jid, 0.0), end)
    return count


def eventually(predicate: Callable[[], Any], timeout: float = 20) -> Any:
    """Wait as `until` does, a little slower: many processes share two cores here."""
    return until(predicate, timeout, every=0.03)
