"""The embedded store: one Valkey server for all processes that start in a folder.

Two locks carry it, because the kernel takes a lock from whoever dies, whatever of:

* the *server* holds ``server.lock`` from before its birth to its end, so that a folder
  never has two servers, and a stale socket or pid file deceives nobody;
* each *user process* holds a share of ``users.lock``, so that whoever leaves can tell
  whether it was the last.

Arriving, leaving, starting and stopping happen one at a time, under ``turn.lock``.
The data is the server's append-only file, written before each answer, so that a
kill -9 of any process, the server included, loses nothing.
"""

from __future__ import annotations

import fcntl
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from mainspring.base.errors import BootError
from mainspring.base.timesource import TimeSource
from mainspring.store import bundled

#: Seconds for the server to answer; a large file may have to be read first.
START_LIMIT = 60.0
#: Seconds for the server to write its last bytes and end.
STOP_LIMIT = 10.0
_TURN = "turn.lock"
_USERS = "users.lock"
#: Left by `stop`, so that processes which still run do not start the server again.
_STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class EmbeddedStatus:
    """A running embedded server, as it describes itself.

    Attributes:
        pid: Its process id.
        version: Valkey's version.
        socket: The unix socket that it listens on.
        uptime: Seconds since it started.
        memory: Bytes that its data takes.
        users: Processes that share it; None where the system does not tell.
    """

    pid: int
    version: str
    socket: Path
    uptime: float
    memory: int
    users: int | None


class EmbeddedServer:
    """This process's share in a folder's server; the last share given back stops it.

    It is given back by `release`, when this object is collected, or at the end of the
    process.  A forked child has a part in its parent's share and gives it back likewise.

    Attributes:
        directory: The folder, absolute and without links.
        url: What `Store` connects to.
        started: True if this call started the server; False if it was running.
    """

    def __init__(self, directory: Path, share: int, *, started: bool) -> None:
        self.directory = directory
        self.url = f"unix://{quote(str(bundled.listens(directory)))}"
        self.started = started
        # Runs when collected and at exit; it must know the folder, not this object.
        self._release = weakref.finalize(self, _leave, directory, share)

    @property
    def pid(self) -> int | None:
        """The server's process id, which changes when it is started again; None while it is down."""
        return bundled.pid(self.directory)

    @property
    def notice(self) -> str:
        """One line that tells a person where the data is."""
        here = Path.cwd()
        inside = self.directory.is_relative_to(here)
        return f"using the embedded store in {f'./{self.directory.relative_to(here)}' if inside else self.directory}"

    def ensure_running(self) -> None:
        """Start the server again if it died; cheap if it did not, and safe from many threads and processes.

        After `stop` it stays down until a new process asks for it.

        Raises:
            BootError: If it does not start.
        """
        with _turn(self.directory):
            if not (self.directory / _STOPPED).exists():
                _bring_up(self.directory)

    def release(self) -> None:
        """Give the share back, and stop the server if nobody else has one; repeated calls do nothing."""
        self._release()


def ensure(directory: Path) -> EmbeddedServer:
    """Take a share in *directory*'s server, which is started if it does not run.

    Returns when the server answers.  Eight processes that call this at once get one server.

    Args:
        directory: Where the data lies; made, for this user only, if it is not there.

    Raises:
        BootError: If there is no binary, the folder cannot be written, or the server does not start.
    """
    bundled.binary()
    try:
        folder = _prepare(directory)
        with _turn(folder):
            (folder / _STOPPED).unlink(missing_ok=True)
            # The share comes first: a server is never up without somebody who will stop it.
            share = _open(folder / _USERS)
            try:
                fcntl.flock(share, fcntl.LOCK_SH)
                return EmbeddedServer(folder, share, started=_bring_up(folder))
            except BaseException:
                os.close(share)
                raise
    except OSError as error:
        raise BootError(f"the embedded store cannot use {directory}: {error}; set MAINSPRING_URL") from error


def stop(directory: Path) -> bool:
    """Stop *directory*'s server for everybody, and return when it is gone; its data stays.

    Processes that still use it meet a store that does not answer, until a new process
    starts it again.

    Returns:
        True if it was running.

    Raises:
        BootError: If it does not end.
    """
    folder = directory.resolve()
    if not (folder / bundled.ALIVE).exists():
        return False
    with _turn(folder):
        if not _is_alive(folder):
            return False
        (folder / _STOPPED).touch()
        _shut_down(folder)
    return True


def status(directory: Path) -> EmbeddedStatus | None:
    """Return what *directory*'s server says of itself; None if it does not run."""
    folder = directory.resolve()
    reply = bundled.ask(folder, "INFO") if (folder / bundled.ALIVE).exists() else None
    if reply is None:
        return None
    lines = (line.partition(":") for line in reply.decode().splitlines())
    facts = {name: value for name, _, value in lines}
    if "process_id" not in facts:
        return None
    return EmbeddedStatus(
        pid=int(facts["process_id"]),
        version=facts.get("valkey_version", facts["redis_version"]),
        socket=bundled.listens(folder),
        uptime=float(facts["uptime_in_seconds"]),
        memory=int(facts["used_memory"]),
        users=_users(folder),
    )


def _users(folder: Path) -> int | None:
    """Count the shares in the kernel's table of locks; only Linux shows it."""
    try:
        number = (folder / _USERS).stat().st_ino
        table = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return None
    return sum(f":{number} " in line and "FLOCK" in line for line in table)


# --- the server of a folder; call these in one's turn --------------------------------


def _bring_up(folder: Path) -> bool:
    """Start the server unless it lives, wait until it answers, and return whether it had to be started."""
    launched = False

    def answers() -> bool:
        nonlocal launched
        if not _is_alive(folder):
            if launched:
                raise BootError(f"the embedded store's server in {folder} ended at once: {bundled.last_words(folder)}")
            _launch(folder)
            launched = True
        return bundled.ask(folder, "PING") == b"+PONG\r\n"

    # A server that somebody is just starting or ending is waited for, not doubled.
    if not _within(START_LIMIT, answers):
        raise BootError(
            f"the embedded store's server in {folder} (pid {bundled.pid(folder)}) does not answer"
            f" within {START_LIMIT:.0f} s: {bundled.last_words(folder)}"
        )
    return launched


def _launch(folder: Path) -> None:
    alive = _open(folder / bundled.ALIVE)
    try:
        fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
        bundled.launch(folder, alive)
    finally:
        # The server keeps its copy, and with it the lock.
        os.close(alive)


def _is_alive(folder: Path) -> bool:
    alive = _open(folder / bundled.ALIVE)
    try:
        return not _try(alive, fcntl.LOCK_EX)
    finally:
        os.close(alive)


def _shut_down(folder: Path) -> None:
    bundled.ask(folder, "SHUTDOWN")
    if not _within(STOP_LIMIT, lambda: not _is_alive(folder)):
        bundled.terminate(folder)
        if not _within(STOP_LIMIT, lambda: not _is_alive(folder)):
            log = folder / bundled.LOG
            raise BootError(f"the embedded store's server (pid {bundled.pid(folder)}) does not end; see {log}")
    bundled.tidy(folder)


def _leave(folder: Path, share: int) -> None:
    """Give a share back, and stop the server if it was the last."""
    # Whatever fails here must not disturb the end of a process; the next one to leave stops the server.
    with suppress(OSError, BootError):
        # Closed, never unlocked: a parent or a forked child may hold the same share.
        os.close(share)
        with _turn(folder, limit=STOP_LIMIT):
            if _is_unused(folder) and _is_alive(folder):
                _shut_down(folder)


def _is_unused(folder: Path) -> bool:
    users = _open(folder / _USERS)
    try:
        return _try(users, fcntl.LOCK_EX)
    finally:
        os.close(users)


# --- the folder ----------------------------------------------------------------------


def _prepare(directory: Path) -> Path:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = directory.resolve()
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    return folder


# --- locks -----------------------------------------------------------------------------


@contextmanager
def _turn(folder: Path, *, limit: float = START_LIMIT) -> Iterator[None]:
    """Let one process, and in it one thread, at a time change who uses the folder."""
    turn = _open(folder / _TURN)
    try:
        if not _within(limit, lambda: _try(turn, fcntl.LOCK_EX)):
            raise BootError(f"another process holds {folder / _TURN} for {limit:.0f} s already")
        yield
    finally:
        # Unlocked as well as closed: a child that another thread forked meanwhile has a copy of it.
        fcntl.flock(turn, fcntl.LOCK_UN)
        os.close(turn)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Look until *condition* holds, ever less often; return False if it does not in time."""
    clock, pause, wait = TimeSource(), threading.Event(), 0.0005
    deadline = clock.monotonic() + seconds
    while not condition():
        if clock.monotonic() > deadline:
            return False
        pause.wait(wait)
        wait = min(wait * 2, 0.005)
    return True
