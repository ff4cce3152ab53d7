"""Loads the scripts of `lua/`, once a process.

A script is named by the hash of its text, so that a call costs forty bytes and a
server that does not know it (restarted, failed over, flushed) says so before
doing anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

_INCLUDE = "-- include: "


@dataclass(frozen=True, slots=True)
class Script:
    """One script: its name, its text, and the hash by which the server knows it."""

    name: str
    source: bytes
    sha: str


@cache
def load(name: str) -> Script:
    """Return the script *name*, without the comments that only people need.

    Raises:
        FileNotFoundError: If there is no such script.
    """
    import hashlib

    source = _source(f"{name}.lua").encode()
    return Script(name, source, hashlib.sha1(source, usedforsecurity=False).hexdigest())


def _source(path: str) -> str:
    text = Path(__file__).with_name("lua").joinpath(path).read_text("utf-8")
    lines = []
    for line in text.splitlines():
        if line.startswith(_INCLUDE):
            lines.append(_source(line.removeprefix(_INCLUDE)))
        elif not line.lstrip().startswith("--"):
            lines.append(line)
    return "\n".join(lines).strip()
