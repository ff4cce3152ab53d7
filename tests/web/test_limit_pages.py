"""The pages of limits: how much is used, what waits by which gate; and who may reset a limiter."""

from __future__ import annotations

import pytest

from mainspring import App
from mainspring.store import gates
from web.client import Client

GATE = "c:shop.sync"


@pytest.fixture
def shop(app: App) -> App:
    @app.job(name="shop.sync", concurrency=2)
    def sync(number: int = 0) -> None: ...

    app.store.run(gates.define({GATE: "2"}))
    for number in range(5):
        sync.enqueue(number)
    partner = app.limiter.window("partner", 10, "1h")
    for _ in range(3):
        with partner:
            pass
    return app


def test_a_limiter_says_what_it_lets_through_and_how_much_is_used(shop):
    row = Client(shop).get("/limits").page.one('tr[id="limiter-window-partner"]')

    assert "10 in any 1 h" in row.text
    assert "3 / 10" in row.text
    assert row.one("svg.bar")["aria-label"] == "3 of 10 used"


def test_a_limiter_says_how_often_it_gave_and_refused_in_the_last_hour(shop):
    shop.limiter.window("partner", 3, "1h", wait=0).acquire()
    client = Client(shop)

    row = client.get("/limits").page.one('tr[id="limiter-window-partner"]')
    page = client.get("/limits/partner").page

    assert [cell.text for cell in row.all("td.num")] == ["0", "3", "1", "25.0 %"]
    assert page.one("h1").text == "Limits / partner"
    assert [spark["aria-label"] for spark in page.all("svg.spark")] == [
        "Taken by the minute in the last hour: 3 in all, 3 at most in one",
        "Refused by the minute in the last hour: 1 in all, 1 at most in one",
    ]


def test_a_gate_says_how_many_hold_it_and_wait_by_it(shop):
    row = Client(shop).get("/limits").page.one(f'tr[id="gate-{GATE}"]')

    assert [cell.text for cell in row.all("td")] == [GATE, "job", "2 at once", "2", "3"]


def test_a_look_that_finds_what_was_there_is_one_round_trip_beside_the_snapshot(shop):
    client = Client(shop)
    client.get("/limits")
    client.dashboard._pages.changed()
    made: list[int] = []
    ask = shop.store.pipeline
    shop.store.pipeline = lambda commands: made.append(1) or ask(commands)  # type: ignore[method-assign]

    assert "3 / 10" in client.get("/limits").page.text

    assert len(made) == 2


def test_the_page_of_a_gate_lists_what_waits_and_what_holds_it(shop):
    page = Client(shop).get(f"/gates/{GATE}").page

    waiting, holding = page.all("tbody")
    assert len(waiting.all("tr")) == 3
    assert len(holding.all("tr")) == 2


def test_a_limiter_and_a_gate_that_are_not_there_are_pages_of_their_own(shop):
    assert Client(shop).get("/limits/gone").status == 404
    assert Client(shop).get("/gates/nonsense").status == 404
    assert Client(shop).get("/gates/q:never-used").status == 200


def test_a_reset_forgets_what_was_taken_and_is_an_admins_alone(shop):
    client = Client(shop)
    page = client.get("/limits/partner").page
    assert Client(shop, role="operator").post("/actions/limit.reset", {"name": "partner"}).status == 403

    said = client.submit(page.form("limit.reset")).said

    assert said == "partner is as if it had not been used."
    assert [state.used for state in shop.limiters] == [0]
    assert [entry.action for entry in shop.audit.page()] == ["limit.reset"]


def test_a_filter_keeps_what_holds_its_text(shop):
    page = Client(shop).get("/limits?q=zzz").page

    assert "No limiters match." in page.text


def test_without_limits_it_shows_how_to_make_one(app):
    assert "app.limiter.window(" in Client(app).get("/limits").page.text
