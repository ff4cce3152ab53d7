"""What limiters let through can be seen and reset by a person who has nothing but the store."""

from __future__ import annotations

import json
import re

import pytest

from mainspring import App


@pytest.fixture
def limited(server):
    """A store with a limiter of each kind, all of which have been used."""
    app = App(server.url)
    assert app.limiter.concurrent("copy", 3, ttl="90s").acquire()
    assert app.limiter.bucket("hourly", 1000, "1h")(cost=999).acquire()
    assert app.limiter.window("partner", 10, "1s", wait=0).keyed("acme").acquire()
    assert app.limiter.leaky("mail", 60, "365d")(cost=30).acquire()
    assert app.limiter.points("shop", 1000, 0.0001)(cost=100).acquire()
    yield app
    app.close()


def test_limiters_are_listed(ms, limited):
    lines = [re.sub("  +", "|", line) for line in ms("limits").out.splitlines()]

    assert [line for line in lines if "partner" not in line] == [
        "NAME|KIND|LIMIT|USED|WAITING|TAKEN/H|REFUSED/H|OVER",
        "copy|concurrent|3 at once, each for 1 m 30 s at most|1|0|1|0|0%",
        "hourly|bucket|1,000 each 1 h|999|0|1|0|0%",
        "mail|leaky|60, drained in 365 d|30|0|1|0|0%",
        "shop|points|1,000, 0.0001 a second come back|100|0|1|0|0%",
    ]
    assert any(line.startswith("partner:acme|window|10 in any 1 s|") for line in lines)


def test_limiters_are_lines_of_json(ms, limited):
    found = [json.loads(line) for line in ms("limits", "list", "--json").out.splitlines()]

    assert [line["name"] for line in found] == ["copy", "hourly", "mail", "partner:acme", "shop"]
    counts = {"taken": 1, "refused": 0, "over_limit": 0.0}
    facts = {"name": "copy", "kind": "concurrent", "limit": 3, "span": 90.0, "used": 1.0, "waiting": 0}
    assert found[0] == facts | counts
    assert ms("limits", "--json").out.count("\n") == 5


def test_whom_a_limiter_refused_in_the_last_hour_is_told(ms, limited):
    shop = limited.limiter.points("shop", 1000, 0.0001, wait=0)
    for _ in range(3):
        assert not shop(cost=1000).acquire()

    lines = [re.sub("  +", "|", line) for line in ms("limits").out.splitlines()]

    assert [line.endswith("|1|3|75%") for line in lines if line.startswith("shop")] == [True]


def test_no_limiters_are_nothing_on_standard_output(ms):
    ended = ms("limits")

    assert (ended.code, ended.out) == (0, "")
    assert "no limiters" in ended.err


def test_limiters_are_reset(ms, limited):
    ended = ms("limits", "reset", "hourly", "copy", "--yes")

    assert (ended.code, ended.out.count("is as if it had not been used")) == (0, 2)
    assert [state.used for state in limited.limiters if state.name in {"hourly", "copy"}] == [0, 0]
    assert [round(state.used) for state in limited.limiters if state.name == "mail"] == [30]


def test_a_slip_is_noticed(ms, limited):
    ended = ms("limits", "reset", "hourli")

    assert (ended.code, ended.out) == (1, "")
    assert "did you mean hourly?" in ended.err
