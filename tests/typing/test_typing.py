"""The public face is typed: a wrong argument to any way of enqueueing is an error before the code runs.

mypy and pyright both read `accepted.py`, where they must find nothing, and
`refused.py`, where they must find an error on each line that is marked E and on no other.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache

import pytest

from house.source import ROOT

FOLDER = ROOT / "tests/typing"
FILES = ("accepted.py", "refused.py")


def run(*command: str) -> str:
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return done.stdout


@cache
def mypy() -> dict[tuple[str, int], str]:
    """Return what mypy finds: file and line -> message."""
    out = run("mypy", "--strict", "--output", "json", *(str(FOLDER / name) for name in FILES))
    found = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return {place(one["file"], one["line"]): one["message"] for one in found if one["severity"] == "error"}


@cache
def pyright() -> dict[tuple[str, int], str]:
    """Return what pyright finds: file and line -> message."""
    found = json.loads(run("pyright", "--outputjson", *(str(FOLDER / name) for name in FILES)))["generalDiagnostics"]
    assert found, "pyright read nothing"
    return {
        place(one["file"], one["range"]["start"]["line"] + 1): one["message"]
        for one in found
        if one["severity"] == "error"
    }


def place(file: str, line: int) -> tuple[str, int]:
    return file.replace("\\", "/").rpartition("/")[2], line


def marked() -> set[int]:
    lines = (FOLDER / "refused.py").read_text().splitlines()
    return {number for number, line in enumerate(lines, 1) if line.endswith("  # E")}


def report(found: dict[tuple[str, int], str], lines: set[int], name: str) -> str:
    text = (FOLDER / name).read_text().splitlines()
    return "\n".join(
        f"{name}:{line}: {text[line - 1]}: {found.get((name, line), 'no error')}" for line in sorted(lines)
    )


checkers = pytest.mark.parametrize("checker", [mypy, pyright])
Checker = Callable[[], dict[tuple[str, int], str]]


@checkers
def test_right_uses_are_accepted(checker: Checker):
    wrong = {line for file, line in checker() if file == "accepted.py"}

    assert not wrong, report(checker(), wrong, "accepted.py")


@checkers
def test_each_wrong_use_is_refused(checker: Checker):
    refused = {line for file, line in checker() if file == "refused.py"}

    missed = marked() - refused

    assert not missed, report(checker(), missed, "refused.py")


@checkers
def test_nothing_else_is_refused(checker: Checker):
    refused = {line for file, line in checker() if file == "refused.py"}

    assert not refused - marked(), report(checker(), refused - marked(), "refused.py")


def test_there_are_enough_wrong_uses_for_every_way_of_enqueueing():
    text = "\n".join(line for line in (FOLDER / "refused.py").read_text().splitlines() if line.endswith("  # E"))

    ways = (
        "enqueue",
        "aenqueue",
        "enqueue_in",
        "aenqueue_in",
        "enqueue_at",
        "aenqueue_at",
        "enqueue_many",
        "aenqueue_many",
    )

    assert [way for way in ways if text.count(f".{way}(") < 2] == []
