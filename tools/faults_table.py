"""Writes docs/faults.md from docs/benchmarks/faults.json; `make check` fails if the page is another.

Usage: python tools/faults_table.py [--check | --collect FILE]

`make faults` collects what the fault tests measured, one line of JSON for each, in a file; ``--collect`` takes it over.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "faults.md"
FIGURES = DOCS / "benchmarks" / "faults.json"

HEAD = """# What it survives

Every promise in [Guarantees](guarantees.md) is tried against faults: workers, whole nodes and servers are killed,
frozen and cut off, answers are lost, disks and memories run full, and anything is thrown into the queues. Real
processes and a real server take part; nothing is simulated. The judge stands outside: each job appends a line to a
file when it begins and when it is done, and what those lines and the store say must agree.

`make test` tries each fault for seconds, `make faults` at length. This page is made of what the latter measured last,
on a machine with two cores that it shared. Each of these tests is itself tested: with a bug of one line put
into the worker, such as taking jobs off the queue with BRPOP, it must fail.

The words:

* **lost** is a job that was confirmed to its producer, and is neither done nor anywhere in the store;
* **dup** is a job whose body came to its end more than once, which a death between body and acknowledgement allows;
* **overlap** is a job that ran twice at the same time;
* **stale** is an effect of a process that had been declared dead.

With its **seed**, a run's chance happens again.

| fault | what is tried | number to reach | what came out | seed |
|---|---|---|---|---|
"""

NAMES = {
    "F1": "workers killed with -9",
    "F2": "whole nodes killed",
    "F3": "workers frozen",
    "F4": "the server killed",
    "F5": "the server gone for long",
    "F6": "the server back and empty",
    "F8": "connections reset",
    "F9": "answers lost",
    "F10": "a slow network",
    "F11": "a dead network",
    "F15": "a full server",
    "F16": "a full disk",
    "F17": "no connections, no password, no rights",
    "F18": "scripts forgotten",
    "F20": "clients cut off by the server",
    "F21": "poison pills",
    "F22": "clocks killed",
    "F23": "deploys",
    "F24": "jobs that ignore the shutdown",
    "F25": "wrong clocks",
    "F27": "clocks that are changed by law",
    "F28": "unique locks",
    "F29": "limiters",
    "F30": "batches and their callbacks",
    "F32": "payloads of any kind",
    "F33": "giants",
    "F36": "a hundred processes at once",
    "F38": "calls cancelled half-way",
    "F39": "forks",
    "F40": "broken logs and outputs",
    "T13": "slow and greedy clients of the dashboard",
    "T18": "ciphertexts changed and moved",
    "T27": "requests of any kind to the dashboard",
    "ending": "runs that are to end",
    "iteration": "long jobs killed and stopped",
    "outbox": "outboxes whose producers and relays are killed",
    "recovery": "after kill -9, with all settings as they come",
    "mix": "short jobs beside long ones",
}


def page(lines: Iterable[Mapping[str, Any]]) -> str:
    """Return the page's text.

    Args:
        lines: What `scenarios.record.record` wrote, in any order.
    """
    places = list(NAMES)
    ordered = sorted(lines, key=lambda line: (places.index(line["fault"]), line["tried"]))
    rows = []
    for fault, found in groupby(ordered, key=lambda line: str(line["fault"])):
        for number, line in enumerate(found):
            name = _label(fault) if number == 0 else ""
            numbers = {key: value for key, value in line["numbers"].items() if key != "seed"}
            cells = [name, line["tried"], line["bar"], _said(numbers), line["numbers"].get("seed", "")]
            rows.append(f"| {' | '.join(_escaped(str(cell)) for cell in cells)} |\n")
    return HEAD + "".join(rows)


def _label(fault: str) -> str:
    return f"{fault} {NAMES[fault]}" if fault[1:].isdigit() else NAMES[fault]


def newest(lines: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the last of the lines that tell of the same trial."""
    return list({(line["fault"], line["tried"]): line for line in lines}.values())


def _said(numbers: Mapping[str, object]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_number(value)}" for name, value in numbers.items())


def _number(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) < 10**9 else str(value)
    if isinstance(value, list):
        return ", ".join(map(_number, value)) or "none"
    return str(value)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def collected(path: Path) -> list[dict[str, Any]]:
    """Return the lines of the file at *path*, one JSON document each."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]


def main(words: Sequence[str]) -> str | None:
    """Do what *words* say, and return what is wrong."""
    if words[:1] == ["--collect"]:
        lines = newest([line for line in collected(Path(words[1])) if line["long"]])
        FIGURES.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    if not FIGURES.exists():
        return None if words == ["--check"] else f"there are no figures in {FIGURES.name}: run make faults"
    text = page(collected(FIGURES))
    if words != ["--check"]:
        PAGE.write_text(text, "utf-8")
    elif not PAGE.exists() or PAGE.read_text("utf-8") != text:
        return "docs/faults.md is not what the figures say: run python tools/faults_table.py"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
