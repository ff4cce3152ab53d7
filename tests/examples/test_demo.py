"""The demo's promise: an office at work, a worker killed with -9, and at the end nothing lost and no rule broken.

Whole processes, as `make demo` runs them.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mainspring.store import embedded
from support import until

ROOT = Path(__file__).parents[2]
PREFIX = re.compile(r"^(demo|web|board|clock|worker-\d) +\| ")


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Callable[[float], subprocess.Popen[str]]]:
    """Start demos that run for a number of seconds; end them after the test."""
    started: list[subprocess.Popen[str]] = []

    def start(seconds: float) -> subprocess.Popen[str]:
        paths = [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
        process = subprocess.Popen(
            [sys.executable, "-m", "examples.admissions"],
            cwd=ROOT,
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith("MAINSPRING_")},
                "DEMO_SECONDS": str(seconds),
                "DEMO_VAR": str(tmp_path),
                "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()  # twice: close, and give up closing
            process.terminate()
        process.communicate(timeout=60)


def logs(home: Path) -> dict[str, str]:
    """Return what each process of the one run below *home* has printed."""
    return {path.stem: path.read_text() for path in home.glob("admissions-*/logs/*.log")}


def is_deserted(home: Path) -> bool:
    """Say whether the store of the one run below *home* is down, as it is when its last user has gone."""
    (store,) = home.glob("admissions-*/store")
    return embedded.status(store) is None


def test_an_office_whose_worker_is_killed_loses_nothing_and_does_nothing_twice(
    demo: Callable[[float], subprocess.Popen[str]], tmp_path: Path
) -> None:
    running = demo(8)

    output, _ = running.communicate(timeout=120)

    assert running.returncode == 0, output
    assert "every rule holds" in output
    assert "BROKEN" not in output
    recovered = re.search(r"with -9: (\d+) jobs? in its hands", output)
    assert recovered is not None, output
    assert int(recovered[1]) >= 1
    table = [line.split() for line in output.splitlines() if re.match(r"(job|all) +[a-z0-9]+ ", line)]
    total = dict(zip(table[0][1:], map(int, table[1][1:]), strict=True))
    assert total["enqueued"] == total["done"] + total["discarded"] + total["dead"]
    assert total["retries"] >= 1
    until(lambda: is_deserted(tmp_path), timeout=20)
    speakers = {match[1] for line in output.splitlines() if (match := PREFIX.match(line))}
    assert speakers == {"demo", "web", "board", "clock", "worker-1", "worker-2", "worker-3"}


def test_ctrl_c_closes_the_office_in_order(demo: Callable[[float], subprocess.Popen[str]], tmp_path: Path) -> None:
    running = demo(600)
    until(lambda: "received application" in logs(tmp_path).get("web", ""), timeout=60)

    running.send_signal(signal.SIGINT)
    output, _ = running.communicate(timeout=120)

    assert running.returncode == 0, output
    assert "every rule holds" in output


def test_ctrl_c_twice_leaves_nobody_behind(demo: Callable[[float], subprocess.Popen[str]], tmp_path: Path) -> None:
    running = demo(600)
    until(lambda: "received application" in logs(tmp_path).get("web", ""), timeout=60)

    running.send_signal(signal.SIGINT)
    until(lambda: "closing" in _so_far(running), timeout=60)
    running.send_signal(signal.SIGINT)
    output, _ = running.communicate(timeout=60)

    assert running.returncode == 130, output
    until(lambda: is_deserted(tmp_path), timeout=20)


def _so_far(running: subprocess.Popen[str]) -> str:
    assert running.stdout is not None
    return running.stdout.readline()
