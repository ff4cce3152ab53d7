"""A table's rows are a clock's entries: they appear, change and vanish with them, on any number of clocks."""

from __future__ import annotations

import json
import queue
import sqlite3
import threading

import pytest
import sqlalchemy as sa

from clock.site import HOURLY, NOTHING, jids, making_sites, names, stored
from mainspring import App
from mainspring.base.timesource import TimeSource
from mainspring.clock import Clock, Sync
from mainspring.clock.ledger import TRUST, Ledger
from mainspring.clock.rows import Reader
from mainspring.schedule.row import Row
from mainspring.store import entries, keys
from mainspring.store.entries import Definition

RECORD = b'{"job":"shop.sweep","every":3600.0}'


@pytest.fixture
def sites(server):
    yield from making_sites(server.url)


# --- a table ------------------------------------------------------------------------


@pytest.fixture
def table(tmp_path):
    """Give a table of entries in SQLite, and a source that reads it."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'office.db'}")
    metadata = sa.MetaData()
    made = sa.Table(
        "entry",
        metadata,
        sa.Column("name", sa.String, primary_key=True),
        *(sa.Column(key, sa.String) for key in ("job", "every", "cron", "at", "tz", "queue")),
        sa.Column("args", sa.JSON(none_as_null=True)),
        sa.Column("paused", sa.Boolean),
    )
    metadata.create_all(engine)

    def write(statement):
        with engine.begin() as connection:
            connection.execute(statement)

    def read():
        with engine.connect() as connection:
            return connection.execute(sa.select(made)).mappings().all()

    yield made, write, read
    engine.dispose()


def test_rows_of_a_table_appear_change_and_vanish_on_two_clocks(server, sites, table):
    made, write, read = table
    one, other = sites(read).start(), sites(read).start()
    ticks = queue.SimpleQueue()
    one.clock.ticked = other.clock.ticked = ticks.put
    write(made.insert().values(name="sweep", job="sweep", every="1h", args=[1]))

    # The clock that came second may tell of it first.
    while not ticks.get(timeout=10).won:
        pass
    first = stored(server, "sweep")
    assert (first["origin"], json.loads(first["def"])["args"]) == ("sync:rows", [1])

    # Other arguments: the entry keeps its phase and does not run again.
    write(made.update().values(args=[2]))
    for site in (one, other):
        site.round()
    second = stored(server, "sweep")
    assert json.loads(second["def"])["args"] == [2]
    assert [second[key] for key in ("anchor", "since", "last")] == [first[key] for key in ("anchor", "since", "last")]

    # Another period: the ticks of the same phase count from now on.
    write(made.update().values(every="1s"))
    found = [ticks.get(timeout=10) for _ in range(4)]
    assert {round(tick.at - float(first["anchor"]), 3) % 1 for tick in found} == {0.0}

    write(made.delete())
    for site in (one, other):
        site.round()
    assert names(server) == []
    assert len(jids(server)) == len(set(jids(server)))


def test_a_row_of_sqlite3_will_do(server, sites, tmp_path):
    connection = sqlite3.connect(tmp_path / "office.db", check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("CREATE TABLE entry (name, job, every, cron)")
    connection.execute("INSERT INTO entry VALUES ('sweep', 'sweep', NULL, '0 9 * * *')")

    site = sites(lambda: connection.execute("SELECT * FROM entry").fetchall()).start()
    site.until([["sweep"], [], []])

    assert json.loads(stored(server, "sweep")["def"])["cron"] == "0 9 * * *"
    site.clock.stop()
    connection.close()


# --- what is written ------------------------------------------------------------------


def test_what_stays_as_it_is_is_not_written_again(server, sites):
    site = sites(lambda: [HOURLY, Row(name="more", job="sweep", cron="0 9 * * *")]).start()
    assert site.ticks.get(timeout=10).won
    before = server.client.get(keys.periodic_version("")), stored(server, "sweep"), stored(server, "more")
    server.client.config_resetstat()

    for _ in range(3):
        assert site.round() == NOTHING

    assert (server.client.get(keys.periodic_version("")), stored(server, "sweep"), stored(server, "more")) == before
    assert "cmdstat_hset" not in server.client.info("commandstats")


def test_only_what_has_changed_is_sent(server, sites):
    rows = [{**HOURLY, "name": f"{n:04}"} for n in range(1_200)]
    site = sites(lambda: rows).start()
    site.until([[row["name"] for row in rows], [], []])

    rows = [*rows[:-1], {**rows[-1], "every": "2h"}]

    site.until([["1199"], [], []])


def test_a_row_may_be_a_generator_s_or_a_row(server, sites):
    def read():
        yield HOURLY
        yield Row(name="more", job="sweep", cron="0 9 * * *", options={"paused": True})

    sites(read).start().until([["sweep", "more"], [], []])

    assert "paused" in stored(server, "more")


def test_what_lost_its_row_while_no_clock_ran_is_deleted(server, sites):
    gone = [{**HOURLY, "name": name} for name in "abc"]
    first = sites(lambda: gone).start()
    first.until([list("abc"), [], []])
    first.clock.stop()

    sites(lambda: gone[:1]).start().until([[], ["b", "c"], []])

    assert names(server) == ["a"]
    assert not server.exists(keys.periodic_entry("", "b"))


def test_what_is_deleted_by_hand_comes_back_as_long_as_it_has_a_row(server, sites):
    site = sites(lambda: [HOURLY]).start()
    site.until([["sweep"], [], []])

    site.app.periodic.delete("sweep")

    site.until([["sweep"], [], []])


def test_a_pause_outlasts_a_change_of_the_row(server, sites):
    rows = [HOURLY]
    site = sites(lambda: rows).start()
    site.until([["sweep"], [], []])
    site.app.periodic.pause("sweep")

    rows = [{**HOURLY, "args": [1]}]
    site.until([["sweep"], [], []])

    assert site.app.periodic["sweep"].is_paused


# --- whose it is ------------------------------------------------------------------------


def test_a_source_leaves_alone_what_is_not_its_own(server, sites):
    site = sites(lambda: [{**HOURLY, "name": name} for name in ("api", "code", "other", "own")])
    site.app.every("1h", "sweep", name="code")
    site.app.store.run(entries.define("", [Definition("other", "s", "w", RECORD)], origin="sync:others"))
    site.app.store.run(entries.define("", [Definition("stranger", "s", "w", RECORD)], origin="api"))
    site.app.periodic.put("api", "sweep", every="2h")
    Clock(site.app).step()
    before = [stored(server, name)["stamp"] for name in ("api", "code", "other", "stranger")]

    site.start().until([["own"], [], ["api", "code", "other"]])
    site.round()

    assert [stored(server, name)["stamp"] for name in ("api", "code", "other", "stranger")] == before
    assert names(server) == ["api", "code", "other", "own", "stranger"]
    assert sorted(str(error) for error in site.errors) == [
        "'api': name: an entry that was put through the API has it, and is changed there",
        "'code': name: an entry in code has it, and is changed there",
        "'other': name: an entry of sync:others has it, and is changed there",
    ]


def test_two_sources_of_one_app_do_not_disturb_each_other(server, sites):
    site = sites(lambda: [HOURLY])
    rounds = queue.SimpleQueue()
    site.app.periodic.sync(lambda: [{**HOURLY, "name": "more"}], "0.1s", name="others")
    sync = Sync(site.app)
    sync.synced = rounds.put
    sync.start()

    found = [rounds.get(timeout=10) for _ in range(12)]
    sync.stop()

    assert {(one.source, one.defined) for one in found if one.defined} == {("rows", ("sweep",)), ("others", ("more",))}
    assert {one.removed for one in found} == {()}


# --- two clocks with one source -----------------------------------------------------------


def test_a_clock_that_read_old_rows_does_not_take_a_new_entry_away(server, sites):
    """One clock has read the table before a row came, and looks into the store after another clock has stored it."""
    reading, go_on = threading.Event(), threading.Event()
    rows = []

    def slowly():
        found = list(rows)
        reading.set()
        assert go_on.wait(10)
        return found

    slow, quick = sites(slowly).start(), sites(lambda: list(rows))
    assert reading.wait(10)
    rows.append(HOURLY)
    quick.start().until([["sweep"], [], []])
    anchor = stored(server, "sweep")["anchor"]

    go_on.set()
    found = [slow.rounds.get(timeout=10) for _ in range(3)]

    assert [one.removed for one in found] == [(), (), ()]
    assert stored(server, "sweep")["anchor"] == anchor


def test_a_changed_row_is_written_once_by_two_clocks(server, sites):
    rows = [HOURLY]
    one, other = sites(lambda: rows).start(), sites(lambda: rows).start()
    for site in (one, other):
        site.round()

    rows = [{**HOURLY, "every": "2h"}]
    found = [site.rounds.get(timeout=10) for _ in range(5) for site in (one, other)]

    assert [each.defined for each in found if each != NOTHING] == [("sweep",)]


class Stepped(TimeSource):
    """A clock that stands until the test moves it."""

    def __init__(self):
        self.at = 0.0

    def monotonic(self):
        return self.at


def test_what_another_release_has_written_is_put_right_in_a_minute(server):
    app = App(server.url, time=Stepped())
    app.job(name="shop.sweep")(lambda: None)
    app.periodic.sync(lambda: [HOURLY], name="rows")
    ledger, reader = Ledger(app, app.sources[0]), Reader(app)
    ledger.settle(reader.read([HOURLY]), ledger.names())
    right = stored(server, "sweep")["stamp"]
    older = [Definition("sweep", "older", "w", RECORD), Definition("left", "older", "w", RECORD)]
    app.store.run(entries.define("", older, origin="sync:rows"))

    found = []
    for app.time.at in (1.0, TRUST, TRUST + 1):
        found.append(ledger.settle(reader.read([HOURLY]), ledger.names()))

    assert found == [([], ["left"]), ([], []), (["sweep"], [])]
    assert stored(server, "sweep")["stamp"] == right
    app.close()
