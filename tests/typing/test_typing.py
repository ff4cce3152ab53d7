"""The public face is typed: a wrong argument to any way of enqueueing is an error before the code runs.

mypy and pyright both read `accepted.py`, where they must find nothing, and
`refused.py`, where they must find an error on each line that is marked E and on no other.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import TypeAlias

import pytest

from house.source import ROOT

FOLDER = ROOT / "tests/typing"
FILES = ("accepted.py", "refused.py")

#: File, line, message.
Finding: TypeAlias = tuple[str, int, str]
Found: TypeAlias = dict[tuple[str, int], str]


def run(*command: str) -> str:
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return done.stdout


def mypy() -> list[Finding]:
    """Return what mypy finds."""
    out = run("mypy", "--strict", "--output", "json", *(str(FOLDER / name) for name in FILES))
    found = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return [(name_of(one["file"]), one["line"], one["message"]) for one in found if one["severity"] == "error"]


def pyright() -> list[Finding]:
    """Return what pyright finds."""
    found = json.loads(run("pyright", "--outputjson", *(str(FOLDER / name) for name in FILES)))["generalDiagnostics"]
    assert found, "pyright read nothing"
    return [
        (name_of(one["file"]), one["range"]["start"]["line"] + 1, one["message"])
        for one in found
        if one["severity"] == "error"
    ]


def name_of(file: str) -> str:
    return file.replace("\\", "/").rpartition("/")[2]


def marked() -> set[int]:
    lines = (FOLDER / "refused.py").read_text().splitlines()
    return {number for number, line in enumerate(lines, 1) if line.endswith("  # E")}


def report(found: Found, lines: set[int], name: str) -> str:
    text = (FOLDER / name).read_text().splitlines()
    return "\n".join(
        f"{name}:{line}: {text[line - 1]}: {found.get((name, line), 'no error')}" for line in sorted(lines)
    )


@pytest.fixture(params=[mypy, pyright])
def found(request: pytest.FixtureRequest, once: Callable[..., list[Finding]]) -> Found:
    """Give what a checker finds: file and line -> message."""
    return {(file, line): message for file, line, message in once(request.param.__name__, request.param)}


def test_right_uses_are_accepted(found: Found):
    wrong = {line for file, line in found if file == "accepted.py"}

    assert not wrong, report(found, wrong, "accepted.py")


def test_each_wrong_use_is_refused(found: Found):
    refused = {line for file, line in found if file == "refused.py"}

    missed = marked() - refused

    assert not missed, report(found, missed, "refused.py")


def test_nothing_else_is_refused(found: Found):
    refused = {line for file, line in found if file == "refused.py"}

    assert not refused - marked(), report(found, refused - marked(), "refused.py")


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
