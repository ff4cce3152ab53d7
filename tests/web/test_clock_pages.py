"""The clock's pages tell what each entry does and did, and whoever may can steer it; what the API refuses, they refuse."""

from __future__ import annotations

import json

import pytest

from mainspring import App
from mainspring.store import keys
from web.client import Client

HOSTILE = "a/b?<script>alert(1)</script> \"x\" 'y'"


@pytest.fixture
def shop(app: App) -> App:
    @app.job(name="shop.report")
    def report(day: str = "", password: str = "") -> None: ...

    app.every("10m", report, name="sweep", description="Sweeps.", kwargs={"password": "hunter2"})
    app.cron("30 9 * * mon-fri", report, name="report", tz="Europe/London")
    return app


def settled(server, name: str, *records: dict[str, object]) -> None:
    """Write what became of ticks, the oldest first."""
    lines = [f"{record['tick'] + record.pop('late', 0)} {json.dumps(record)}" for record in records]
    server.client.lpush(keys.periodic_history("", name), *lines)


def test_the_list_says_when_each_entry_is_due_in_words_and_as_it_was_written(shop):
    page = Client(shop).get("/clock").page

    row = page.one("tr#entry-report")
    assert "at 09:30, monday to friday" in row.text
    assert row.one("code").text == "30 9 * * mon-fri"
    assert "Europe/London" in row.text
    assert "no clock has it yet" in row.text
    assert "2 entries" in page.one(".head").text


def test_a_strip_tells_late_skipped_missed_and_manual_ticks_apart(shop, server):
    shop.periodic.put("nightly", "shop.report", cron="0 2 * * *")
    now = shop.time.now()
    settled(
        server,
        "nightly",
        {"tick": now - 500, "kind": "missed"},
        {"tick": now - 400, "kind": "scheduled", "jid": "a", "late": 0.2},
        {"tick": now - 300, "kind": "scheduled", "jid": "b", "late": 60},
        {"tick": now - 200, "kind": "skipped", "why": "overlap"},
        {"tick": now - 100, "kind": "manual", "jid": "c"},
    )

    strip = Client(shop).get("/clock").page.one("tr#entry-nightly svg.strip")

    bars = {path["class"]: float(path["d"][1:].split()[0]) for path in strip.all("path")}
    assert sorted(bars, key=bars.__getitem__) == ["missed", "ok", "late", "skipped", "manual"]
    assert strip["aria-label"] == "5 ticks: 1 on time, 1 late, 1 skipped, 1 missed, 1 by hand"


def ended(server, name: str, *ends: tuple[float, str, str]) -> None:
    """Write how jobs of an entry ended, the oldest first."""
    server.client.lpush(keys.periodic_outcomes("", name), *(" ".join(map(str, end)) for end in ends))
    server.client.expire(keys.periodic_outcomes("", name), 60)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        *(("ok", "succeeded"), ("retry", "failed, is retried"), ("dead", "died"), ("dropped", "dropped")),
        *(("snoozed", "put off"), ("", "no result yet")),
    ],
)
def test_the_list_says_how_the_last_job_of_an_entry_ended(shop, server, outcome, words):
    shop.periodic.put("nightly", "shop.report", cron="0 2 * * *")
    now = shop.time.now()
    settled(
        server,
        "nightly",
        {"tick": now - 900, "kind": "scheduled", "jid": "older"},
        {"tick": now - 600, "kind": "scheduled", "jid": "newest"},
        {"tick": now - 300, "kind": "skipped", "why": "overlap"},
    )
    ended(server, "nightly", (now - 890, "dead", "older"), *([(now - 590, outcome, "newest")] if outcome else []))

    client = Client(shop)
    told = client.get("/clock").page.one("tr#entry-nightly").one('a[href="/jobs/newest"]')

    assert told.text == words
    rows = client.get("/clock/nightly").page.all("tbody tr")
    assert [words in row.text for row in rows] == [False, True, outcome == "dead"]


def test_the_list_says_that_the_last_job_of_an_entry_runs(shop, server):
    shop.periodic.put("nightly", "shop.report", cron="0 2 * * *")
    settled(server, "nightly", {"tick": shop.time.now() - 600, "kind": "scheduled", "jid": "newest"})
    server.client.sadd(keys.QUEUES, "default")
    server.client.sadd(keys.owners("default"), "host:1:aaaaaaaaaaaa")
    server.client.hset(keys.inflight("default", "host:1:aaaaaaaaaaaa"), 1, '{"jid":"newest","class":"shop.report"}')
    server.client.hset(keys.inflight("default", "host:1:aaaaaaaaaaaa"), 2, b"\xff{")
    client = Client(shop)
    client.get("/clock")
    calls: list[int] = []
    run = shop.store.run
    shop.store.run = lambda command: calls.append(1) or run(command)  # type: ignore[method-assign]

    page = client.get("/clock").page

    assert page.one('tr#entry-nightly a[href="/jobs/newest"]').text == "running"
    assert len(calls) <= 1, "one more round trip"


def test_a_strip_shows_which_jobs_failed_whenever_they_came(shop, server):
    shop.periodic.put("nightly", "shop.report", cron="0 2 * * *")
    now = shop.time.now()
    settled(
        server,
        "nightly",
        {"tick": now - 400, "kind": "scheduled", "jid": "a"},
        {"tick": now - 300, "kind": "scheduled", "jid": "b", "late": 60},
        {"tick": now - 200, "kind": "scheduled", "jid": "c"},
    )
    ended(server, "nightly", (now - 390, "retry", "a"), (now - 200, "dead", "b"), (now - 190, "ok", "c"))

    strip = Client(shop).get("/clock").page.one("tr#entry-nightly svg.strip")

    assert {path["class"]: path["d"].count("M") for path in strip.all("path")} == {"failing": 2, "died": 2, "ok": 1}
    assert strip["aria-label"] == "3 ticks: 1 on time, 1 failed and retried, 1 died"


def test_a_tick_that_no_clock_settled_is_overdue(shop, server):
    shop.periodic.put("nightly", "shop.report", every="1h")
    long_ago = shop.time.now() - 7300
    server.client.hset(keys.periodic_entry("", "nightly"), mapping={"anchor": long_ago, "since": long_ago})

    page = Client(shop).get("/clock").page

    assert "overdue" in page.one("tr#entry-nightly").text
    assert "1 overdue: is a clock running?" in page.one(".head").text


def test_the_list_is_one_round_trip_beside_the_snapshot(shop, server):
    for number in range(200):
        shop.periodic.put(f"e{number:03}", "shop.report", every="1h")
    client = Client(shop)
    assert len(client.get("/clock").page.all("tbody tr")) == 100
    client.dashboard._pages.changed()
    calls: list[int] = []
    ask = shop.store.pipeline
    shop.store.pipeline = lambda commands: calls.append(len(commands)) or ask(commands)  # type: ignore[method-assign]

    page = client.get("/clock?from=100").page

    assert len(calls) <= 2 + 1, "the snapshot and the page; the names of the queues were new"
    assert "of 202" in page.one(".pager").text
    calls.clear()
    client.dashboard._pages.changed()
    client.get("/clock?from=100")
    assert len(calls) == 2


def test_a_filter_that_means_nothing_says_how_many_there_are(shop):
    page = Client(shop).get("/clock?q=nothing").page

    assert "No entries match. 2 exist." in page.text


def test_without_entries_it_shows_how_to_write_one(app):
    assert "app.cron(" in Client(app).get("/clock").page.text


def test_the_page_of_an_entry_tells_all_and_hides_secrets(shop, server):
    settled(server, "sweep", {"tick": shop.time.now() - 60, "kind": "caught_up", "jid": "abc", "folded": 3})

    page = Client(shop).get("/clock/sweep").page

    assert "Sweeps." in page.text
    assert "hunter2" not in page.text
    assert "test_clock_pages.py:" in page.text
    assert "3 missed ticks before it were left out" in page.text
    assert len(page.all("ul.find li")) == 5
    assert page.one("td.cut a")["href"] == "/jobs/abc"


def test_an_entry_that_is_not_there_is_a_page_of_its_own(shop):
    assert Client(shop).get("/clock/gone").status == 404


def test_a_hostile_name_is_shown_as_it_is_and_can_be_steered(shop):
    shop.periodic.put(HOSTILE, "shop.report", every="1h")
    client = Client(shop)

    page = client.get("/clock").page
    link = next(node for node in page.all("td.cut a") if node.text == HOSTILE)
    answer = client.submit(client.get(link["href"]).page.form("entry.pause"))

    assert answer.said == f"{HOSTILE} is paused."
    assert shop.periodic[HOSTILE].is_paused
    assert not page.all("main script")


def test_who_may_can_run_pause_resume_and_delete_an_entry(shop):
    shop.periodic.put("nightly", "shop.report", every="1h")
    client = Client(shop)

    def click(action: str) -> str:
        return client.submit(client.get("/clock/nightly").page.form(action)).said

    assert click("entry.run").startswith("nightly was enqueued as job ")
    assert shop.queue("default").size == 1
    assert click("entry.pause") == "nightly is paused."
    assert click("entry.resume") == "nightly is resumed."
    assert click("entry.delete") == "nightly is deleted, with its history."
    assert "nightly" not in shop.periodic
    assert [entry.action for entry in shop.audit.page()] == [
        *("entry.delete", "entry.resume", "entry.pause", "entry.run"),
    ]


def test_an_entry_of_the_code_cannot_be_deleted_or_edited(shop):
    client = Client(shop)
    page = client.get("/clock/sweep").page

    assert "Edit" not in page.one("div.head").text
    assert "stands in code" in client.act("entry.delete", {"name": "sweep", "back": "/clock"}).said
    assert "in code has it" in client.act("entry.put", {"name": "sweep", "job": "shop.report", "every": "1h"}).page.text


def test_a_viewer_sees_no_buttons_and_is_refused(shop):
    client = Client(shop, role="viewer")
    page = client.get("/clock/sweep").page

    assert not page.all("#live-region form[method=post]")
    assert "Backfill" not in page.one("div.head").text
    for action in ("entry.run", "entry.pause", "entry.resume", "entry.delete", "entry.put", "entry.backfill"):
        assert client.post(f"/actions/{action}", {"name": "sweep"}).status == 403
    assert not len(shop.queue("default"))


def test_a_new_entry_is_put_by_the_form(shop):
    client = Client(shop)
    form = client.get("/entry-form").page.form("entry.put")

    answer = client.submit(
        form, name="billing", job="report", every="1d", at="06:00\n18:00", tz="Europe/Paris", args='["x"]', paused="1"
    )

    assert answer.said == "billing is saved."
    entry = shop.periodic["billing"]
    assert (entry.schedule, entry.tz, entry.is_paused) == ("every 1d at 06:00, 18:00", "Europe/Paris", True)
    assert list(entry.args) == ["x"]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"cron": "0 25 * * *"}, "25"),
        ({"cron": "* * * * * *"}, "10 s or more"),
        ({"every": "1h", "cron": "0 9 * * *"}, "one of every and cron"),
        ({"every": "1h", "args": "[1"}, "write JSON"),
        ({"every": "1h", "args": "[1, 2, 3]"}, "shop.report"),
        ({"every": "1h", "job": "shop.unknown"}, "shop.unknown"),
        ({"every": "1h", "tz": "Europe/Atlantis"}, "Atlantis"),
        ({"every": "0.1s"}, "1 s or more"),
    ],
)
def test_what_the_api_refuses_comes_back_in_the_form_with_the_reason(shop, values, why):
    client = Client(shop)
    given = {"name": "billing", "job": "shop.report", **values}

    answer = client.act("entry.put", given)

    assert why in answer.page.one(".notice.bad").text
    form = answer.page.form("entry.put")
    assert {node["name"]: node.attributes.get("value") for node in form.all("input")}["name"] == "billing"
    assert "billing" not in shop.periodic
    assert not list(shop.audit.page())


def test_an_entry_that_is_edited_keeps_what_was_not_touched(shop):
    shop.periodic.put("nightly", "shop.report", every="90061s", grace="61s", args=["x"], exclude=["2026-12-25"])
    client = Client(shop)
    before = shop.periodic["nightly"].definition

    client.submit(client.get("/entry-form?entry=nightly").page.form("entry.put"), description="New.")

    after = shop.periodic["nightly"].definition
    assert after.description == "New."
    assert (after.every, after.grace, after.args, after.exclude) == (
        *(before.every, before.grace, before.args, before.exclude),
    )


def test_a_backfill_shows_how_many_it_means_before_it_does_it(shop):
    shop.periodic.put("nightly", "shop.report", cron="0 2 * * *")
    client = Client(shop)

    page = client.get("/backfill?name=nightly&start=2026-01-01&end=2026-01-08").page

    assert "7 ticks" in page.text
    assert shop.queue("default").size == 0
    assert client.submit(page.form("entry.backfill")).said == "7 jobs of nightly enqueued."
    assert shop.queue("default").size == 7


def test_a_backfill_that_cannot_be_meant_says_why(shop):
    client = Client(shop)

    def problem(start: str, end: str) -> str:
        return client.get(f"/backfill?name=sweep&start={start}&end={end}").page.one(".notice.bad").text

    assert "lies in the future" in problem("2026-01-01", "2999-01-01")
    assert "more than 1,000 ticks" in problem("2020-01-01", "2025-01-01")
    assert "tomorrow" in problem("tomorrow", "2026-01-01")
