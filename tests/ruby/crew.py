"""Real `sidekiq` processes and real workers of ours on one store, and Ruby programs beside them.

What happened is read from the oracle, the file to which the jobs of both languages
write, from the store through a plain client, and from Sidekiq's own API in Ruby.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from ruby import program
from scenarios.harness import ROOT, SHORT, Office, Process
from servers import Server
from support import until

T = TypeVar("T")

HERE = Path(__file__).parent
#: The longest wait for anything, in seconds.
PATIENCE = 100.0


@cache
def why_not() -> str:
    """Return why no Sidekiq can be run here; empty if it can."""
    if shutil.which("ruby") is None or shutil.which("sidekiq") is None:
        return "no Ruby with Sidekiq on this machine (Debian: apt-get install ruby-sidekiq)"
    asked = subprocess.run(["ruby", "-rsidekiq", "-e", ""], capture_output=True, text=True, timeout=60, check=False)
    return asked.stderr.partition("\n")[0] if asked.returncode else ""


def eventually(predicate: Callable[[], T], every: float = 0.01) -> T:
    """Wait as `until` does, for so long that a crowded machine gets there too."""
    return until(predicate, PATIENCE, every)


class Program(Process):
    """One process of either language."""

    def __init__(self, crew: Crew, command: Sequence[str], env: Mapping[str, str]) -> None:
        """Start *command*; `ready` waits until it runs jobs."""
        self._office = crew
        self.is_ours = str(HERE / "program.py") in command
        self.log = crew.directory / f"log-{len(crew.processes)}"
        with self.log.open("wb") as log:
            self.popen = subprocess.Popen(
                command, env=os.environ | env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self.pid = self.popen.pid

    def ready(self, timeout: float = PATIENCE) -> Program:
        """Return when it runs jobs."""
        super().ready(timeout)
        return self

    def became(self, state: str, timeout: float = PATIENCE) -> None:
        """Return when it has become *state*."""
        super().became(state, timeout)

    def wait(self, timeout: float = PATIENCE) -> int:
        """Return its exit code, and write down when it ended."""
        return super().wait(timeout)

    @property
    def identity(self) -> str:
        """The name under which it shows itself in the store."""
        found = self._office.server.client.smembers("processes")
        return next(each.decode() for each in found if each.split(b":")[-2] == str(self.pid).encode())


class Crew(Office):
    """An office in which both languages work."""

    def __init__(self, server: Server, console: Console) -> None:
        """Open it on *server*, and turn *console* there."""
        super().__init__(server)
        self.app.close()
        self.app = program.make(server.url)
        self.marks = self.directory / "marks"
        self.marks.mkdir()
        self.ruby = console
        console.connect(server.socket_path)

    def _env(self, **more: str) -> dict[str, str]:
        return {"ORACLE": str(self.oracle), "MARKS": str(self.marks), "SOCKET": str(self.server.socket_path)} | more

    def sidekiq(self, *options: str, labels: str = "") -> Program:
        """Start a `sidekiq` process with command-line *options*; queues are ``default`` unless they say so."""
        command = ["sidekiq", "-r", str(HERE / "process.rb"), "-c", "5", "-e", "production", *options]
        return self._start(command, self._env(LABELS=labels))

    def mainspring(self, **settings: Any) -> Program:
        """Start a worker of ours; *settings* are those of `program.main`."""
        settings = {"timeout": 5.0} | settings
        paths = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
        env = self._env(PYTHONPATH=paths, MAINSPRING_URL=self.server.url)
        env |= {f"MAINSPRING_{name}": str(value) for name, value in SHORT.items()}
        return self._start([sys.executable, str(HERE / "program.py"), json.dumps(settings)], env)

    def pusher(self, first: int, last: int, every: int) -> Program:
        """Start a Ruby client that pushes the numbers *first* to *last*, each *every*-th of which fails once."""
        return self._start(["ruby", str(HERE / "push.rb"), *map(str, (first, last, every))], self._env())

    def _start(self, command: Sequence[str], env: Mapping[str, str]) -> Program:
        process = Program(self, command, env)
        self.processes.append(process)
        return process

    def close(self) -> None:
        """End all processes: ours as an operator does, which is faster, for their pacemakers then end with them."""
        workers = [process for process in self.processes if process.is_ours and process.popen.poll() is None]
        for process in workers:
            process.popen.terminate()
        for process in workers:
            process.popen.wait(30)
        super().close()

    def release(self, name: str) -> None:
        """Set the mark for which jobs called Hold wait."""
        (self.marks / name).touch()

    def payloads(self, key: str) -> list[bytes]:
        """Return what lies in the queue or set *key*, as it is stored."""
        if key.startswith("queue:"):
            return list(self.server.client.lrange(key, 0, -1))
        return list(self.server.client.zrange(key, 0, -1))


class Console:
    """A Ruby process in which Sidekiq's API is asked; see `console.rb`."""

    def __init__(self) -> None:
        """Start none before it is connected."""
        self._socket: Path | None = None
        self._popen: subprocess.Popen[str] | None = None

    def connect(self, socket: Path) -> None:
        """Ask the server at *socket* from now on."""
        if socket == self._socket:
            return
        self.close()
        command = ["ruby", str(HERE / "console.rb")]
        env = os.environ | {"SOCKET": str(socket)}
        self._popen = subprocess.Popen(
            command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self._socket = socket

    def ask(self, method: str, *arguments: object) -> Any:
        """Call *method* of the console, and return its value.

        Raises:
            AssertionError: If it raised an error in Ruby.
        """
        assert self._popen is not None
        print(json.dumps([method, *arguments]), file=self._popen.stdin, flush=True)
        answer = json.loads(self._popen.stdout.readline() or '{"error": "the console has ended"}')
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def close(self) -> None:
        """End it."""
        if self._popen is not None:
            self._popen.communicate(timeout=10)
