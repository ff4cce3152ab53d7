"""A worker's capsules come from the command line, else from pyproject.toml; and what is wrong is said before it starts."""

from __future__ import annotations

import signal

import pytest

from support import until

CAPSULES = """
    [tool.mainspring]
    app = "shop.jobs"

    [tool.mainspring.capsules]
    reports = "2:reports,archive"

    [tool.mainspring.capsules.default]
    concurrency = 4
    queues = { urgent = 6, default = 2 }

    [tool.mainspring.capsules.mails]
    concurrency = 3
    queues = ["mailers"]
"""


@pytest.fixture
def shown(start):
    """Return a function that starts a worker and gives the capsules of its banner."""

    def capsules(*arguments: str, **environment: str) -> list[str]:
        worker = start("worker", *arguments, **environment)
        until(lambda: "ready in" in worker.err or worker.process.poll() is not None, 60)
        lines = [" ".join(line.split()) for line in worker.err.splitlines()]
        worker.send(signal.SIGTERM)
        assert worker.wait() == 0, worker.err
        return [line.removeprefix("capsule ") for line in lines if line.startswith("capsule ")]

    return capsules


def test_pyproject_says_which_capsules_there_are(shown, write):
    write("pyproject.toml", CAPSULES)

    assert shown() == [
        "default 4 slots urgent\u00d76 default\u00d72",
        "reports 2 slots reports archive",
        "mails 3 slots mailers",
    ]


def test_the_command_line_may_change_the_slots_and_leave_the_rest(shown, write):
    write("pyproject.toml", CAPSULES)

    assert shown("-c", "1")[:2] == ["default 1 slot urgent\u00d76 default\u00d72", "reports 2 slots reports archive"]


@pytest.mark.parametrize(
    ("arguments", "environment", "capsules"),
    [
        (("-q", "low"), {}, ["default 10 slots low"]),
        (("--capsule", "x=1:low=3"), {}, ["default 10 slots default", "x 1 slot low\u00d73"]),
        ((), {"MAINSPRING_QUEUES": "low"}, ["default 10 slots low"]),
        ((), {"MAINSPRING_CAPSULES": "x=1:low"}, ["default 10 slots default", "x 1 slot low"]),
    ],
)
def test_whoever_names_queues_or_capsules_names_all(shown, write, arguments, environment, capsules):
    write("pyproject.toml", CAPSULES)

    assert shown(*arguments, **environment) == capsules


@pytest.mark.parametrize(
    ("table", "hint"),
    [
        ("capsules = 7", "tool.mainspring.capsules = 7 must be a table"),
        ("capsules.x = 7", "[tool.mainspring.capsules]: capsule 'x': 7 must be a table"),
        ("capsules.x = {slots = 2}", "[tool.mainspring.capsules]: capsule 'x' has no 'slots'"),
        ('capsules."a b" = {queues = ["low"]}', "[tool.mainspring.capsules]: 'a b' cannot name"),
    ],
)
def test_what_is_wrong_in_pyproject_is_said_with_its_place(ms, write, table, hint):
    write("pyproject.toml", f'[tool.mainspring]\napp = "shop.jobs"\n{table}\n')

    ended = ms("worker")

    assert ended.code == 2
    assert hint in ended.err
