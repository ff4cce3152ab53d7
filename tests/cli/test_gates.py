"""Who waits for what can be seen by a person who has nothing but the store."""

from __future__ import annotations

import json
import re

import pytest

from mainspring import App
from mainspring.store import gates


@pytest.fixture
def crowded(server):
    """A store in which jobs wait by gates of each kind."""
    app = App(server.url)
    allowed = {
        "c:sync": "2",
        "t:default": "1",
        "window:partner": "1:60000000",
        "concurrent:copy": "1:1000000",
        "q:low": "1",
    }
    app.store.run(gates.define(allowed))
    partner, copy = app.limiter.window("partner", 1, "1m"), app.limiter.concurrent("copy", 1, ttl="1s")
    for name, options in {
        "sync": {"concurrency": 2},
        "turn": {"fair_by": lambda a: a.school},
        "call": {"limits": [partner]},
        "print": {"limits": [copy]},
    }.items():
        app.job(name=name, **options)(lambda school="acme": None)
        app.jobs[name].enqueue_many([("acme",)] * 3)
    yield app
    app.close()


def test_gates_are_listed(ms, crowded):
    lines = [re.sub("  +", "|", line) for line in ms("gates").out.splitlines()]

    assert lines == [
        "GATE|KIND|ALLOWS|HELD|WAITING",
        "c:sync|job|2 at once|2|1",
        "concurrent:copy|concurrent|1 at once|1|2",
        "t:default:acme|turn|its share of 1 slots|1|2",
        "window:partner|window|1 each 1 m|1|2",
    ]


def test_gates_are_lines_of_json(ms, crowded):
    found = [json.loads(line) for line in ms("gates", "--json").out.splitlines()]

    assert found[0] == {"name": "c:sync", "kind": "job", "most": 2, "per": None, "held": 2, "waiting": 1}


def test_a_queues_line_says_how_many_wait_in_lanes(ms, crowded):
    (line,) = ms("queues").out.splitlines()[1:]

    assert line.split()[:2] == ["default", "5"]
    assert line.endswith("7 in lanes")


def test_no_gates_are_nothing_on_standard_output(ms):
    ended = ms("gates")

    assert (ended.code, ended.out) == (0, "")
    assert "no job waits" in ended.err
