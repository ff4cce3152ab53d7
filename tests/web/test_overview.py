"""The first page: counters, a chart from what is stored, what needs somebody; one round trip beside the snapshot."""

from __future__ import annotations

import json
from itertools import product

import pytest

from mainspring import App
from mainspring.metrics.recorder import Recorder
from mainspring.metrics.series import Deploy, Series
from mainspring.store import failures, metrics
from mainspring.store.failures import Noted
from mainspring.web import plots
from web.client import Client

HOSTILE = "</script><script>alert(1)</script>&'\""


def ran(app: App, name: str, ok: int, failed: int = 0, *, ago: float = 120.0, seconds: float = 0.1) -> None:
    """Count runs as a worker does."""
    recorder = Recorder()
    counts = recorder.of("default", name)
    for _ in range(ok):
        counts.ran(seconds)
        counts.waited(0.05)
    counts.failed = failed
    at = app.time.now() - ago
    app.store.run(metrics.add(recorder.take(at, f"{name}{at}")))


def noted(app: App, message: str = "503") -> None:
    now = app.time.now()
    facts = ("crm.sync", "HTTPError", message, "", "default", "")
    app.store.run(failures.note([Noted("ab12", facts, 7, now - 60, now, ["a"])], now=now))


def kpi(page, label: str) -> str:
    return next(each.text for each in page.all(".kpi") if each.one(".l").text == label)


def test_the_counters_say_how_much_is_done_and_what_waits(app):
    ran(app, "shop.a", 90, 10)
    for _ in range(3):
        app.enqueue("shop.a")
    app.queue("default").target = 60

    page = Client(app).get("/").page

    assert "20 /min" in kpi(page, "Throughput")
    assert "10.0 %" in kpi(page, "Failure rate")
    assert "target 1 m" in kpi(page, "Oldest waiting")
    assert "drains in" in kpi(page, "Enqueued")
    assert "0 / 0" in kpi(page, "Workers busy")


def test_the_page_is_one_round_trip_beside_the_snapshot(app):
    ran(app, "shop.a", 5)
    app.enqueue("shop.a")
    client = Client(app)
    client.get("/")
    client.dashboard._pages.changed()
    made: list[int] = []
    ask = app.store.pipeline
    app.store.pipeline = lambda commands: made.append(1) or ask(commands)  # type: ignore[method-assign]

    client.get("/?period=24h").page.one("h1")

    assert len(made) == 2


@pytest.mark.parametrize("hour", [0, 12, 23])
def test_the_chart_is_filled_from_what_is_stored(app, hour):
    # Late in the day, few runs are few a minute.
    app.time.now = lambda: 1_795_392_000.0 + 3600 * hour + 125
    ran(app, "shop.a", 60, 20)
    client = Client(app)

    for period, show in product(("5m", "1h", "24h", "7d", "90d"), ("jobs", "wait", "run")):
        page = client.get(f"/?show={show}&period={period}").page

        data = json.loads(page.one("script#main-data").text)
        assert len({len(line["values"]) for line in data["lines"]} | {len(data["times"])}) == 1
        assert any(value for value in data["lines"][0]["values"])
        assert page.one("figcaption").text.startswith("80 runs, 25.0 %" if show == "jobs" else "Half stay below")
        assert page.one("#main-canvas")["data-chart"] == "main-data"
        assert len(page.all("#main-table tbody tr")) <= 60


def test_a_deploy_is_marked_and_no_label_ends_the_block_that_holds_it(app):
    ran(app, "shop.a", 5)
    app.metrics.mark_deploy(HOSTILE)

    answer = Client(app).get("/")

    data = json.loads(answer.page.one("script#main-data").text)
    assert data["deploys"][0][1] == HOSTILE[:40]
    assert "<script>alert" not in answer.text


def test_what_needs_somebody_stands_beside_the_chart(app):
    noted(app, "password=hunter2 refused")
    app.enqueue("shop.a", queue="reports")

    page = Client(app).get("/").page

    attention = [each.text for each in page.all("ul.find li")]
    assert any("sync started failing 1 min ago" in text for text in attention)
    assert any("Queue reports has no worker" in text for text in attention)
    assert "/failures/ab12" in [link["href"] for link in page.all("ul.find a")]
    assert "hunter2" not in page.text


def test_where_nothing_is_wrong_it_says_so(app):
    assert "Nothing needs you" in Client(app).get("/").page.text


def test_all_checks_stand_on_a_page_of_their_own(app):
    app.enqueue("shop.a", queue="reports")

    page = Client(app).get("/checks").page

    wrong, well = page.all("ul.find")
    assert len(wrong.all("li")) == 1
    assert "No new errors" in well.text
    assert "1 needs somebody" in page.one(".head").text


def test_heaviest_and_most_failing_jobs_are_two_lists(app):
    ran(app, "shop.heavy", 5, seconds=9.0)
    ran(app, "shop.light", 50, 5, seconds=0.01)

    page = Client(app).get("/").page

    heavy = [row["id"] for row in page.all("tbody tr") if row.attributes.get("id", "").startswith("heavy-")]
    failing = [row["id"] for row in page.all("tbody tr") if row.attributes.get("id", "").startswith("failing-")]
    assert heavy == ["heavy-shop.heavy", "heavy-shop.light"]
    assert failing == ["failing-shop.light"]


def test_never_used_it_shows_three_lines_of_code(app):
    assert "add.enqueue(1, 2)" in Client(app).get("/").page.text


def test_a_gap_stays_a_gap_and_the_last_bucket_counts_for_as_long_as_it_has_run():
    # 30 runs of 150 to 225 ms, and as many waits of below 1 ms.
    record = (30, 0, 6_000, 12, 30, 46, 30)
    series = Series(60, (0, 60, 120), (record, None, record))

    runs = plots.durations(series, "run", [])
    rate = plots.throughput(series, [Deploy(60, "a")], now=150)

    assert runs.lines[0].values[1] is None
    assert runs.lines[0].values[0] is not None
    assert rate.lines[0].values == [30, 0, 60]
    assert rate.summary.endswith("1 deploy: a.")
    assert rate.data["unfinished"] is True


def test_a_chart_of_nothing_says_that_nothing_ran():
    series = Series(60, (0, 60), (None, None))

    assert plots.throughput(series, [], now=90).summary == "Nothing ran."
    assert plots.durations(series, "wait", []).summary == "Nothing ran."
