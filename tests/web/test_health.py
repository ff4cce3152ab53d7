"""Probes, monitoring and autoscalers are answered: by all means, at once, and without telling strangers of the jobs."""

from __future__ import annotations

import json
import re
import time

import pytest

from mainspring import App
from mainspring.metrics.histogram import BOUNDS
from mainspring.store import keys
from mainspring.web import Loopback, exporter
from mainspring.worker import Worker
from support import until
from web.client import Client
from web.test_clock_pages import settled

LINE = re.compile(r'mainspring_\w+(\{(\w+="([^"\\\n]|\\.)*",?)+\})? [-+\w.]+')


@pytest.fixture
def nobody(app):
    """Give the client of somebody who has not signed in."""
    return Client(app, auth=lambda _: None)


def numbers(client):
    body = client.get("/-/metrics").text
    assert all(LINE.fullmatch(line) for line in body.splitlines() if not line.startswith("#")), body
    return dict(line.rsplit(" ", 1) for line in body.splitlines() if not line.startswith("#"))


def worker(server, identity="host:1:ab", queues=("mail",), busy=2, **info):
    shown = {"hostname": "host", "pid": 1, "started_at": 1.0, "queues": list(queues)} | info
    server.client.sadd(keys.PROCESSES, identity)
    facts = {"info": json.dumps(shown), "busy": busy, "concurrency": 5, "beat": time.time(), "rss": 100}
    server.client.hset(identity, mapping=facts)
    server.client.expire(identity, 60)


def test_live_and_ready_ask_for_no_sign_in(nobody):
    assert (nobody.get("/-/live").status, nobody.get("/-/live").json()) == (200, {"status": "live"})
    assert (nobody.get("/-/ready").status, nobody.get("/-/ready").json()) == (200, {"status": "ready"})
    assert nobody.get("/-/ready?strict=1").status == 200


def test_without_the_store_it_lives_is_degraded_and_says_so_in_the_numbers(private_server):
    server = private_server()
    app = App(server.url)
    client = Client(app)
    assert client.get("/-/ready").json() == {"status": "ready"}
    server.kill9()
    client.dashboard._pages.changed()
    app.close()
    client = Client(app)

    assert client.get("/-/live").status == 200
    degraded = client.get("/-/ready")
    assert (degraded.status, degraded.json()["status"]) == (200, "degraded")
    assert client.get("/-/ready?strict=1").status == 503
    assert numbers(client) == {"mainspring_store_up": "0"}
    assert client.get("/-/scale").status == 503
    app.close()


def test_the_cluster_is_told_in_numbers(server, app):
    app.enqueue("send", [1], queue="mail")
    server.client.sadd(keys.QUEUES, 'a "b"\n')
    app.queue("mail").target = 2.5
    app.queue("mail").pause()
    worker(server)
    worker(server, "host:2:cd", queues=(), busy=0, role="clock")

    found = numbers(Client(app, role="viewer"))

    assert found["mainspring_store_up"] == "1"
    assert found['mainspring_queue_size{queue="mail"}'] == "1"
    assert found['mainspring_queue_size{queue="a \\"b\\"\\n"}'] == "0"
    assert found['mainspring_queue_target_seconds{queue="mail"}'] == "2.5"
    assert found['mainspring_queue_paused{queue="mail"}'] == "1"
    assert found['mainspring_processes{role="clock"}'] == "1"
    assert found['mainspring_process_rss_bytes{role="worker"}'] == "102400"
    assert found["mainspring_workers_busy"] == "2"
    assert found['mainspring_set_size{set="retry"}'] == "0"
    assert found['mainspring_jobs_total{outcome="ok"}'] == "0"
    assert float(found['mainspring_queue_oldest_seconds{queue="mail"}']) >= 0
    app.queue("mail").resume()


def test_what_comes_and_how_long_it_takes_is_counted_from_the_first_look(app):
    @app.job(name="send", queue="mail")
    def send(number: int) -> None: ...

    send.enqueue(0)
    client, asked = Client(app), Worker(app, 2, ("mail",))
    first = numbers(client)
    send.enqueue_many([(1,), (2,)])
    asked.start()
    until(lambda: app.stats().processed == 3)
    asked.stop()
    client.dashboard._pages.changed()

    found = numbers(client)

    assert first['mainspring_jobs_enqueued_total{queue="mail"}'] == "0"
    assert found['mainspring_jobs_enqueued_total{queue="mail"}'] == "2"
    for name in ('job_run_seconds{}class="send"', 'queue_wait_seconds{}queue="mail"'):
        assert found[f"mainspring_{name.format('_count{')}}}"] == "3"
        assert found[f'mainspring_{name.format("_bucket{")},le="+Inf"}}'] == "3"
        assert found[f'mainspring_{name.format("_bucket{")},le="5750"}}'] == "3"
    assert float(found['mainspring_queue_wait_seconds_sum{queue="mail"}']) > 0


def test_the_bounds_of_what_is_told_are_bounds_of_what_is_kept():
    assert set(exporter.LE) <= set(BOUNDS)
    assert len(exporter.MIDDLES) == len(BOUNDS) + 1


def test_the_clock_tells_its_lag_its_last_tick_and_what_became_of_ticks(server, app):
    client = Client(app)
    assert not [name for name in numbers(client) if "clock" in name]

    @app.job(name="report")
    def report() -> None: ...

    app.periodic.put("nightly", "report", cron="0 2 * * *")
    now = app.time.now()
    settled(
        server, "nightly", {"tick": now - 4000, "kind": "missed"}, {"tick": now - 90, "kind": "scheduled", "late": 2}
    )
    first = numbers(client)
    settled(server, "nightly", {"tick": now - 60, "kind": "scheduled", "late": 9}, {"tick": now - 40, "kind": "missed"})
    found = numbers(client)

    assert first['mainspring_clock_ticks_total{outcome="ok"}'] == "0"
    assert float(first["mainspring_clock_lag_seconds"]) == 2
    assert float(found["mainspring_clock_lag_seconds"]) == 9
    assert float(found["mainspring_clock_last_tick_timestamp_seconds"]) == pytest.approx(now - 40, abs=0.01)
    assert [
        found[f'mainspring_clock_ticks_total{{outcome="{each}"}}'] for each in ("ok", "late", "skipped", "missed")
    ] == [
        *("0", "1", "0", "1"),
    ]
    assert found["mainspring_clock_overdue_seconds"] == "0"
    app.periodic.delete("nightly")
    server.client.delete(keys.periodic_history("", "nightly"))


def test_an_autoscaler_gets_the_latency_and_size_of_what_workers_could_do(server, app):
    app.enqueue("send", [1], queue="mail")
    app.enqueue("send", [1], queue="low")
    app.enqueue("send", [1], queue="stopped")
    app.queue("stopped").pause()
    worker(server)
    client = Client(app)

    mail, both = client.get("/-/scale?queue=mail").json(), client.get("/-/scale?queue=mail,low&queue=stopped").json()

    assert (mail["size"], mail["busy"], mail["capacity"]) == (1, 2, 5)
    assert mail["latency"] > 0
    assert both["size"] == client.get("/-/scale").json()["size"] == 2
    assert client.get("/-/scale?queue=mail&value=size").text == "1"
    assert client.get("/-/scale?queue=mail&value=color").status == 400
    assert client.get("/-/scale?queue=nowhere").json()["size"] == 0
    app.queue("stopped").resume()


@pytest.mark.parametrize("path", ["/-/metrics", "/-/scale"])
def test_numbers_are_for_who_signs_in_and_for_programs_on_this_machine(app, nobody, path):
    assert nobody.get(path).status == 403
    assert nobody.get(path, {"host": "localhost:8080"}).status == 200
    assert nobody.get(path, {"host": "127.0.0.1", "x-forwarded-for": "10.0.0.9"}).status == 403
    assert Client(app, role="viewer").get(path).status == 200
    assert Client(app, auth=Loopback()).get("/queues", {"host": "evil.example"}).status == 403
