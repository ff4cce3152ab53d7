"""A schedule from elsewhere becomes a clock file that runs, and whose entries are due when they were due there.

`foreign/ticks.json` holds what fugit 1.14 makes of the expressions as they stand in the files.
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mainspring.cli import clockfile
from mainspring.schedule.foreign.reading import read

FOREIGN = Path(__file__).parent / "foreign"
FILES = sorted(file.name for file in FOREIGN.iterdir() if file.suffix not in {".out", ".json"})
TICKS = json.loads((FOREIGN / "ticks.json").read_text())
BEGIN = datetime(2026, 3, 27, 22, 30, tzinfo=UTC).timestamp()
# Entries by period: it, and whether the first run waits for one.
PERIODS = {
    "checks": (30, True),
    "at_once": (9000, False),
    "symbols": (2700, True),
    "keywords": (3600, True),
    "heartbeat": (60, True),
}


def written(text, tz=None):
    return clockfile.source(read(text, tz=tz or "UTC"), tz)


def run(text):
    """Run a clock file; return what it defines."""
    names = {"__name__": "clock"}
    exec(compile(text, "clock.py", "exec"), names)
    return names


def ticks(rule):
    """Return the next five ticks of a rule."""
    found = [BEGIN]
    for _ in range(5):
        found.append(rule.after(found[-1]))
    return [f"{datetime.fromtimestamp(tick, UTC):%Y-%m-%dT%H:%M:%SZ}" for tick in found[1:]]


def one(text):
    """Return the only entry of a clock file that is made of *text*."""
    (entry,) = run(written(text))["app"].schedule.values()
    return entry


@pytest.mark.parametrize("file", FILES)
def test_a_clock_file_is_what_is_expected(file):
    assert written((FOREIGN / file).read_text()) == (FOREIGN / f"{file}.out").read_text()


@pytest.mark.parametrize("file", FILES)
def test_a_clock_file_is_as_the_formatter_leaves_it(file):
    text = (FOREIGN / f"{file}.out").read_text()

    formatted = subprocess.run(
        [Path(sys.executable).with_name("ruff"), "format", "--isolated", "-"],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )

    assert formatted.stdout == text


@pytest.mark.parametrize("file", FILES)
def test_a_clock_file_runs_and_its_entries_are_due_as_they_were(file):
    entries = run((FOREIGN / f"{file}.out").read_text())["app"].schedule.values()

    due = {entry.name: ticks(entry.rule) for entry in entries if entry.every is None}
    periods = {entry.name: (entry.every, entry.skip_first_run) for entry in entries if entry.every is not None}

    # Fugit runs the first of the two only, and the file says so.
    if file == "sidekiq-cron.yml":
        del due["two_times"]
    assert due == TICKS[file]
    assert periods.items() <= PERIODS.items()


def test_a_command_runs_as_cron_runs_it(tmp_path):
    text = f'HOME={tmp_path}\nWHO="you there"\n@daily cat > out; echo $WHO >> out%hello%\n'

    run(written(text))["cat"]()

    assert (tmp_path / "out").read_text() == "hello\nyou there\n"


def test_a_command_that_fails_fails_its_job_which_is_not_retried():
    names = run(written("@daily exit 3"))

    with pytest.raises(subprocess.CalledProcessError):
        names["exit"]()
    assert names["exit"].options.retry.max == 0


def test_a_job_that_is_yet_to_be_written_says_so():
    hard = run(written("a: {class: Hard, cron: '@daily', args: [1]}"))["hard"]

    with pytest.raises(NotImplementedError, match="write here what Hard did"):
        hard(1)


def test_the_zone_that_is_asked_for_counts():
    text = written("0 9 * * * /opt/a", tz="Europe/Berlin")

    assert 'app = App(tz="Europe/Berlin")' in text
    assert "UTC" not in text
    assert run(text)["app"].schedule["a"].tz == "Europe/Berlin"


NASTY = ['it\'s "both"', "\\", "a\\'b", "{x}", "%s", "\u2028", "日本", '"""', "'''", "# no", "a\tb"]


@pytest.mark.parametrize("text", NASTY)
def test_no_text_of_an_entry_breaks_out(text):
    config = {"class": "A", "cron": "@daily", "args": [text, {text: [text]}], "description": text}

    entry = one(json.dumps({"a": config}))

    assert (entry.args, entry.description) == ((text, {text: [text]}), text)


@pytest.mark.parametrize("text", [*NASTY, "raise SystemExit", "import"])
def test_no_name_breaks_out(text):
    read_again = read(json.dumps({text: {"cron": "@daily"}, "b": {"class": "x", "every": "1h"}}))

    entries = run(clockfile.source(read_again, None))["app"].schedule

    assert list(entries) == ([text, "b"] if text.isprintable() else ["b"])


@pytest.mark.parametrize("end", ["\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\\\n"])
def test_no_line_that_is_quoted_runs(end):
    text = f"@daily /opt/a\n@reboot x {end}raise SystemExit(7)\n"
    if end == "\\\n":
        text = "@daily /opt/a\n@reboot x \\\n@reboot raise SystemExit(7)\n"

    assert list(run(written(text))["app"].schedule) == ["a"]


@pytest.mark.parametrize("number", ["-1", "1.5", "1e400", ".nan", "-.inf", "0x10", "true", "null"])
def test_no_number_breaks_out(number):
    run(written(f"a: {{class: A, cron: '@daily', args: [{number}]}}"))


@pytest.mark.parametrize(
    ("jobs", "functions"),
    [
        (["HardWorker", "Hard::Worker", "hard_worker"], ["hard_worker", "hard_worker_2", "hard_worker_3"]),
        (
            ["HTTPPing", "Import", "App", "app", "7Zip", "日本"],
            ["http_ping", "job_import", "app_2", "app_3", "job_7_zip", "job"],
        ),
    ],
)
def test_each_job_has_a_function_of_its_own(jobs, functions):
    names = run(written(json.dumps({f"e{n}": {"class": job, "cron": "@daily"} for n, job in enumerate(jobs)})))

    assert [names[function].name for function in functions] == jobs


# --- the command -----------------------------------------------------------------------------


def test_the_clock_file_is_printed_and_what_became_of_it_is_said(ms, project):
    (project / "crontab").write_text("@daily /opt/a\n@reboot /opt/b\n* * * * * /opt/c\n")

    ended = ms("cron", "import", "crontab")

    assert (ended.code, ended.out) == (0, written((project / "crontab").read_text()))
    assert ended.err == "crontab: 2 entries taken over; 1 not taken over, see line 2\n"


def test_what_was_left_out_is_said(ms, project):
    (project / "schedule.yml").write_text("a: {class: A, cron: '@daily', date_as_argument: true}\n")

    assert ms("cron", "import", "schedule.yml").err.endswith("1 entry taken over; something was left out in line 1\n")


def test_the_format_can_be_said(ms, project):
    (project / "crontab").write_text("@daily shop /opt/a\n")

    assert '"shop /opt/a"' in ms("cron", "import", "crontab").out
    assert '"/opt/a"' in ms("cron", "import", "crontab", "--format", "system-crontab").out


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        (b"a:\n  cron: <%= 1 %>\n", (), "schedule.yml: '<%= 1 %>': line 2: this is ERB"),
        (b"@daily a\nhello\n", (), "schedule.yml: 'hello': line 2: this is no line of a crontab"),
        (b"", (), "schedule.yml: 'the file': it is blank"),
        (b"a: \xff", (), "schedule.yml: this is no text in UTF-8: invalid start byte at byte 3"),
        (b"@daily a", ("--tz", "Europe/Londno"), "Europe/London"),
    ],
)
def test_what_cannot_be_read_is_1_with_the_line(ms, project, content, options, said):
    (project / "schedule.yml").write_bytes(content)

    ended = ms("cron", "import", "schedule.yml", *options)

    assert (ended.code, ended.out) == (1, "")
    assert said in ended.err


def test_a_file_that_is_not_there_is_a_wrong_use(ms):
    assert ms("cron", "import", "nothing.yml").code == 2


def test_without_pyyaml_it_is_a_matter_of_configuration(ms, project, monkeypatch):
    (project / "schedule.yml").write_text("a: {class: A, cron: '@daily'}\n")
    monkeypatch.setitem(sys.modules, "yaml", None)

    ended = ms("cron", "import", "schedule.yml")

    assert ended.code == 78
    assert 'pip install "mainspring[yaml]"' in ended.err
