"""``mainspring dev``: store, worker, clock and dashboard in one terminal, started anew when the code changes.

The user's code is imported by the children only, so that a change which breaks it
breaks them, and not this process, which waits for the next change.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import click

from mainspring import config
from mainspring.base.logs import is_terminal
from mainspring.cli import web
from mainspring.cli.boot import NoApp
from mainspring.cli.options import app_option, debug_option, examples
from mainspring.store import embedded
from mainspring.worker.signals import Signals

_SCHEME: Final = "embedded://"
_COLOURS: Final = {"worker": "36", "clock": "35", "web": "34", "dev": "33"}
#: Seconds that a child gets beyond its jobs' own time, before it is killed.
_PATIENCE: Final = 35.0


@dataclass(slots=True)
class Child:
    """One service, as a process of its own.

    Attributes:
        name: ``worker``, ``clock`` or ``web``.
        command: What runs it.
        say: Prints one line of it.
        ended: Called with its exit code when it has ended and nobody had asked it to.
    """

    name: str
    command: Sequence[str]
    say: Callable[[str, str], None]
    ended: Callable[[str, int], None]
    _process: subprocess.Popen[str] | None = None
    _readers: list[threading.Thread] = field(default_factory=list)
    _asked: bool = False

    def start(self, environment: Mapping[str, str]) -> None:
        """Start it, in a session of its own: a Ctrl-C is this process's to hand on."""
        self._asked = False
        self._process = subprocess.Popen(  # noqa: S603  # our own command, without a shell
            self.command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        watcher = threading.Thread(target=self._watch, args=(self._process,), daemon=True)
        pipes = (self._process.stdout, self._process.stderr)
        self._readers = [threading.Thread(target=self._read, args=(pipe,), daemon=True) for pipe in pipes]
        for thread in (*self._readers, watcher):
            thread.start()

    @property
    def is_running(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal by which it shall end, if it runs."""
        self._asked = True
        if self._process is not None and self.is_running:
            self._process.send_signal(number)

    def wait(self) -> None:
        """Wait until it has ended and all it said is printed; kill it if that takes too long."""
        if self._process is None:
            return
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.say("dev", f"{self.name} does not end, and is killed; its jobs run again")
            self._process.kill()
            self._process.wait()
        for reader in self._readers:
            reader.join(1)

    def _read(self, pipe: IO[str]) -> None:
        with pipe:
            for line in pipe:
                self.say(self.name, line.rstrip("\n"))

    def _watch(self, process: subprocess.Popen[str]) -> None:
        code = process.wait()
        if not self._asked:
            self.ended(self.name, code)


class Reloader:
    """Rings when a Python file below a folder has changed, if the package watchfiles is there."""

    def __init__(self, folder: Path, rings: Callable[[str], None]) -> None:
        """Prepare to watch *folder*."""
        self._folder = folder
        self._rings = rings
        self._over = threading.Event()
        self.is_able = importlib.util.find_spec("watchfiles") is not None

    def start(self) -> None:
        """Begin to watch, in a thread."""
        if self.is_able:
            threading.Thread(target=self._watch, name="mainspring-reloader", daemon=True).start()

    def stop(self) -> None:
        """End."""
        self._over.set()

    def _watch(self) -> None:
        import watchfiles

        changes = watchfiles.watch(
            self._folder,
            watch_filter=watchfiles.PythonFilter(),
            stop_event=self._over,
            raise_interrupt=False,
        )
        for change in changes:
            names = sorted({os.path.relpath(path, self._folder) for _, path in change})
            self._rings(", ".join(names[:3]) + (" .." if len(names) > 3 else ""))


class Dev:
    """The loop of ``mainspring dev``: start, wait for what happens, start anew or end."""

    def __init__(self, children: Mapping[str, Sequence[str]], folder: Path, *, reload: bool) -> None:
        """Prepare; nothing is started yet.

        Args:
            children: The command of each service, by its name.
            folder: What is watched for changes.
            reload: Whether it is.
        """
        self._printing = threading.Lock()
        # Signals and changes come one after the other, through the one queue that a signal handler may use.
        self._signals = Signals()
        self._changed: list[str] = []
        self._children = [Child(name, command, self.say, self._ended) for name, command in children.items()]
        self._reloader = Reloader(folder, self._change) if reload else None
        self._code = 0
        self._width = max(map(len, children))

    def say(self, name: str, line: str) -> None:
        """Print one line of a service."""
        head = f"{name:<{self._width}}"
        if is_terminal(sys.stdout) and not os.environ.get("NO_COLOR"):
            head = f"\x1b[{_COLOURS.get(name, '0')}m{head}\x1b[0m"
        with self._printing:
            click.echo(f"{head} | {line}")

    def run(self, environment: Mapping[str, str]) -> int:
        """Run until TERM or Ctrl-C; return the exit code."""
        self._signals.listen()
        if self._reloader is not None and not self._reloader.is_able:
            self.say("dev", 'no reload on change: pip install "mainspring[reload]"')
        for child in self._children:
            child.start(environment)
        if self._reloader is not None:
            self._reloader.start()
        while (what := self._signals.next()) not in {"TERM", "INT"}:
            if what == "CHANGE":
                self._restart(environment)
        self._end()
        return self._code

    def _restart(self, environment: Mapping[str, str]) -> None:
        names, self._changed = ", ".join(dict.fromkeys(self._changed)), []
        if not names:
            return
        self.say("dev", f"{names} changed; what runs may finish, then the new code runs")
        for child in self._children:
            child.tell(signal.SIGTERM)
        for child in self._children:
            child.wait()
            child.start(environment)

    def _end(self) -> None:
        if self._reloader is not None:
            self._reloader.stop()
        for child in self._children:
            child.tell(signal.SIGINT)
        while any(child.is_running for child in self._children):
            if self._signals.next(0.05) == "INT":
                self._code = 130
                for child in self._children:
                    child.tell(signal.SIGINT)
        for child in self._children:
            child.wait()

    def _change(self, names: str) -> None:
        self._changed.append(names)
        self._signals.send("CHANGE")

    def _ended(self, name: str, code: int) -> None:
        """Say that a service ended by itself; without a reload there is nothing to wait for."""
        if self._reloader is not None and self._reloader.is_able:
            self.say("dev", f"{name} ended with {code}; waiting for a change")
            return
        self.say("dev", f"{name} ended with {code}")
        self._code = self._code or code or 1
        self._signals.send("TERM")


@click.command(
    epilog=examples("mainspring dev -A shop.clock", "mainspring dev -A shop.jobs -c 2", "mainspring dev --no-reload")
)
@app_option
@click.option(
    *("-c", "--concurrency"),
    type=click.IntRange(1, 1000),
    default=None,
    envvar="MAINSPRING_CONCURRENCY",
    show_envvar=True,
    help="How many jobs run at once.  [default: 10]",
)
@click.option(
    "-q", "--queue", "queues", multiple=True, metavar="NAME[,WEIGHT]", help="A queue of the worker.  [default: default]"
)
@click.option(
    "--web/--no-web",
    "with_web",
    default=True,
    show_default=True,
    help="Serve the dashboard too, at port 8080 or another that is free.",
)
@click.option("--reload/--no-reload", default=True, show_default=True, help="Start anew when a Python file changes.")
@debug_option
def dev(*, app_name: str | None, concurrency: int | None, queues: Sequence[str], with_web: bool, reload: bool) -> int:
    """Run store, worker, clock and dashboard together, for development, until Ctrl-C.

    The store is the embedded one, unless MAINSPRING_URL or REDIS_URL names another.
    """
    name = app_name or config.app_name(Path.cwd())
    if not name:
        raise NoApp("which App? Write -A module, such as -A shop.jobs; or set MAINSPRING_APP")
    itself = (sys.executable, "-m", "mainspring")
    common = ("-A", name, "--log-format", "human")
    # Only what was said: for the rest the worker looks into pyproject.toml.
    chosen = [word for queue in queues for word in ("-q", queue)]
    chosen += [] if concurrency is None else ["-c", str(concurrency)]
    children = {
        "worker": (*itself, "worker", *common, *chosen),
        "clock": (*itself, "clock", *common),
    }
    if with_web and web.is_able():
        children["web"] = (*itself, "web", *common, "--port", str(web.free_port()))
    elif with_web:
        click.echo('no dashboard: pip install "mainspring[web]"', err=True)
    url = config.store_url()
    # Its share keeps the server up while the children are started anew.
    share = embedded.ensure(Path(url.removeprefix(_SCHEME))) if url.startswith(_SCHEME) else None
    try:
        return Dev(children, Path.cwd(), reload=reload).run(_environment())
    finally:
        if share is not None:
            share.release()


def _environment() -> dict[str, str]:
    """Return the children's environment: lines at once, and in colour if a person reads them."""
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    if is_terminal(sys.stdout) and "NO_COLOR" not in environment:
        environment["FORCE_COLOR"] = "1"
    return environment
