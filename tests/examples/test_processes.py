"""The processes' promise: what they print is seen and kept, and an end that nobody asked for is noticed."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from examples.admissions.processes import Process
from examples.admissions.screen import Screen

from support import until


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], tuple[Process, io.StringIO]]]:
    """Start a process with this code; end it after the test."""
    started: list[Process] = []
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def start(code: str) -> tuple[Process, io.StringIO]:
        (tmp_path / "program.py").write_text(code)
        stream = io.StringIO()
        process = Process("web", ["program"], ready="ready", environment={}, logs=tmp_path, screen=Screen(stream))
        started.append(process)
        return process, stream

    yield start
    for process in started:
        process.kill()
        process.stop(0)


def test_what_it_prints_is_seen_and_kept(run: Callable[[str], tuple[Process, io.StringIO]], tmp_path: Path) -> None:
    process, stream = run("import time; print('open', flush=True); time.sleep(60)")

    until(lambda: "web      | open\n" in stream.getvalue())

    process.kill()
    process.stop(0)
    assert (tmp_path / "web.log").read_text() == "open\n"


def test_a_kill_and_an_orderly_end_are_no_disorder(run: Callable[[str], tuple[Process, io.StringIO]]) -> None:
    killed, _ = run("import time; time.sleep(60)")
    killed.kill()
    told, _ = run(
        "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
        "print('ready', flush=True)\ntime.sleep(60)"
    )
    until(lambda: told.is_ready)
    told.stop(30)

    assert killed.disorder is None
    assert told.disorder is None


def test_an_end_that_nobody_asked_for_is_a_disorder(run: Callable[[str], tuple[Process, io.StringIO]]) -> None:
    process, _ = run("pass")

    assert until(lambda: process.disorder) == "web ended unasked with exit code 0"


def test_an_end_in_error_is_a_disorder(run: Callable[[str], tuple[Process, io.StringIO]]) -> None:
    process, _ = run("import time; time.sleep(60)")

    process.stop(30)

    assert process.disorder == "web ended with exit code -15"
