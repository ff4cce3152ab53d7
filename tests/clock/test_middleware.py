"""A tick goes the way of every enqueue: a middleware may stop its job, or change its queue and its time."""

from __future__ import annotations

import json
import queue

import pytest

from clock.stored import entry, history
from mainspring import App
from mainspring.clock import Clock, Tick
from mainspring.schedule.ticks import text
from mainspring.store import keys
from pushes import NOW


@pytest.fixture
def app(server):
    app = App(server.url)
    app.every("1h", app.job(name="report")(lambda: None))
    yield app
    app.close()


@pytest.fixture
def tick(app):
    """Run a clock until it has settled so many ticks."""
    made: list[Clock] = []

    def settle() -> Tick:
        clock, ticks = Clock(app), queue.SimpleQueue()
        made.append(clock)
        clock.ticked = ticks.put
        clock.start()
        return ticks.get(timeout=15)

    yield settle
    for clock in made:
        assert clock.stop()


def test_a_middleware_stops_the_job_of_a_tick_and_the_tick_is_done(server, app, tick, caplog):
    caplog.set_level("INFO", logger="mainspring.clock")

    def stops(push):
        return
        yield

    app.use(enqueue=stops)

    settled = tick()

    assert (settled.entry, settled.won, settled.kind, settled.why) == ("report", False, "skipped", "middleware")
    assert history(server, "report") == [{"tick": settled.at, "kind": "skipped", "why": "middleware"}]
    assert entry(server, "report")["last"] == text(settled.at)
    assert not server.exists(keys.queue("default"))
    assert not server.exists(keys.SCHEDULE)
    (record,) = [record for record in caplog.records if record.event == "clock.skipped"]
    assert record.facts == {"entry": "report", "tick": text(settled.at), "why": "middleware"}


def test_a_middleware_puts_the_job_of_a_tick_off(server, app, tick):
    def puts_off(push):
        push.queue, push.at = "low", NOW + 1e9
        yield

    app.use(enqueue=puts_off)

    settled = tick()

    ((raw, score),) = server.client.zrange(keys.SCHEDULE, 0, -1, withscores=True)
    record = json.loads(raw)
    assert score == NOW + 1e9
    assert (record["queue"], record["jid"], "enqueued_at" in record) == ("low", settled.jid, False)
    assert (settled.won, server.exists(keys.queue("low"))) == (True, False)
    (told,) = history(server, "report")
    assert (told["kind"], told["jid"]) == ("scheduled", settled.jid)
