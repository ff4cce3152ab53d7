"""What the pages show works: every block of Python runs, and every command prints what the page says.

The blocks of a page run in order, in an empty folder, as a reader would type them:

* ``python title="jobs.py"`` is written into that file;
* ``console`` is typed, line by line after ``$``; the lines below must appear in this order,
  ``...`` standing for anything, one job's id for any. A worker, a clock or `dev` runs on until ``^C`` or the page's end;
* ``python`` without a title is part of one script that runs at the end, with line numbers of the page.

Blocks of other kinds (``text``, ``toml``) are for reading only.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from house.source import ROOT, files
from support import until

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
ALL_PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
# Those that a newcomer follows without any server.
EMBEDDED = {"README.md", "tutorial.md"}

FENCE = re.compile(r'^```(?P<kind>\w+)(?: title="(?P<title>[\w./-]+)")?\n(?P<text>.*?)^```$', re.MULTILINE | re.DOTALL)
# One job's id is as good as another's.
JID = re.compile(r"\b[0-9a-f]{24}\b")
RUNS_ON = re.compile(r"(?:[A-Z_]+=\S+ )*mainspring (worker|clock|dev)\b(?!.*--help)")


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    kind: str
    title: str | None
    text: str
    line: int


@dataclass
class Reader:
    """Somebody who follows a page in a folder."""

    folder: Path
    environment: dict[str, str]
    running: list[tuple[subprocess.Popen[bytes], Path]] = field(default_factory=list)

    def follow(self, page: str) -> None:
        """Do what *page* says, in order."""
        blocks = list(blocks_of(page))
        for block in blocks:
            if block.title is not None:
                (self.folder / block.title).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / block.title).write_text(block.text)
            elif block.kind == "console":
                for command, expected in commands(block.text):
                    self.type(command, expected)
        self.run_script([block for block in blocks if block.kind == "python" and block.title is None])

    def type(self, command: str, expected: list[str]) -> None:
        """Type *command* and compare what it prints."""
        if RUNS_ON.match(command):
            return self.start(command, expected)
        if command == "^C":
            return self.interrupt(expected)
        done = subprocess.run(
            command,
            shell=True,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        printed = done.stdout
        assert expected or done.returncode == 0, f"$ {command}\n{printed}"
        assert not (missing := absent(expected, printed)), f"$ {command}\n{printed}\nnot found: {missing}"
        return None

    def start(self, command: str, expected: list[str]) -> None:
        """Start a command that runs on, and wait until it has printed what is expected."""
        log = self.folder / f".output-{len(self.running)}"
        with log.open("wb") as out:
            process = subprocess.Popen(
                f"exec env {command}", shell=True, cwd=self.folder, env=self.environment, stdout=out, stderr=out
            )
        self.running.append((process, log))
        try:
            # Jobs run side by side, so their lines come in any order; and `print` writes a line and its end apart.
            until(lambda: all(_shape(line).search(log.read_text()) for line in expected), timeout=30)
        except AssertionError:
            printed = log.read_text()
            missing = [line for line in expected if not _shape(line).search(printed)]
            pytest.fail(f"$ {command}\n{printed}\nnot found: {missing}")

    def interrupt(self, expected: list[str]) -> None:
        """Press Ctrl-C in the terminal that was opened last."""
        process, log = self.running.pop()
        process.send_signal(signal.SIGINT)
        assert process.wait(40) == 0, log.read_text()
        assert not (missing := absent(expected, log.read_text())), f"^C\n{log.read_text()}\nnot found: {missing}"

    def run_script(self, blocks: list[Block]) -> None:
        """Run the page's loose Python as one script, each line at its place."""
        lines: list[str] = []
        for block in blocks:
            lines += [""] * (block.line - 1 - len(lines)) + block.text.splitlines()
        script = self.folder / "page.py"
        script.write_text("\n".join(lines))
        done = subprocess.run(
            [sys.executable, "-W", "error", script],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def stop(self) -> None:
        """Press Ctrl-C where something still runs; what the page killed has ended."""
        self.running = [(process, log) for process, log in self.running if process.poll() != -signal.SIGKILL]
        while self.running:
            self.interrupt([])


def blocks_of(page: str) -> Iterator[Block]:
    for found in FENCE.finditer(page):
        yield Block(found["kind"], found["title"], found["text"], page.count("\n", 0, found.start("text")) + 1)


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of a console block, with the lines that it shall print."""
    for part in re.split(r"^(?:\$ |(?=\^C$))", text, flags=re.MULTILINE)[1:]:
        command, *expected = part.splitlines()
        yield command, [line for line in expected if line.strip()]


def absent(expected: list[str], printed: str) -> str | None:
    """Return the first of the *expected* lines that is not there, after the ones before it."""
    lines = iter(printed.splitlines())
    for wanted in expected:
        if not any(_shape(wanted).fullmatch(line.strip()) for line in lines):
            return wanted
    return None


def _shape(line: str) -> re.Pattern[str]:
    return re.compile(r"\s+".join(map(_loosely, line.split())))


def _loosely(word: str) -> str:
    escaped = ".*".join(map(re.escape, word.split("...")))
    return JID.sub("[0-9a-f]{24}", escaped)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """Give an empty folder, and the command on the path."""
    programs = tmp_path / "bin"
    programs.mkdir()
    command = programs / "mainspring"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m mainspring "$@"\n')
    command.chmod(0o755)
    # A short path: the embedded store's socket lies in this folder.
    folder = tmp_path / "w"
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAINSPRING_", "REDIS_"))}
    environment |= {
        "PATH": f"{programs}:{Path(sys.executable).parent}:{environment['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        "PYTHONUNBUFFERED": "1",
        "NO_COLOR": "1",
        "COLUMNS": "120",
    }
    someone = Reader(folder, environment)
    yield someone
    for process, _ in someone.running:
        if process.poll() is None:
            process.kill()
            process.wait(10)


@pytest.mark.parametrize("page", [page for page in PAGES if page.name in EMBEDDED], ids=lambda page: page.name)
def test_a_newcomer_can_follow_the_page_without_a_server(page, reader):
    reader.follow(page.read_text())

    reader.stop()


@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in EMBEDDED], ids=lambda page: page.name)
def test_a_page_does_what_it_says(page, reader, server):
    reader.environment["MAINSPRING_URL"] = server.url

    reader.follow(page.read_text())

    reader.stop()


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.name)
def test_every_link_within_the_project_leads_somewhere(page):
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_code_still_says_what_the_page_of_errors_quotes():
    """The client library's words (``Connection refused``) are the system's; all others must be ours."""
    # A text that is broken over lines is one text.
    code = "\n".join(re.sub(r'"\s*\n\s*f?"', "", source.text) for source in files("src"))
    rows = re.findall(r"^\| `(.+?)`(?= )", (ROOT / "docs/errors.md").read_text(), re.MULTILINE)
    ours = [part.strip(" :") for row in rows for part in row.split("...")]
    theirs = {"Connection refused", "Name or service not known", "Timeout"}

    assert len(rows) > 30
    assert [part for part in ours if part not in code and part not in theirs] == []


@pytest.mark.parametrize(
    "page",
    [
        "```python\nraise ValueError\n```\n",
        "```python\nx = 1\n```\n```python\nassert x == 2\n```\n",
        '```python title="a.py"\nx = 1\n```\n```python\nimport a\nassert a.x == 2\n```\n',
        "```console\n$ echo one\ntwo\n```\n",
        "```console\n$ printf 'b\\na\\n'\na\nb\n```\n",
        "```console\n$ false\n```\n",
        "```console\n$ echo 'x = 1 y'\nx = ... z\n```\n",
    ],
)  # fmt: skip
def test_a_page_that_is_wrong_is_caught(page, reader):
    with pytest.raises(AssertionError):
        reader.follow(page)


def test_a_page_that_is_right_passes(reader):
    reader.follow(
        '```python title="a.py"\nx = 1\n```\n```text\nnot run\n```\n'
        "```console\n$ echo 'took 12 ms  well'\ntook ... ms   well\n$ true\n```\n"
        "```python\nfrom a import x\n```\ntext\n```python\nassert x == 1\n```\n"
    )


def test_an_error_in_a_page_is_shown_at_its_line(reader):
    with pytest.raises(AssertionError, match=r'page\.py", line 4'):
        reader.follow("# Title\n\n```python\nraise ValueError\n```\n")
