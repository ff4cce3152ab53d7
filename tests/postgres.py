"""A PostgreSQL server for tests: Debian's, in a folder and on a socket of its own, never one of the system's.

PostgreSQL refuses to be run by root, so root starts it as another user.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from servers import NoSuchServer, bound_to_parent
from support import until

#: Who may run it if root starts it: Debian's own user for that, or nobody in particular.
USERS = ("postgres", "nobody")


def programs() -> Path:
    """Return the folder of the newest server's programs.

    Raises:
        NoSuchServer: If this machine has none.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        raise NoSuchServer("no PostgreSQL on this machine (Debian: apt-get install postgresql)")
    return found[-1].parent if found else Path(str(on_path)).parent


def _owner() -> str:
    """Return whom the server runs as if root starts it."""
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in USERS if name in known)


@dataclass
class Postgres:
    """One server process and its folder."""

    directory: Path = field(init=False)
    process: subprocess.Popen[bytes] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._programs = programs()
        # Straight under the temporary folder: its owner must reach it, and a socket's path may have 107 bytes.
        self.directory = Path(tempfile.mkdtemp(prefix="ms-pg-"))
        self._as = {"user": _owner(), "group": pwd.getpwnam(_owner()).pw_gid} if os.geteuid() == 0 else {}
        if self._as:
            shutil.chown(self.directory, *self._as.values())

    def url(self, schema: str = "public") -> str:
        """Return what a user would give to SQLAlchemy."""
        return f"postgresql+psycopg://tests@/postgres?host={self.directory}&options=-csearch_path%3D{schema}"

    def start(self) -> None:
        """Make the data if there are none, start the server and return when it answers."""
        data = self.directory / "data"
        if not data.exists():
            self._run("initdb", "--no-sync", "--username=tests", "--auth=trust", "--encoding=UTF8", "--no-locale", data)
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.directory),
            "fsync": "off",
            "max_connections": "60",
            "shared_buffers": "16MB",
        }
        # As asked for here, whatever the environment says.
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*bound_to_parent(), self._programs / "postgres", "-D", data, *words],
                **self._how(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until(self._answers, timeout=30, every=0.02)

    def create(self, name: str) -> str:
        """Make an empty place named *name*, and return its URL: a schema, which takes no time, unlike a database."""
        with psycopg.connect(f"host={self.directory} user=tests dbname=postgres", autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        return self.url(name)

    def close(self) -> None:
        """End the server at once, and delete its folder."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(20)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.directory / "log").read_text()
        asked = [self._programs / "pg_isready", "--quiet", "--host", self.directory]
        return subprocess.run(asked, cwd="/").returncode == 0

    def _run(self, program: str, *words: object) -> None:
        command = [str(self._programs / program), *map(str, words)]
        done = subprocess.run(command, **self._how(), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def _how(self) -> dict[str, object]:
        env = {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}
        return {**self._as, "extra_groups": [], "cwd": "/", "env": env} if self._as else {"cwd": "/", "env": env}
