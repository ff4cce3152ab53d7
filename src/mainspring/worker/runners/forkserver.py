"""A process without threads beside the worker, of which the processes of jobs are forked.

To fork a process that has threads copies the locks they hold, and nobody to release
them. So the worker forks this one before it has threads; it holds the App, imported
and unused, and each fork of it shares its memory. Where threads are there already, as
in a web server, it is an interpreter of its own that imports the App.

Whoever is forked ends with the worker: the bond is a socket, which the kernel closes
when the worker is gone, and where it is Linux the kernel also kills each child with its parent.
"""

from __future__ import annotations

import ctypes
import gc
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NoReturn, TypeAlias

from mainspring.base.errors import InvalidOption
from mainspring.base.timesource import TimeSource

#: Runs the jobs that come over a connection, in a process that was just forked.
Serve: TypeAlias = Callable[[socket.socket], None]

_ORDER: Final = struct.Struct("!cI")
_FATE: Final = struct.Struct("!i")
_HATCH, _KILL = b"h", b"k"
_COMMAND: Final = "from mainspring.worker.runners.spawned import main; main()"
_PR_SET_PDEATHSIG: Final = 1
#: Seconds that the process gets to end.
_PATIENCE: Final = 2.0
#: Signals that reach the whole group; only the worker decides what they mean.
_IGNORED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGQUIT)


class ForkServer:
    """The worker's end. Its methods may be called by any thread, but `start` only before there are others."""

    def __init__(self, app: object, serve: Serve, memory: int) -> None:
        """Begin without a process.

        Args:
            app: The App; where threads are there already, a module must hold it.
            serve: What each process of jobs does.
            memory: Bytes of address space that each may have; 0 for any.
        """
        self._app = app
        self._serve = serve
        self._memory = memory
        self._lock = threading.Lock()
        self._orders: socket.socket | None = None
        self._count = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = 0

    def start(self) -> None:
        """Start the process; again if it has died.

        Raises:
            InvalidOption: If threads are there already, and no module holds the App.
        """
        ours, theirs = socket.socketpair()
        if threading.active_count() == 1:
            _flush()
            self._pid = os.fork()
            if self._pid == 0:
                ours.close()
                _be_template(theirs, self._serve)
        else:
            try:
                self._spawn(theirs)
            except BaseException:
                ours.close()
                theirs.close()
                raise
        theirs.close()
        self._orders = ours

    def _spawn(self, theirs: socket.socket) -> None:
        module, name = _place_of(self._app)
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, and a constant
            [sys.executable, "-c", _COMMAND, str(theirs.fileno()), module, name, str(self._memory)],
            stdin=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            pass_fds=(theirs.fileno(),),
        )
        self._pid = self._process.pid

    def hatch(self) -> tuple[int, socket.socket, int]:
        """Fork a process of jobs.

        Returns:
            Its number, the connection to it, and a file that gives four bytes when it ends, see `fate`.

        Raises:
            OSError: If it cannot be had.
        """
        ours, theirs = socket.socketpair()
        fate, ending = os.pipe()
        try:
            with self._lock:
                self._count += 1
                number = self._count
                self._send(_HATCH, number, theirs.fileno(), ending)
        except OSError:
            ours.close()
            os.close(fate)
            raise
        finally:
            theirs.close()
            os.close(ending)
        return number, ours, fate

    def kill(self, number: int) -> None:
        """Kill a process of jobs. Its parent does it, which alone knows that the process's id is still its own."""
        with self._lock, suppress(OSError):
            self._send(_KILL, number)

    def _send(self, verb: bytes, number: int, *files: int) -> None:
        if self._orders is None:
            raise ConnectionError("it has not been started")
        socket.send_fds(self._orders, [_ORDER.pack(verb, number)], files)

    def stop(self) -> None:
        """End the process, and with it all that were forked of it."""
        with self._lock:
            if self._orders is not None:
                self._orders.close()
                self._orders = None
        deadline = TimeSource().monotonic() + _PATIENCE
        while self._runs():
            if TimeSource().monotonic() > deadline:
                os.kill(self._pid, signal.SIGKILL)
            TimeSource().sleep(0.005)

    def _runs(self) -> bool:
        """Return True unless the process has ended."""
        if self._pid and self._process is not None and self._process.poll() is not None:
            self._pid = 0
        elif self._pid and self._process is None:
            with suppress(ChildProcessError):
                self._pid = 0 if os.waitpid(self._pid, os.WNOHANG)[0] else self._pid
        return self._pid != 0


def fate(data: bytes) -> str | None:
    """Return in words how a process of jobs ended; None if its parent died before it."""
    if len(data) < _FATE.size:
        return None
    code = _FATE.unpack(data)[0]
    if code >= 0:
        return f"exited with code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"number {-code}"
    return f"killed by signal {name}" + (", perhaps since the machine ran out of memory" if code == -9 else "")


def _place_of(app: object) -> tuple[str, str]:
    """Return the module that holds *app*, and under which name."""
    spaces = [(name, getattr(module, "__dict__", {})) for name, module in list(sys.modules.items())]
    places = ((module, name) for module, space in spaces for name, value in list(space.items()) if value is app)
    for module, name in places:
        if module != "__main__":
            return module, name
    raise InvalidOption(
        'jobs with runs_in="process" need processes that import the App, where the worker has threads already;'
        " and no imported module holds it: make it in a module of its own, as app = App()"
    )


# --- the other end -------------------------------------------------------------------


def _be_template(orders: socket.socket, serve: Serve) -> NoReturn:
    """Be the template, in a process that was just forked."""
    try:
        _die_with_parent()
        serve_orders(orders, serve)
    finally:
        os._exit(0)


def serve_orders(orders: socket.socket, serve: Serve) -> None:
    """Fork and kill as *orders* say, until they end; then kill all."""
    for number in _IGNORED:
        # A function, since what is ignored by none would be ignored by the programs that jobs start, too.
        signal.signal(number, _ignore)
    gc.collect()
    # What there is now is shared by all that are forked: were it looked through, it would be copied.
    gc.freeze()
    bell, rung = socket.socketpair()
    bell.setblocking(False)
    rung.setblocking(False)
    signal.set_wakeup_fd(bell.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, _ignore)
    _Template(orders, rung, serve, os.getppid()).run()


class _Template:
    def __init__(self, orders: socket.socket, rung: socket.socket, serve: Serve, worker: int) -> None:
        self._orders = orders
        self._rung = rung
        self._serve = serve
        self._worker = worker
        self._children: dict[int, tuple[int, int]] = {}  # by number: process id, and where its fate is told

    def run(self) -> None:
        while os.getppid() == self._worker:
            ready = select.select([self._orders, self._rung], [], [], 1.0)[0]
            if self._rung in ready:
                self._rung.recv(4096)
            self._reap()
            if self._orders in ready and not self._obey():
                break
        for pid, _ in self._children.values():
            os.kill(pid, signal.SIGKILL)

    def _obey(self) -> bool:
        """Follow one order; False at their end."""
        data, files, *_ = socket.recv_fds(self._orders, _ORDER.size, 2)
        if len(data) < _ORDER.size:
            return False
        verb, number = _ORDER.unpack(data)
        if verb == _HATCH:
            self._hatch(number, *files)
        elif number in self._children:
            os.kill(self._children[number][0], signal.SIGKILL)
        return True

    def _hatch(self, number: int, connection: int, ending: int) -> None:
        pid = os.fork()
        if pid == 0:
            self._be_child(connection, ending)
        os.close(connection)
        self._children[number] = pid, ending

    def _be_child(self, connection: int, ending: int) -> NoReturn:
        code = 1
        try:
            _die_with_parent()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for file in (ending, *(other for _, other in self._children.values())):
                os.close(file)
            self._orders.close()
            self._rung.close()
            self._serve(socket.socket(fileno=connection))
            code = 0
        except BrokenPipeError:
            # The worker is gone, and its jobs with it.
            pass
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            os._exit(code)

    def _reap(self) -> None:
        for number, (pid, ending) in list(self._children.items()):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                del self._children[number]
                with suppress(OSError):
                    os.write(ending, _FATE.pack(os.waitstatus_to_exitcode(status)))
                os.close(ending)


def _die_with_parent() -> None:
    """Let the kernel kill this process when its parent dies, where it is Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _ignore(_number: int, _frame: object) -> None:
    """Do nothing, but in this process only."""


def _flush() -> None:
    # What is buffered would be written by each that is forked.
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
