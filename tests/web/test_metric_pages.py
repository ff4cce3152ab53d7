"""The metrics' pages: what ran, how long and how often it failed, of all, of a job and of a queue."""

from __future__ import annotations

import json

import pytest

from mainspring import App
from mainspring.metrics.histogram import BUCKETS
from mainspring.metrics.recorder import Recorder
from mainspring.metrics.series import Deploy
from mainspring.store import metrics
from mainspring.web import histograms
from web.client import Client

HOSTILE = "<script>alert(1)</script>&'\"/x"


def ran(app: App, name: str, runs: int, seconds: float, *, failed: int = 0, queue: str = "default") -> None:
    """Count runs as a worker does."""
    recorder = Recorder()
    counts = recorder.of(queue, name)
    for _ in range(runs):
        counts.ran(seconds)
        counts.waited(seconds / 10)
    counts.failed = failed
    at = app.time.now() - 90
    app.store.run(metrics.add(recorder.take(at, f"{name}{queue}")))


@pytest.fixture
def shop(app: App) -> App:
    ran(app, "shop.slow", 10, 4.0, failed=1)
    ran(app, "shop.quick", 90, 0.02, queue="fast")
    ran(app, HOSTILE, 50, 0.5, failed=30)
    return app


def names(page) -> list[str]:
    return [row.one("b").text for row in page.all("tbody tr[id]") if row["id"].startswith("metric-")]


def test_jobs_are_ordered_by_what_the_link_of_a_column_says(shop):
    client = Client(shop)

    page = client.get("/metrics").page

    assert names(page) == ["shop.slow", HOSTILE, "shop.quick"]
    links = {link.text: link["href"] for link in page.all("th a")}
    assert names(client.get(links["Runs"]).page) == ["shop.quick", HOSTILE, "shop.slow"]
    assert names(client.get(links["Failed"]).page)[0] == HOSTILE
    assert names(client.get(links["Job"]).page) == [HOSTILE, "shop.quick", "shop.slow"]
    sorted_by = [each.text for each in client.get(links["Failed"]).page.all("th[aria-sort]")]
    assert sorted_by == ["Failed ▾"]


def test_a_row_says_percentiles_and_the_share_of_the_capacity(shop):
    row = Client(shop).get("/metrics").page.one('tr[id="metric-shop.slow"]')

    cells = [cell.text for cell in row.all("td")]
    assert cells[1:3] == ["11", "1"]
    assert cells[9] == "59.9 %"
    assert cells[7].endswith(" s")


def test_queues_are_told_apart_as_well(shop):
    assert sorted(names(Client(shop).get("/metrics?by=queue").page)) == ["default", "fast"]


@pytest.mark.parametrize(("query", "runs"), [("class=shop.slow", "11"), ("queue=fast", "90")])
def test_one_has_counters_charts_histograms_and_a_heat_map(shop, query, runs):
    shop.metrics.mark_deploy("a91f3c", shop.time.now() - 300)

    page = Client(shop).get(f"/metrics?{query}").page

    assert page.all(".kpi .v")[0].text == runs
    assert len(page.all("svg.histogram")) == 2
    assert "deploy a91f3c" in page.one("svg.heat").text
    charts = [json.loads(script.text) for script in page.all("script[type=application/json]")]
    assert [chart["unit"] for chart in charts] == ["/min", "ms", "ms"]
    assert all(chart["deploys"] for chart in charts)


def test_a_hostile_name_leads_to_its_page_and_runs_nothing(shop):
    client = Client(shop)
    link = next(link for link in client.get("/metrics").page.all("td a") if link.text == HOSTILE)

    answer = client.get(link["href"])

    assert answer.page.one("h1").text == f"Metrics / {HOSTILE}"
    assert "<script>alert" not in answer.text


def test_what_never_ran_says_so_and_where_to_look(shop):
    page = Client(shop).get("/metrics?class=shop.unknown").page

    assert "Nothing of this ran in 1h" in page.text
    assert "period=90d" in page.one(".empty a")["href"]


def test_a_filter_keeps_names_and_says_how_many_there_are(shop):
    client = Client(shop)

    assert names(client.get("/metrics?q=QUICK").page) == ["shop.quick"]
    assert "Nothing matches. 3 exist." in client.get("/metrics?q=zzz").page.text


def test_it_is_one_round_trip_beside_the_snapshot(shop):
    client = Client(shop)
    client.get("/metrics")
    client.dashboard._pages.changed()
    made: list[int] = []
    ask = shop.store.pipeline
    shop.store.pipeline = lambda commands: made.append(1) or ask(commands)  # type: ignore[method-assign]

    client.get("/metrics?class=shop.slow").page.one("h1")

    assert len(made) == 2


def test_without_metrics_it_says_that_nothing_is_to_be_switched_on(app):
    assert "nothing to switch on" in Client(app).get("/metrics").page.text


def of(**counts: int) -> tuple[int, ...]:
    """Return a histogram: counts by the number of the bucket, as in ``n3=7``."""
    return tuple(counts.get(f"n{number}", 0) for number in range(BUCKETS))


def test_a_histogram_shows_what_lies_between_its_ends():
    counts = of(n3=7, n5=1)

    assert [count for _, count in histograms.rows(counts)] == [7, 0, 1]
    assert str(histograms.bars(counts)).count("<rect") == 3
    assert histograms.summary(counts) == "8 in all; most, 87.5 %, took < 5.0 ms."
    assert "Nothing was counted." in histograms.bars(of())


def test_a_heat_map_is_darkest_where_most_ran_and_puts_many_times_together():
    times = tuple(range(0, 288 * 300, 300))
    columns = [of(n3=100)] + [of(n9=1)] * 287

    drawn = str(histograms.heat(columns, times, 300, [Deploy(600, "<a>")]))

    assert 'class="h4"' in drawn
    assert 'class="h0"' in drawn
    assert "deploy &lt;a&gt;" in drawn
    assert drawn.count("M") < 70
