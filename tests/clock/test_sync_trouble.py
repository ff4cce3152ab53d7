"""A source that fails, hangs or says nonsense takes nothing away, and keeps nobody else from being served."""

from __future__ import annotations

import json
import logging
import queue
import threading

import pytest

from clock.site import HOURLY, Site, making_sites, names, stored
from mainspring.clock import Sync
from support import until


@pytest.fixture
def sites(server):
    yield from making_sites(server.url)


def test_a_wrong_row_leaves_its_entry_as_it_is_and_the_others_go_on(server, sites, caplog):
    caplog.set_level(logging.INFO, "mainspring")
    rows = [HOURLY, {**HOURLY, "name": "b"}, {**HOURLY, "name": "c"}]
    site = sites(lambda: rows).start()
    site.until([["sweep", "b", "c"], [], []])
    before = stored(server, "b")["stamp"]

    rows = [{**HOURLY, "args": [1]}, {**HOURLY, "name": "b", "every": "often"}, {**HOURLY, "name": "c", "job": "no"}]
    site.until([["sweep"], [], ["b", "c"]])
    for _ in range(3):
        site.round()

    assert names(server) == ["b", "c", "sweep"]
    assert stored(server, "b")["stamp"] == before
    assert len(site.errors) == 2
    said = [record for record in caplog.records if getattr(record, "event", "") == "clock.row_wrong"]
    assert [record.facts["entry"] for record in said] == ["b", "c"]
    assert "'often' is not a duration" in said[0].getMessage()

    # Wrong in another way: said again. Right again: the entry follows its row.
    rows = [HOURLY, {**HOURLY, "name": "b", "every": "never"}, {**HOURLY, "name": "c", "args": [2]}]
    site.until([["sweep", "c"], [], ["b"]])
    assert len(site.errors) == 3


@pytest.mark.parametrize(
    "row",
    [
        None, 7, "sweep", [], {}, {"job": "sweep", "every": "1h"}, {**HOURLY, "name": None}, {**HOURLY, "name": ""},
        {**HOURLY, "name": 5},
    ],
)  # fmt: skip
def test_a_row_without_a_name_deletes_nothing_since_it_may_be_anybody_s(server, sites, row):
    rows = [HOURLY, {**HOURLY, "name": "b"}]
    site = sites(lambda: rows).start()
    site.until([["sweep", "b"], [], []])

    rows = [{**HOURLY, "args": [1]}, row]
    found = site.round()

    assert names(server) == ["b", "sweep"]
    assert (len(found.wrong), len(site.errors)) == (1, 1)
    assert json.loads(stored(server, "sweep")["def"])["args"] == [1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"cron": "* * * * * *"}, {"every": "0.1s"}, {"every": "1h", "description": "x" * 5_000},
        {"every": "1h", "args": ["x" * 20_000]}, {"every": "1h", "colour": "red"}, {"every": "1h", "if_": print},
        {"cron": "0 0 30 2 *"}, {"every": "1h", "tz": "Mars/Olympus"}, {"every": 1e999}, {"cron": b"* * * * *"},
        {"every": "1h", "start": "9999-12-31T23:59:59-14:00"}, {"every": "1h", "args": [object()]},
        {"cron": "* * * * *", "at": "12:00"}, {"every": "1h", "name": "x" * 10_000}, {"every": "1h", "name": "a\0b"},
        {5: 6, "every": "1h"},
    ],
)  # fmt: skip
def test_no_row_keeps_the_others_from_being_served(server, sites, wrong):
    site = sites(lambda: [{"name": "bad", "job": "sweep", **wrong}, HOURLY]).start()

    found = site.rounds.get(timeout=10)

    assert (found.defined, len(found.wrong)) == (("sweep",), 1)
    assert names(server) == ["sweep"]


def test_of_two_rows_with_one_name_the_first_counts(server, sites):
    site = sites(lambda: [{**HOURLY, "args": [1]}, {**HOURLY, "args": [2]}]).start()

    site.until([["sweep"], [], ["sweep"]])

    assert json.loads(stored(server, "sweep")["def"])["args"] == [1]
    assert "two rows have it" in str(site.errors[0])


def test_a_source_that_fails_deletes_nothing_and_is_reported_once(server, sites, caplog):
    caplog.set_level(logging.INFO, "mainspring")
    asked = queue.SimpleQueue()
    answers = [HOURLY]

    def read():
        asked.put(None)
        yield from answers or ()
        if answers is None:
            raise OSError("the database is gone")

    site = sites(read).start()
    site.until([["sweep"], [], []])
    before = stored(server, "sweep")["stamp"]
    answers = None
    while asked.qsize():
        asked.get()
    for _ in range(4):
        asked.get(timeout=10)

    assert stored(server, "sweep")["stamp"] == before
    assert [str(error) for error in site.errors] == ["the database is gone"]

    answers = [HOURLY, {**HOURLY, "name": "b"}]
    site.until([["b"], [], []])
    site.round()
    events = [getattr(record, "event", "") for record in caplog.records]
    assert (events.count("clock.source_failed"), events.count("clock.source_back")) == (1, 1)


@pytest.mark.parametrize("answer", [None, 5, object()])
def test_a_source_that_answers_nonsense_fails(server, sites, answer):
    gone = threading.Event()

    def read():
        return [HOURLY] if not gone.is_set() else answer

    site = sites(read).start()
    site.until([["sweep"], [], []])
    gone.set()

    until(lambda: site.errors)

    assert names(server) == ["sweep"]


def test_a_source_with_too_many_rows_is_not_believed(server, sites):
    def read():
        while True:
            yield HOURLY

    site = sites(read).start()

    until(lambda: site.errors)

    assert "more than 10,000" in str(site.errors[0])
    assert names(server) == []


def test_a_source_that_hangs_keeps_neither_others_nor_the_end_waiting(server, sites, caplog):
    hanging, asked = threading.Event(), threading.Event()

    def read():
        asked.set()
        hanging.wait(60)
        return [{**HOURLY, "name": "late"}]

    site = sites(lambda: [HOURLY])
    site.app.periodic.sync(read, "0.1s", name="slow")
    sync = Sync(site.app)
    rounds = queue.SimpleQueue()
    sync.synced = rounds.put
    sync.start()
    assert asked.wait(10)

    assert rounds.get(timeout=10).defined == ("sweep",)
    sync.stop()

    assert [record.event for record in caplog.records] == ["clock.source_hangs"]
    # What it answers after the end counts for nothing.
    hanging.set()
    for thread in threading.enumerate():
        if thread.name == "mainspring-source-slow":
            thread.join(10)
    assert names(server) == ["sweep"]


def test_entries_run_on_when_their_source_is_gone(server, sites):
    answers = [{**HOURLY, "every": "1s"}]

    def read():
        if not answers:
            raise OSError("the database is gone")
        return answers

    site = sites(read).start()
    first = site.ticks.get(timeout=10)
    answers = []

    until(lambda: site.errors)

    assert site.ticks.get(timeout=10).at == round(first.at + 1, 3)


def test_a_source_is_asked_again_when_the_store_is_back(private_server, caplog):
    server = private_server(aof=True, fsync="always")
    rows = [HOURLY]
    site = Site(server.url, lambda: rows).start()
    site.until([["sweep"], [], []])

    server.kill9()
    until(lambda: "store.gone" in [record.event for record in caplog.records if "source-rows" in record.getMessage()])
    rows = [{**HOURLY, "name": "b"}]
    server.start()

    site.until([["b"], ["sweep"], []])
    assert site.errors == []
    site.stop()
