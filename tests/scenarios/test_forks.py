"""A child that a process forks neither runs the jobs of its parent nor speaks for it, and shares no connection with it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from scenarios import preload
from scenarios.harness import ROOT, SHORT, Office, check, eventually
from scenarios.record import at_length, record

CHILDREN = at_length(4, 12)
CALLS = at_length(40, 3_000)
BAR = "the child never beats or acknowledges; no shared socket"


# --- in a job --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["forker", "aforker"])
def test_a_child_that_returns_from_its_job_runs_and_acknowledges_nothing(office, name):
    forks = at_length(3, 50)
    worker = office.start(concurrency=2).ready()
    office.push_many("work" if name == "forker" else "awork", [(2,)] * 30)
    jids = [office.push(name, "return") for _ in range(forks)]
    office.push_many("work" if name == "forker" else "awork", [(2,)] * 200)

    office.until_done(timeout=30 + forks)

    found = check(office, f"fork-{name}")
    record(
        "F39", f"{name}: {forks} jobs fork, the child returns", BAR, jobs=found.done, lost=found.lost, twice=found.dup
    )
    assert (found.lost, found.dup, found.overlap, found.copies) == (0, 0, 0, 0)
    assert {line["pid"] for line in office.runs("start") + office.runs("done")} == {worker.pid}
    assert len({line["child"] for jid in jids for line in office.runs("done", jid)}) == forks
    eventually(lambda: int(office.server.client.get("stat:processed")) == len(office.pushed))
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0


def orphaned(office: Office, *, with_pacemaker: bool) -> float:
    """Kill a worker that leaves a child behind, and return after how many seconds another ran its job."""
    worker = office.start(concurrency=2).ready()
    breeder = office.push("breeder", 40)
    office.until_done([breeder])
    child = office.runs("done", breeder)[0]["child"]
    long = office.push("sleeper", 60, 0)
    eventually(lambda: office.runs("start", long))
    other = office.start(concurrency=2).ready()
    begun = time.monotonic()
    for pacemaker in set(worker.children()) - {child} if with_pacemaker else ():
        os.kill(pacemaker, signal.SIGKILL)
    worker.kill9()
    office.until_done(timeout=40)
    seconds = time.monotonic() - begun
    assert Path(f"/proc/{child}").exists()
    os.kill(child, signal.SIGKILL)
    assert office.runs("done", long)[0]["pid"] == other.pid
    return seconds


@pytest.mark.parametrize("with_pacemaker", [True, False], ids=["machine", "process"])
def test_a_child_does_not_speak_for_a_parent_that_is_dead(office, with_pacemaker):
    seconds = orphaned(office, with_pacemaker=with_pacemaker)

    found = check(office, "fork-orphan", seconds=round(seconds, 2))
    usual = SHORT["LEASE"] + 2 * SHORT["SWEEP"] + 2 * SHORT["GRACE"] if with_pacemaker else 2
    record("F39", "the parent killed with -9, the child lives on", BAR, recovered_s=round(seconds, 2), usual_s=usual)
    assert (found.lost, found.dup, found.overlap) == (0, 0, 0)
    assert seconds < usual + 5


# --- around an App ---------------------------------------------------------------------------


def use(office: Office, manner: str, mutant: str = "") -> list[dict[str, Any]]:
    """Use an App in a parent and in its children; return what each process wrote down, the parent last."""
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
    env = os.environ | {"PYTHONPATH": paths, "MAINSPRING_URL": office.server.url, "ORACLE": str(office.oracle)}
    command = [sys.executable, str(Path(preload.__file__)), manner, str(CHILDREN), str(CALLS), mutant]
    # A file: long lines of several processes would be mixed in a pipe.
    found = office.directory / "used"
    found.unlink(missing_ok=True)
    with found.open("ab") as output:
        ended = subprocess.run(command, env=env, stdout=output, stderr=subprocess.PIPE, text=True, timeout=120)
    assert mutant or ended.returncode == 0, ended.stderr[-3000:]
    return [json.loads(line) for line in found.read_text().splitlines()]


def shared(groups: Iterable[Iterable[Any]]) -> int:
    """Count what is in more than one of some groups."""
    return sum(len(one & other) for one, other in combinations(map(set, groups), 2))


@pytest.mark.parametrize("manner", ["fork", "multiprocessing", "embedded"])
def test_children_of_a_process_that_uses_an_app_have_connections_of_their_own(office, manner):
    found = use(office, manner)

    connections = [line["blocking"] + line["awaiting"] for line in found]
    jids = Counter(jid for line in found for jid in line["jids"])
    stored = Counter(json.loads(raw)["jid"] for raw in office.server.client.lrange("queue:default", 0, -1))
    record(
        "F39",
        f"{manner}: an App used in a parent, then in {CHILDREN} children and the parent at the same time",
        BAR,
        calls=sum(jids.values()) * 3,
        shared_connections=shared(connections),
        shared_sockets=shared(line["own"] for line in found),
        wrong_answers=sum(line["wrong"] for line in found),
    )
    assert [line["role"] for line in found].count("child") == CHILDREN
    assert shared(connections) == 0
    assert shared(line["own"] for line in found) == 0
    assert sum(line["wrong"] for line in found) == 0
    assert stored == jids
    assert set(jids.values()) == {1}


def test_the_count_finds_children_that_use_the_connections_of_their_parent(office):
    # Chance decides whether two of them call at the same time.
    assert any(went_wrong(use(office, "fork", "mutants_calls.one_pool")) for _ in range(5))


def went_wrong(found: Sequence[dict[str, Any]]) -> bool:
    """Return whether any child met another's; those that read each other's answers may not even come to their end."""
    wrong = sum(line["wrong"] for line in found)
    return wrong + shared(line["blocking"] for line in found) > 0 or len(found) <= CHILDREN
