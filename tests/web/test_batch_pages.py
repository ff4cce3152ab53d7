"""The pages of batches and workflows: how far each is, what failed, what it does at its end; and who may steer it."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from mainspring import App, chain, previous
from mainspring.api.batches import BatchStep
from mainspring.api.search import Budget
from mainspring.store import keys
from mainspring.web import graphs
from mainspring.web.pages import batches
from web.client import Client

HOSTILE = "<script>alert(1)</script> \"x\" 'y' z"


@pytest.fixture
def shop(app: App) -> App:
    @app.job(name="shop.letters.write")
    def write(number: int = 0) -> int:
        return number

    @app.job(name="shop.report")
    def report(day: str = "") -> None: ...

    return app


def letters(app: App, count: int = 10, description: str = "letters", **options: object) -> str:
    with app.batch(description, **options) as batch:
        for number in range(count):
            app.enqueue("shop.letters.write", [number])
    return batch.bid


def flow_of(app: App) -> str:
    write = app.job_named("shop.letters.write")
    with app.flow("evaluation") as flow:
        flow.add(chain(write.step(1), write.step(previous())))
    return flow.batch.bid


def failed(server, bid: str, *, dead: int = 0, failures: int = 0, ok: int = 0) -> None:
    server.client.hset(keys.batch(bid), mapping={"ok": ok, "failed": failures, "dead": dead})


def calls_of(app: App) -> list[int]:
    made: list[int] = []
    ask = app.store.pipeline
    app.store.pipeline = lambda commands: made.append(len(commands)) or ask(commands)  # type: ignore[method-assign]
    return made


def test_the_list_shows_how_far_each_is(shop, server):
    bid = letters(shop, description=HOSTILE, tags=["nightly"])
    failed(server, bid, ok=5, failures=2, dead=1)

    row = Client(shop).get("/batches").page.one(f"tr#batch-{bid}")

    assert row.one("b").text == " ".join(HOSTILE.split())
    assert "1 dead" in row.text
    assert "5 / 10" in row.text
    assert row.one("svg.bar")["aria-label"] == "5 of 10 done, 2 failed"
    assert [rect["width"] for rect in row.all("rect")] == ["50.0%", "0.0%", "20.0%", "30.0%"]


def test_a_look_at_the_list_that_has_not_changed_is_one_round_trip_beside_the_snapshot(shop):
    for _ in range(3):
        letters(shop, 1)
    client = Client(shop)
    client.get("/batches")
    client.dashboard._pages.changed()
    made = calls_of(shop)

    assert len(client.get("/batches").page.all("tbody tr")) == 3

    assert len(made) == 2


def test_workflows_are_told_from_plain_batches(shop):
    plain, flow = letters(shop, 1), flow_of(shop)

    page = Client(shop).get("/workflows").page

    assert page.find(f"tr#batch-{flow}")
    assert not page.find(f"tr#batch-{plain}")
    assert Client(shop).get("/batches").page.find(f"tr#batch-{plain}")


def test_without_batches_it_shows_how_to_make_one(app):
    assert "with app.batch(" in Client(app).get("/batches").page.text


def test_a_batch_says_which_of_its_callbacks_have_run(shop, server):
    report = shop.job_named("shop.report")
    bid = letters(shop, 1, on_complete=[report, report.step("x")], on_success=report)
    page = Client(shop).get(f"/batches/{bid}").page
    assert page.text.count("waits for its event") == 3
    assert "shop.report" in page.text
    server.client.hset(keys.batch(bid), mapping={"complete_at": 1_790_000_000_000, "called:0": 1})

    page = Client(shop).get(f"/batches/{bid}").page

    assert page.text.count("has run") == 1
    assert page.text.count("pushed, not done yet") == 1
    assert page.text.count("waits for its event") == 1


def test_a_batch_shows_those_in_it_and_leads_to_what_failed(shop, server):
    with shop.batch("outer") as outer:
        shop.enqueue("shop.report")
        with shop.batch("inner") as inner:
            shop.enqueue("shop.report")
    failed(server, outer.bid, failures=3, dead=1)
    client = Client(shop)

    page = client.get(f"/batches/{outer.bid}").page

    assert page.find(f"tr#batch-{inner.bid}")
    links = [node["href"] for node in page.all("a")]
    assert f"/jobs?q=batch%3A{outer.bid}&state=retrying" in links
    assert f"/jobs?q=batch%3A{outer.bid}&state=dead" in links
    assert outer.bid in client.get(f"/batches/{inner.bid}").page.text


def test_a_batch_lists_its_failed_jobs_with_their_errors(shop, server):
    bid, other = letters(shop), letters(shop)
    bury(server, keys.RETRY, ("retried", bid), ("anothers", other))
    bury(server, keys.DEAD, ("buried", bid), ("stranger", ""))
    failed(server, bid, failures=2, dead=1)
    client = Client(shop)

    table = client.get(f"/batches/{bid}").page.one("#failed")

    assert [row["id"] for row in table.all("tbody tr")] == ["failed-retried", "failed-buried"]
    retried, buried = table.all("tbody tr")
    assert [cell.text for cell in retried.all("td")][1:4] == [
        "retrying",
        "TimeoutError password=•••••• (redacted)",
        "3",
    ]
    assert retried.one("a")["href"] == "/jobs/retried"
    assert "dead" in buried.text
    assert "2 of 2" in table.one("header").text
    assert not table.find("header a")


def test_of_very_many_failed_jobs_a_hundred_are_listed_and_the_rest_is_led_to(shop, server):
    bid = letters(shop)
    bury(server, keys.DEAD, *((f"d{number:03}", bid) for number in range(120)))
    failed(server, bid, failures=120, dead=120)

    table = Client(shop).get(f"/batches/{bid}").page.one("#failed")

    assert len(table.all("tbody tr")) == 100
    assert "100 of 120" in table.one("header").text
    assert (
        table.one("header a")["href"]
        == f"/jobs?q={quote(f'batch:{bid} state:retrying state:dead').replace('%20', '+')}"
    )


def test_a_search_for_failed_jobs_that_has_cost_enough_says_how_far_it_came(shop, server, monkeypatch):
    bid = letters(shop)
    bury(server, keys.DEAD, ("own", bid), *((f"d{number:04}", "") for number in range(2_500)))
    failed(server, bid, failures=1, dead=1)
    monkeypatch.setattr(batches, "_SEARCH", Budget(items=10_000, ms=0))

    table = Client(shop).get(f"/batches/{bid}").page.one("#failed")

    assert "Searched 2,000 of 2,501" in table.one("header").text
    assert "None found yet." in table.text
    assert table.find("header a")


def test_a_batch_of_which_nothing_has_failed_is_not_searched_for(shop, server):
    bid = letters(shop)
    assert not Client(shop).get(f"/batches/{bid}").page.find("#failed")

    failed(server, bid, failures=1)

    assert "No failed job of it was found." in Client(shop).get(f"/batches/{bid}").page.one("#failed").text


def bury(server, key: str, *jobs: tuple[str, str]) -> None:
    """Put failed jobs of batches into a set."""
    error = {"error_class": "builtins.TimeoutError", "error_message": "password=hunter2", "retry_count": 2}
    rows = {
        json.dumps(
            {"class": "shop.letters.write", "jid": jid, "args": [1], **error, "flow": {"bid": bid, "n": n}},
            separators=(",", ":"),
        ): 1_790_000_000 + n
        for n, (jid, bid) in enumerate(jobs)
    }
    server.client.zadd(key, rows)


def test_the_page_of_a_batch_is_one_round_trip_beside_the_snapshot(shop):
    with shop.batch("outer") as outer, shop.batch("inner"):
        shop.enqueue("shop.report")
    client = Client(shop)
    client.get(f"/batches/{outer.bid}")
    client.dashboard._pages.changed()
    made = calls_of(shop)

    assert "inner" in client.get(f"/batches/{outer.bid}").page.text

    assert len(made) == 2


def test_the_steps_of_a_workflow_stand_in_a_graph_and_in_a_list(shop):
    bid = flow_of(shop)

    page = Client(shop).get(f"/workflows/{bid}").page

    assert [node["class"] for node in page.all("svg.graph g")] == ["ready", "waiting"]
    assert len(page.all("svg.graph path")) == 1
    assert "waits for others" in page.one("tr#step-1").text
    assert page.one("tr#step-1 a")["href"] == page.all("svg.graph a")[1]["href"]


@pytest.mark.parametrize("cursor", ["9" * 100, "-1", "\N{ARABIC-INDIC DIGIT THREE}", "x"])
def test_a_cursor_that_no_page_gave_is_a_page_that_says_so(app, cursor):
    assert Client(app).get(f"/batches?cursor={quote(cursor)}").status == 404


def test_a_batch_that_is_forgotten_is_a_page_of_its_own(shop):
    assert Client(shop).get("/batches/0123456789abcdef").status == 404


def test_cancel_lets_nothing_of_it_start_and_is_audited(shop):
    bid = letters(shop)
    client = Client(shop)

    said = client.submit(client.get(f"/batches/{bid}").page.form("batch.cancel")).said

    assert "is cancelled" in said
    assert shop.batches.find(bid).is_cancelled
    assert [(entry.action, entry.resource) for entry in shop.audit.page()] == [("batch.cancel", bid)]
    assert "cancelled already" in client.act("batch.cancel", {"bid": bid, "back": "/batches"}).said


def test_retry_failed_means_the_jobs_of_this_batch_and_no_others(shop, server):
    bid, other = letters(shop, 3), letters(shop, 2)
    for job in list(shop.queue("default")):
        job.kill()
    client = Client(shop)
    assert len(shop.dead) == 5

    said = client.submit(client.get(f"/batches/{bid}").page.form("batch.retry")).said

    assert said == "3 jobs retried."
    assert len(shop.dead) == 2
    assert shop.batches.find(other).dead == 2


def test_what_would_take_long_is_retried_by_an_operation(shop, server, monkeypatch):
    bid = letters(shop, 3)
    for job in list(shop.queue("default")):
        job.kill()
    monkeypatch.setattr(batches, "_AT_ONCE", 1)

    said = Client(shop).act("batch.retry", {"bid": bid, "back": f"/batches/{bid}"}).said

    assert said == "1 job retried. The rest goes on as an operation."
    (begun,) = shop.operations
    assert (begun.action, begun.query, begun.state, begun.by) == ("retry", f"batch:{bid}", "dead", "ada")


def test_a_viewer_may_neither_cancel_nor_retry(shop, server):
    bid = letters(shop)
    failed(server, bid, failures=1)
    client = Client(shop, role="viewer")

    assert not client.get(f"/batches/{bid}").page.all("#live-region form")
    assert client.post("/actions/batch.cancel", {"bid": bid}).status == 403
    assert client.post("/actions/batch.retry", {"bid": bid}).status == 403
    assert Client(shop, role="operator").post("/actions/batch.cancel", {"bid": bid}).status == 403


def test_a_step_stands_right_of_all_that_it_waits_for():
    after = [(), (0,), (), (1, 2), (0,), (3, 4)]
    steps = [BatchStep(number, "a.b", "j", its, "waiting") for number, its in enumerate(after)]

    layers = graphs.layered(steps)

    assert layers == [[0, 2], [1, 4], [3], [5]]
    assert graphs.layered([]) == []
