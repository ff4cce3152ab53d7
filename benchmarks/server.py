"""A Redis server for one benchmark: private, on a free port, with nothing kept on disk."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

import redis


class Missing(Exception):
    """A program that a benchmark needs is not on this machine; the text says how to get it."""


class Server:
    """One `redis-server` process and a plain client to look into it; a context manager.

    Attributes:
        url: What subjects connect to.
        client: The plain client.
    """

    def __init__(self) -> None:
        binary = shutil.which("redis-server")
        if binary is None:
            raise Missing("there is no redis-server here; on Debian: apt-get install redis-server")
        self._directory = Path(tempfile.mkdtemp(prefix="bench-"))
        port = _free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        self.client = redis.Redis(port=port)
        options = {"port": port, "bind": "127.0.0.1", "dir": self._directory, "save": "", "appendonly": "no"}
        words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
        self._process = subprocess.Popen([binary, *words], stdout=subprocess.DEVNULL)

    def __enter__(self) -> Self:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with suppress(redis.ConnectionError):
                self.client.ping()
                return self
            time.sleep(0.01)
        self.__exit__()
        raise Missing("redis-server did not start within 10 s")

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def version(self) -> str:
        """The server's version."""
        return str(self.client.info("server")["redis_version"])

    def cpu(self) -> float:
        """Return the seconds of CPU that the server has used."""
        info = self.client.info("cpu")
        return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])

    def calls(self) -> dict[str, int]:
        """Return how often each command was called, those within scripts included."""
        stats = self.client.info("commandstats")
        return {name.removeprefix("cmdstat_"): int(stat["calls"]) for name, stat in stats.items()}

    def left(self) -> int:
        """Count the jobs that are anywhere: waiting, in flight, or in a set."""
        sets = sum(int(self.client.zcard(name)) for name in ("schedule", "retry", "dead"))
        queues = sum(int(self.client.llen(name)) for name in self.client.scan_iter("queue:*"))
        inflight = 0
        for name in self.client.scan_iter("{queue:*}:p:*"):
            inflight += sum(field.isdigit() for field in self.client.hkeys(name))
        return sets + queues + inflight


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
