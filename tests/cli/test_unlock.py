"""Whoever has the arguments can see from a shell that a unique job is there, and take its lock away."""

from __future__ import annotations

import json

import pytest

from mainspring.store import keys

UNIQUE = """
    from mainspring import App

    app = App()

    @app.job(unique_for="1h")
    def sync(customer: str, deep: bool = False) -> None: ...

    @app.job
    def plain() -> None: ...
"""


@pytest.fixture
def unique(ms, write):
    write("unique.py", UNIQUE)
    return ms


def test_a_lock_is_taken_away_and_the_job_stays(unique, server):
    first = unique("enqueue", "-A", "unique", "sync", "7").out

    assert unique("unlock", "-A", "unique", "sync", "--kw", "customer=7").out == "unlocked\n"
    ended = unique("unlock", "-A", "unique", "sync", "7")

    assert (ended.code, ended.out, ended.err) == (1, "", "no job held that lock\n")
    assert server.client.llen(keys.queue("default")) == 1
    assert unique("enqueue", "-A", "unique", "sync", "7").out != first


def test_a_duplicate_prints_the_id_of_the_job_in_its_place(unique):
    first = unique("enqueue", "-A", "unique", "sync", "7")

    second = unique("enqueue", "-A", "unique", "sync", "7")

    assert (second.code, second.out) == (0, first.out)
    assert "it was not enqueued again" in second.err


def test_the_queue_is_a_part_of_the_lock(unique):
    unique("enqueue", "-A", "unique", "sync", "7", "--queue", "low")

    assert json.loads(unique("unlock", "-A", "unique", "sync", "7", "--json").out) == {
        "job": "unique.sync",
        "unlocked": False,
    }
    assert unique("unlock", "-A", "unique", "sync", "7", "--queue", "low").code == 0


def test_a_job_that_is_not_unique_is_told_so(unique):
    assert "has no lock" in unique("unlock", "-A", "unique", "plain").err
