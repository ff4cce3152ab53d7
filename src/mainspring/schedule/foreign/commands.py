"""Command lines of a crontab: what cron passes to the shell, and a name for what it does."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath
from typing import Final

_TOKEN: Final = re.compile(r"\\.|.")
_STEP: Final = re.compile(r"&&|\|\||;")
# They stand before what a line is about: to go somewhere, to ask first, to set something.
_PRELUDE: Final = re.compile(
    r"[\s{(]*(?:(?:cd|test|\[+|sleep|source|\.|umask|export|set)(?:\s|$)|[A-Za-z_]\w*=\S*\s*$)"
)
# They run what comes after them.
_RUNNERS: Final = frozenset(
    "bash bundle chronic command env exec flock ionice nice node nohup npx perl php poetry python python3 ruby sh sudo"
    " time timeout uv".split()
)
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=.*")
_WORDS = 3
_LONGEST = 40


def split(line: str) -> tuple[str, str]:
    r"""Return a command and its standard input, which a ``%`` begins; others break its lines. ``\%`` is a sign."""
    signs = {"%": "\n", r"\%": "%"}
    command, _, stdin = "".join(signs.get(token, token) for token in _TOKEN.findall(line)).partition("\n")
    # Cron ends the last line if the crontab does not.
    return command.rstrip(), stdin + "\n" if stdin and not stdin.endswith("\n") else stdin


def named(command: str, taken: Collection[str]) -> str:
    """Return a name for *command* that is an identifier and not *taken*: ``rails_runner_bill``."""
    base = "_".join(_said(command))[:_LONGEST].strip("_") or "command"
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}_{number}"
    return name


def _said(command: str) -> Iterator[str]:
    """Yield the words that tell one command from another, for people."""
    steps = [step for step in _STEP.split(command) if step.strip()]
    step = next((step for step in steps if not _PRELUDE.match(step)), "")
    said = 0
    for word in step.split():
        if word[0] in "|>&<" or word.startswith(("2>", "1>")):
            return
        if word[0] in "-+0123456789" or _ASSIGNMENT.fullmatch(word):
            continue
        slug = _slug(word)
        if slug and (said or slug not in _RUNNERS):
            yield slug
            said += 1
        if said == _WORDS:
            return


def _slug(word: str) -> str:
    path = PurePosixPath(word.strip("\"'"))
    name = path.stem if path.suffix in {".sh", ".py", ".rb", ".php", ".pl", ".js"} else path.name
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
