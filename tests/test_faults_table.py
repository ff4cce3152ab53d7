"""Each fault of the list is tried, tested by a mutant, and has its row in the page for users."""

from __future__ import annotations

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest
from tools import faults_table

from house.source import ROOT, files

#: The faults that issue 3 of the project asks for.
FAULTS = tuple(faults_table.NAMES)

LINES = [
    {"fault": "F10", "tried": "x", "bar": "LOST 0", "long": True, "numbers": {"lost": 0, "seed": 17}},
    {
        "fault": "F2",
        "tried": "nodes | killed",
        "bar": "< 1",
        "long": True,
        "numbers": {"recovered_s": [1.5, 2], "n": 12345},
    },
    {"fault": "F2", "tried": "again", "bar": "all", "long": True, "numbers": {"ok": True}},
]


@cache
def recorded() -> dict[str, list[Path]]:
    """Return for each fault the files of tests that record what they measured of it."""
    found: dict[str, list[Path]] = defaultdict(list)
    # An entry of a schedule is recorded as well, elsewhere.
    for source in (
        each for each in files("tests") if "scenarios.record import" in each.text or "scenarios import" in each.text
    ):
        for fault in _faults_in(source.text):
            found[fault].append(ROOT / source.path)
    return found


def _faults_in(text: str) -> Iterator[str]:
    for call in ast.walk(ast.parse(text)):
        if isinstance(call, ast.Call) and ast.unparse(call.func) in ("record", "record.record") and call.args:
            yield from re.findall(r"'([^']+)'", ast.unparse(call.args[0]))


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_tried_and_recorded_and_its_test_is_tested(fault):
    paths = recorded()[fault]

    assert paths, f"no test records what it measured of {fault}"
    # What is a program too has its tests beside it.
    tests = [path if path.name.startswith("test_") else path.with_name(f"test_{path.name}") for path in paths]
    mutants = [name for path in tests for name in re.findall(r"def test_the_\w+?_finds_\w+", path.read_text())]
    assert mutants, f"nothing shows that the tests of {fault} can fail: write test_the_checker_finds_..."


def test_nothing_is_recorded_that_the_page_cannot_name():
    assert set(FAULTS) <= set(recorded()) <= set(faults_table.NAMES)


def test_a_row_tells_what_was_tried_and_what_came_out():
    rows = faults_table.page(LINES).splitlines()[-3:]

    assert rows == [
        "| F2 whole nodes killed | again | all | ok yes |  |",
        "|  | nodes \\| killed | &lt; 1 | recovered s 1.5, 2, n 12,345 |  |",
        "| F10 a slow network | x | LOST 0 | lost 0 | 17 |",
    ]


def test_of_two_runs_the_last_counts():
    later = LINES[0] | {"numbers": {"lost": 0, "seed": 18}}

    assert [line["numbers"].get("seed") for line in faults_table.newest([*LINES, later])] == [18, None, None]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(faults_table, "FIGURES", tmp_path / "faults.json")
    monkeypatch.setattr(faults_table, "PAGE", tmp_path / "faults.md")
    return tmp_path


def written(folder: Path, lines: Iterable[object]) -> str:
    (folder / "collected").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(folder / "collected")


def test_what_was_collected_is_kept_and_becomes_the_page_and_short_runs_do_not(folder):
    short = LINES[0] | {"tried": "for a second", "long": False}

    assert faults_table.main(["--collect", written(folder, [*LINES, short])]) is None

    assert faults_table.collected(faults_table.FIGURES) == LINES
    assert faults_table.PAGE.read_text() == faults_table.page(LINES)
    assert faults_table.main(["--check"]) is None


def test_a_page_that_was_changed_by_hand_is_found(folder):
    faults_table.main(["--collect", written(folder, LINES)])
    faults_table.PAGE.write_text("all is well")

    assert "run python tools/faults_table.py" in (faults_table.main(["--check"]) or "")


def test_without_figures_there_is_nothing_to_check_or_to_write(folder):
    assert faults_table.main(["--check"]) is None
    assert "run make faults" in (faults_table.main([]) or "")
