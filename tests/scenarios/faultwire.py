"""A wire to a real server on which each call of a script can meet a fault: refused, cut, held up, answered by nobody.

It reads the protocol call by call, so that it knows which script is called, and which answer is whose.
What a fault does not keep from being executed, the real server executes.
"""

from __future__ import annotations

import hashlib
import random
import socket
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final

from mainspring.store import scripts

FOLDER: Final = Path(scripts.__file__).with_name("lua")

#: The scripts there are; a new one is here as soon as its file is.
SCRIPTS: Final = sorted(path.stem for path in FOLDER.glob("*.lua"))


class Fault(StrEnum):
    """What happens to one call of a script."""

    FAIL = "cut before it is executed"
    EXECUTE_AND_TIMEOUT = "executed, and never answered"
    DELAY = "answered late"
    HANG = "neither executed nor answered"
    NOSCRIPT = "forgotten by the server"
    OOM = "OOM command not allowed when used memory > 'maxmemory'."
    MISCONF = "MISCONF Errors writing to the AOF file: No space left on device"
    READONLY = "READONLY You can't write against a read only replica."
    LOADING = "LOADING Redis is loading the dataset in memory"


#: Those with which the server itself answers, without executing.
REFUSALS: Final = (Fault.OOM, Fault.MISCONF, Fault.READONLY, Fault.LOADING)
#: Seconds by which an answer is late.
LATE: Final = 0.1


class Wire:
    """Listens on a loopback port and hands calls to a server's unix socket, and answers back.

    Attributes:
        seen: The first call of each script: its number of keys, and what follows.
        calls: How often each script was called, by its hash or with its text.
        met: Script and fault, for each fault that has happened.
    """

    def __init__(self, target: Path) -> None:
        """Listen; no fault is planned yet."""
        self.seen: dict[str, Sequence[bytes]] = {}
        self.calls: Counter[str] = Counter()
        self.met: Counter[tuple[str, Fault]] = Counter()
        self._target = str(target)
        self._names = {scripts.load(name).sha.encode(): name for name in SCRIPTS}
        self._lock = threading.Lock()
        self._planned: dict[str, tuple[Fault, int, int]] = {}
        self._storm: tuple[random.Random, float] | None = None
        self._pauses = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        """What to give to an App or a store."""
        return f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"

    def plan(self, fault: Fault, skips: Mapping[str, int], *, times: int = 1) -> None:
        """Let each script of *skips* meet *fault*, after so many calls without, *times* in a row."""
        with self._lock:
            self._planned = {name: (fault, skip, times) for name, skip in skips.items()}

    def storm(self, rng: random.Random, share: float) -> None:
        """From now on, let that *share* of all calls meet some fault."""
        with self._lock:
            self._storm = rng, share

    def be_good(self) -> None:
        """Plan nothing any more."""
        with self._lock:
            self._planned, self._storm = {}, None

    def close(self) -> None:
        """Cut all connections, and wait for all threads."""
        self._pauses.set()
        _shut(self._listener)
        with self._lock:
            ends = list(self._open)
        for end in ends:
            _shut(end)
        for thread in self._threads:
            thread.join(5)

    # --- one connection --------------------------------------------------------------

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(self._target)
                with self._lock:
                    self._open |= {near, far}
                thread = threading.Thread(target=self._serve, args=(near, far), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, near: socket.socket, far: socket.socket) -> None:
        with near, far, near.makefile("rb") as calls, far.makefile("rb") as answers, suppress(OSError):
            while words := _read_call(calls):
                name = self._name(words)
                if not self._answer(name, words, near, far, answers):
                    break
        with self._lock:
            self._open -= {near, far}

    def _name(self, words: Sequence[bytes]) -> str:
        match words[0].upper():
            case b"EVALSHA":
                name = self._names[words[1]]
            case b"EVAL":
                # Its answer to the same call by hash was that it does not know the script.
                return self._names[hashlib.sha1(words[1], usedforsecurity=False).hexdigest().encode()]
            case _:
                return ""
        with self._lock:
            self.calls[name] += 1
            self.seen.setdefault(name, words[2:])
        return name

    def _draw(self, name: str, words: Sequence[bytes]) -> Fault | None:
        """Return the fault that this call meets; one sent again with its text meets none."""
        if words[0].upper() != b"EVALSHA":
            return None
        with self._lock:
            fault = self._planned_for(name) if self._storm is None else _drawn(*self._storm)
            if fault is not None:
                self.met[name, fault] += 1
            return fault

    def _planned_for(self, name: str) -> Fault | None:
        fault, skip, times = self._planned.pop(name, (None, 0, 0))
        if fault is None:
            return None
        if skip:
            self._planned[name] = fault, skip - 1, times
            return None
        if times > 1:
            self._planned[name] = fault, 0, times - 1
        return fault

    def _answer(
        self, name: str, words: Sequence[bytes], near: socket.socket, far: socket.socket, answers: BinaryIO
    ) -> bool:
        """Make one call, and hand on its answer; False if the connection is at its end."""
        fault = self._draw(name, words)
        if fault in REFUSALS:
            near.sendall(b"-%s\r\n" % fault.value.encode())
            return True
        if fault in {Fault.FAIL, Fault.HANG}:
            return self._abandoned(near, at_once=fault is Fault.FAIL)
        if fault is Fault.NOSCRIPT:
            far.sendall(_written((b"SCRIPT", b"FLUSH")))
            _read_answer(answers)
        far.sendall(_written(words))
        answer = _read_answer(answers)
        if fault is Fault.EXECUTE_AND_TIMEOUT:
            return self._abandoned(near)
        if fault is Fault.DELAY:
            self._pauses.wait(LATE)
        near.sendall(answer)
        return bool(answer)

    @staticmethod
    def _abandoned(near: socket.socket, *, at_once: bool = False) -> bool:
        """Say nothing until the caller has hung up."""
        while not at_once and near.recv(1 << 16):
            pass
        return False


def _drawn(rng: random.Random, share: float) -> Fault | None:
    return rng.choice(tuple(Fault)) if rng.random() < share else None


# --- the protocol ----------------------------------------------------------------------


def _read_call(source: BinaryIO) -> Sequence[bytes]:
    """Return the words of the next call; none if there comes no more."""
    head = source.readline()
    return [_read_word(source) for _ in range(int(head[1:]))] if head else ()


def _read_word(source: BinaryIO) -> bytes:
    return source.read(int(source.readline()[1:]) + 2)[:-2]


def _read_answer(source: BinaryIO) -> bytes:
    """Return the next answer as it is; empty if there comes none."""
    line = source.readline()
    match line[:1]:
        case b"$" if line != b"$-1\r\n":
            return line + source.read(int(line[1:]) + 2)
        case b"*" if line != b"*-1\r\n":
            return line + b"".join(_read_answer(source) for _ in range(int(line[1:])))
        case _:
            return line


def _written(words: Sequence[bytes]) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
