"""Every end has its exit code and says why, and none shows a traceback."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

import servers
from mainspring.cli.main import run
from mainspring.cli.options import Session
from mainspring.store import keys

SOURCE = Path(__file__).parents[2] / "src"


def test_help_fits_one_screen_and_has_three_examples(ms):
    ended = ms("--help")

    assert ended.code == 0
    assert len(ended.out.splitlines()) <= 46
    assert ended.out.count("\n    mainspring ") == 3


COMMANDS = (
    "metrics",
    "deploy-mark",
    "dev",
    "worker",
    "clock",
    "enqueue",
    "run",
    "stats",
    "queues",
    "jobs",
    "retry",
    "kill",
    "delete",
    "quiet",
)


@pytest.mark.parametrize("command", [*COMMANDS, "stop", "embedded", "bench"])
def test_each_command_has_help_with_three_examples(ms, command):
    ended = ms(command, "--help")

    assert ended.code == 0
    assert len(ended.out.splitlines()) <= 50
    assert ended.out.split("Examples:")[1].count("mainspring ") >= 3
    assert "\t" not in ended.out


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("wroker",), "Did you mean worker?"),
        (("-A", "shop.jobs", "worker"), "comes after the command: mainspring worker -A shop.jobs"),
        (("worker", "--concurency", "3"), "--concurrency"),
        (("worker", "-A", "shop.jobs", "-c", "0"), "1<=x<=1000"),
        (("worker", "-A", "shop.jobs", "-q", "a,b"), "critical,6"),
        (("worker", "-A", "shop.jobs", "-q", "a b"), "cannot name a queue"),
        (("worker", "-A", "shop.jobs", "--capsule", "x"), "reports=2:reports"),
        (("worker", "-A", "shop.jobs", "--capsule", "default=2:low"), "two capsules"),
        (("worker", "-A", "shop.jobs", "--timeout", "soon"), "not a duration"),
        (("enqueue", "-A", "shop.jobs", "add", "--at", "tomorrow"), "this is no time"),
        (("enqueue", "-A", "shop.jobs", "add", "--at", "2026-12-24T18:00"), "in which zone?"),
        (("enqueue", "-A", "shop.jobs", "add", "--at", "2026-12-24T18:00Z", "--in", "5m"), "give one"),
        (("enqueue", "-A", "shop.jobs", "add", "--kw", "x"), "NAME=VALUE"),
        (("enqueue", "-A", "shop.jobs", "add", "1", "2", "--quue", "low"), "No such option: --quue"),
        (("run", "-A", "shop.jobs", "add", "-x"), "No such option: -x"),
        (("retry",), "say which"),
        (("retry", "a", "--all"), "say which"),
        (("quiet",), "say which"),
    ],
)
def test_what_was_typed_wrongly_is_2_and_shows_what_would_be_right(ms, arguments, hint):
    ended = ms(*arguments)

    assert ended.code == 2
    assert hint in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("command", [("queues",), ("worker", "-A", "shop.jobs"), ("clock", "-A", "shop.jobs")])
def test_no_server_is_69(ms, monkeypatch, command):
    monkeypatch.setenv("MAINSPRING_URL", f"redis://127.0.0.1:{servers.free_port()}/0")

    ended = ms(*command)

    assert ended.code == 69
    assert "start the server, or set MAINSPRING_URL" in ended.err
    assert "Traceback" not in ended.err


def test_no_server_at_an_enqueue_is_69_and_says_that_nothing_is_stored(ms, monkeypatch):
    monkeypatch.setenv("MAINSPRING_URL", f"redis://127.0.0.1:{servers.free_port()}/0")

    ended = ms("enqueue", "-A", "shop.jobs", "add", "1", "2")

    assert ended.code == 69
    assert "not stored" in ended.err


def test_a_wrong_scheme_is_78(ms, monkeypatch):
    monkeypatch.setenv("MAINSPRING_URL", "http://localhost")

    ended = ms("queues")

    assert ended.code == 78
    assert "must begin with one of redis://" in ended.err


def test_a_wrong_password_is_78_and_is_not_shown(ms, monkeypatch, private_server):
    locked = private_server(password="right")
    monkeypatch.setenv("MAINSPRING_URL", locked.url.replace("right", "secret"))

    ended = ms("queues")

    assert ended.code == 78
    assert "password" in ended.err
    assert "secret" not in ended.err


def test_a_full_server_is_1_and_says_what_to_do(ms, monkeypatch, private_server):
    full = private_server(maxmemory="1")
    monkeypatch.setenv("MAINSPRING_URL", full.url)

    ended = ms("enqueue", "-A", "shop.jobs", "add", "1", "2")

    assert ended.code == 1
    assert "maxmemory" in ended.err
    assert full.keys() == set()


def test_a_setting_that_cannot_be_is_78_before_anything_is_said(ms, monkeypatch):
    monkeypatch.setenv("MAINSPRING_BEAT", "20s")

    ended = ms("worker", "-A", "shop.jobs")

    assert ended.code == 78
    assert ended.err.startswith("mainspring: MAINSPRING_LEASE")


def test_a_full_disk_is_1(project, server):
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "mainspring", "stats"],
            env=os.environ | {"PYTHONPATH": str(SOURCE)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert (ended.returncode, ended.stderr) == (1, "mainspring: cannot go on: [Errno 28] No space left on device\n")


def test_a_closed_standard_output_does_no_harm(project, server, make_jobs):
    make_jobs(1)
    command = f"{sys.executable} -m mainspring queues >&-; echo $?"

    ended = subprocess.run(
        ["sh", "-c", command], env=os.environ | {"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=True
    )

    assert (ended.stdout, ended.stderr) == ("0\n", "")


@pytest.mark.parametrize(
    "command", [("queues", "clear", "default"), ("delete", "--all", "--state", "waiting"), ("kill", "--all")]
)
@pytest.mark.parametrize(("answer", "code"), [("n\n", 130), ("y\n", 0)])
def test_a_person_is_asked_before_jobs_are_lost(project, server, make_jobs, monkeypatch, command, answer, code):
    make_jobs(2)
    monkeypatch.setattr("mainspring.cli.options.is_terminal", lambda stream: True)
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))

    assert run(command, Session()) == code

    if code:
        assert server.client.llen(keys.queue("default")) == 2


def test_a_bug_of_ours_is_70_in_one_line(ms, monkeypatch):
    monkeypatch.setattr("mainspring.cli.boot.any_app", lambda name: 1 / 0)

    ended = ms("queues")

    assert ended.code == 70
    assert (
        ended.err == "mainspring: ZeroDivisionError: division by zero; this is a bug in mainspring, please report it\n"
    )


def test_ctrl_c_is_130_without_a_word(ms, monkeypatch):
    def interrupt(name):
        raise KeyboardInterrupt

    monkeypatch.setattr("mainspring.cli.boot.any_app", interrupt)

    ended = ms("queues")

    assert ended.code == 130
    assert ended.err.strip() == ""


def test_a_reader_that_leaves_ends_the_command_silently(project, server, make_jobs):
    make_jobs(5000)
    command = f"{sys.executable} -m mainspring jobs --limit 0 --json | head -n 1; echo ${{PIPESTATUS[0]}}"

    ended = subprocess.run(
        ["bash", "-c", command],
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert ended.stdout.splitlines()[1:] == ["0"]
    assert ended.stderr == ""


def test_the_command_asks_for_nothing_heavy_before_it_must(project):
    code = (
        "import sys; from mainspring.cli.main import run; from mainspring.cli.options import Session;"
        "run(['worker', '--help'], Session()); print(*sorted({m.split('.')[0] for m in sys.modules}))"
    )

    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=True,
    )

    loaded = set(ended.stdout.splitlines()[-1].split())
    assert loaded & {"redis", "rich", "textual", "watchfiles", "uvloop", "jinja2"} == set()
