"""What tests of the command share: a user's project, the command in this process, and as processes of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mainspring.base import codec
from mainspring.cli.main import run
from mainspring.cli.options import Session
from mainspring.store import keys

JOBS = """
    import sys
    from datetime import date
    from mainspring import App, current_job

    app = App(name="shop")

    @app.job
    def add(x: int, y: int) -> int:
        return x + y

    @app.job(queue="mailers", retry=3)
    async def send(to: str, *, due: date, copies: int = 1) -> str:
        return f"{to!r} {due!r} {copies}"

    @app.job
    def total(*numbers: int) -> int:
        return sum(numbers)

    @app.job
    def boom() -> None:
        raise ValueError("no \\x1b[31m way")

    @app.job
    def who() -> str:
        return current_job().name
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def project(tmp_path, monkeypatch, server) -> Path:
    """Give a project with jobs, as the working directory, whose environment names the test's server."""
    for name in [name for name in os.environ if name.startswith("MAINSPRING_") or name == "REDIS_URL"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MAINSPRING_URL", server.url)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/__init__.py").write_text("")
    (tmp_path / "shop/jobs.py").write_text(textwrap.dedent(JOBS))
    return tmp_path


@pytest.fixture
def write(project) -> Callable[[str, str], None]:
    """Write a file of the project."""

    def write(path: str, text: str) -> None:
        (project / path).parent.mkdir(exist_ok=True)
        (project / path).write_text(textwrap.dedent(text))

    return write


@pytest.fixture
def ms(project, monkeypatch, capsys) -> Iterator[Callable[..., Ended]]:
    """Run the command in this process; what it imports of the project is forgotten afterwards."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)

    def forget() -> None:
        for name in set(sys.modules) - before:
            if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(project)):
                del sys.modules[name]

    def ms(*arguments: str) -> Ended:
        capsys.readouterr()
        forget()
        try:
            code = run(arguments, Session())
        except SystemExit as end:
            code = int(end.code or 0)
        shown = capsys.readouterr()
        return Ended(code, shown.out, shown.err)

    yield ms
    forget()


@dataclass
class Running:
    """A command in a process of its own."""

    process: subprocess.Popen[str]
    folder: Path
    name: str = field(default="")

    @property
    def out(self) -> str:
        """What it has printed so far."""
        return (self.folder / f"{self.name}.out").read_text()

    @property
    def err(self) -> str:
        """What it has said on standard error so far."""
        return (self.folder / f"{self.name}.err").read_text()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def wait(self, timeout: float = 20) -> int:
        """Wait for its end and return the exit code."""
        return self.process.wait(timeout)


@pytest.fixture
def start(project, tmp_path_factory) -> Iterator[Callable[..., Running]]:
    """Start the command as a process of its own; whatever still runs is killed afterwards."""
    folder = tmp_path_factory.mktemp("out")
    started: list[Running] = []

    def start(*arguments: str, **environment: str) -> Running:
        name = str(len(started))
        source = str(Path(__file__).parents[2] / "src")
        with (folder / f"{name}.out").open("w") as out, (folder / f"{name}.err").open("w") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", "mainspring", *arguments],
                env=os.environ | {"PYTHONPATH": source, "PYTHONDONTWRITEBYTECODE": "1"} | environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        started.append(Running(process, folder, name))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
            running.process.wait()


@pytest.fixture
def make_jobs(server) -> Callable[..., None]:
    """Push jobs with the ids j0, j1, j2 ... as an enqueue does."""

    def make(count: int, queue: str = "default", **fields: object) -> None:
        jobs = [
            {"retry": True, "queue": queue, "class": "shop.jobs.add", "args": [n, 1], "jid": f"j{n}"} | fields
            for n in range(count)
        ]
        server.client.sadd(keys.QUEUES, queue)
        server.client.lpush(keys.queue(queue), *(codec.encode(job) for job in jobs))

    return make
