"""What is kept of an error: its class, its text, where it came from, and which error it is."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import CodeType, TracebackType
from typing import Final

from mainspring.base import payload as wire
from mainspring.base import signature
from mainspring.base.signature import Frame, Signed

#: How many frames of a traceback are kept with a job.
FRAMES: Final = 50
#: How many tracebacks are remembered, so that a crowd that fails at one place costs little.
_REMEMBERED: Final = 256
#: How many texts of one error at one place are told apart, and of how many errors; those after them are one.
_TEXTS: Final = 30
_PLACES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Fault:
    """What is kept of one error.

    Attributes:
        error_class: The name of its class.
        message: Its text.
        backtrace: Where it came from, packed.
        signed: Which error it is.
    """

    error_class: str
    message: str
    backtrace: str
    signed: Signed


class Faults:
    """Reads errors, and remembers tracebacks and texts that it has read; any thread may ask."""

    def __init__(self) -> None:
        """Begin with none."""
        self._roots = tuple(sys.path)
        # Several threads may write the same at once, which changes nothing.
        self._packed: dict[tuple[tuple[str, int, str], ...], str] = {}
        self._texts: dict[tuple[str, str, str], set[str]] = {}

    def of(self, job: str, error: BaseException) -> Fault:
        """Return what is kept of *error*, which a job of class *job* has raised."""
        name, text, found = class_of(error), text_of(error), frames(error)
        return Fault(name, text, self._pack(found), self._sign(job, name, text, found))

    def _pack(self, found: Sequence[Frame]) -> str:
        key = tuple((frame.file, frame.line, frame.function) for frame in found)
        packed = self._packed.get(key)
        if packed is None:
            if len(self._packed) >= _REMEMBERED:
                self._packed.clear()
            packed = self._packed[key] = wire.pack_backtrace(lines(found))
        return packed

    def _sign(self, job: str, name: str, text: str, found: Sequence[Frame]) -> Signed:
        """Return which error it is; one that has ever new texts at one place is one from some number of them on."""
        signed = signature.sign(job, name, text, found, roots=self._roots)
        if len(self._texts) >= _PLACES:
            self._texts.clear()
        known = self._texts.setdefault((job, name, signed.frame), set())
        if signed.signature in known:
            return signed
        if len(known) >= _TEXTS:
            return signature.sign(job, name, signature.ANY, found, roots=self._roots)
        known.add(signed.signature)
        return signed


def class_of(error: BaseException) -> str:
    """Return the name of the error's class, with its module unless it is a built-in; cut to what is kept."""
    kind = type(error)
    # Of ours without the module: the name is kept with the job, and the class may come to stand elsewhere.
    module = "mainspring" if kind.__module__.startswith("mainspring.") else kind.__module__
    name = kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"
    return _kept(name, wire.ERROR_LINE)


def text_of(error: BaseException) -> str:
    """Return the error's text, cut to what is kept, whatever its ``str()`` does."""
    try:
        text = str(error)
    except BaseException as worse:  # noqa: BLE001 - a job's error may do anything when it is asked for its text
        text = f"<its text could not be had: {type(worse).__name__}>"
    return _kept(text, wire.ERROR_TEXT)


def frames(error: BaseException) -> list[Frame]:
    """Return where the error came from, innermost last, as much of it as is kept."""
    found = list(_walk(error.__traceback__))[-FRAMES:]
    return [Frame(code.co_filename, line, code.co_name) for code, line in found]


def lines(found: Sequence[Frame]) -> list[str]:
    """Return frames as they are kept: ``file:line in function``."""
    return [_kept(f"{frame.file}:{frame.line} in {frame.function}", wire.ERROR_LINE) for frame in found]


def place(error: BaseException) -> str:
    """Return where the error was raised, as ``directory/file.py:line``; empty if nobody knows."""
    found = frames(error)
    return f"{'/'.join(found[-1].file.split('/')[-2:])}:{found[-1].line}" if found else ""


def _walk(traceback: TracebackType | None) -> Iterator[tuple[CodeType, int]]:
    # By hand: what the library does looks for each file, to read its lines.
    while traceback is not None:
        yield traceback.tb_frame.f_code, traceback.tb_lineno
        traceback = traceback.tb_next


def _kept(text: str, most: int) -> str:
    # A path that is no UTF-8 holds halves of surrogate pairs, which JSON cannot.
    return text[:most].encode("utf-8", "replace").decode()
