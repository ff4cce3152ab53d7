"""The list of jobs: what it shows, how it is filtered, and that what is done to jobs is done to those that were seen."""

from __future__ import annotations

import re

import pytest

from mainspring.store import keys
from web.client import Client
from web.stock import HOSTILE, everywhere, failed, jid_of, job, put

STATES = ("queued", "retrying", "scheduled", "dead")


@pytest.fixture
def client(app):
    return Client(app)


@pytest.fixture
def four(server):
    """Put a job into each state, and return their ids."""
    makers = {"retrying": failed, "dead": failed}
    return {state: put(server, state, makers.get(state, job)(n), at=300) for n, state in enumerate(STATES)}


def rows(page):
    return [row.one("td.c-job a")["title"] for row in page.all("#jobs tbody tr")]


def ticks(page):
    return [tick["value"] for tick in page.all("[data-tick]")]


# --- looking ---------------------------------------------------------------------------


def test_one_list_has_all_states_with_their_counts(client, four):
    page = client.get("/jobs").page

    assert rows(page) == [four[state] for state in STATES]
    assert [link.text for link in page.all("nav.seg a")] == [
        *("All 4", "Running 0", "Queued 1", "Waiting 0", "Retrying 1", "Scheduled 1", "Dead 1")
    ]


@pytest.mark.parametrize("state", STATES)
def test_a_state_shows_its_own(client, four, state):
    page = client.get(f"/jobs?state={state}").page

    assert rows(page) == [four[state]]
    assert page.one("nav.seg [aria-current]").text.startswith(state.title())


@pytest.mark.parametrize(
    ("path", "state"),
    [("/retries", "retrying"), ("/scheduled", "scheduled"), ("/morgue", "dead"), ("/busy", "running")],
)
def test_the_old_names_of_lists_lead_there(client, path, state):
    assert client.get(path).location == f"/jobs?state={state}"


def test_a_filter_is_made_of_chips_that_can_be_taken_away(client, four):
    page = client.get("/jobs?q=class:crm.sync+error:HTTPError").page

    assert rows(page) == [four["retrying"], four["dead"]]
    assert [chip.text for chip in page.all(".filters span.chip")] == ["class crm.sync", "error HTTPError"]
    assert [link["href"] for link in page.all(".filters span.chip a")] == [
        *("/jobs?q=error%3AHTTPError", "/jobs?q=class%3Acrm.sync")
    ]


def test_what_a_link_asks_beside_the_filter_becomes_part_of_it(client):
    answer = client.get("/jobs?q=crm&queue=low&tag=a%20b&state=dead")

    assert answer.location == "/jobs?q=crm+queue%3Alow+tag%3A%22a+b%22&state=dead"


def test_an_id_in_the_search_box_leads_to_its_job(client):
    assert client.get(f"/jobs?q={jid_of(7)}").location == f"/jobs/{jid_of(7)}"


def test_an_unknown_key_is_told_with_those_that_there_are(client, four):
    page = client.get("/jobs?q=nokey:1").page

    assert "no key 'nokey'" in page.one("#filter-error").text
    assert "queue, class, error" in page.one("#filter-error").text
    assert page.one("input#search")["value"] == "nokey:1"
    assert page.find("#jobs") is None


def test_a_filter_that_nothing_fits_can_be_cleared(client, four):
    page = client.get("/jobs?q=queue:nowhere").page

    assert page.one(".empty").text == "No jobs match. 4 exist. Clear filters"


def test_a_store_that_was_never_used_shows_how_to_begin(client):
    assert "enqueue" in client.get("/jobs").page.one("#never").text


def test_an_empty_state_is_calm(client, four):
    assert client.get("/jobs?state=running").page.one(".empty b").text == "Nothing is running."


def test_a_search_says_how_far_it_has_come_and_goes_on(client, server):
    server.client.zadd(keys.DEAD, {job(n, queue="a" if n else "rare"): 1.0 + n for n in range(10_500)})
    pages = [client.get("/jobs?state=dead&q=class:crm.sync+-queue:a").page]

    while pages[-1].find("#keep") is not None:
        assert re.fullmatch("Searched [0-9,]+ of 10,500", pages[-1].one("#searched").text)
        pages.append(client.get(pages[-1].one("#keep")["href"]).page)

    assert len(pages) > 1
    assert pages[-1].one("#searched").text == "All 10,500 searched"
    assert rows(pages[-1]) == [jid_of(0)]


def test_a_page_has_a_hundred_and_leads_to_the_next(client, server):
    for n in range(101):
        put(server, "dead", job(n), at=-n)

    first = client.get("/jobs?state=dead").page

    assert len(rows(first)) == 100
    assert rows(client.get(first.one("#next")["href"]).page) == [jid_of(100)]


def test_what_is_overdue_says_so(client, server):
    put(server, "scheduled", job(1), at=-200)

    assert client.get("/jobs").page.one("#jobs .tag.warn").text == "overdue 3 min"


def test_secrets_are_hidden_by_name_by_place_and_in_errors(app, client, server):
    @app.job(name="crm.login")
    def login(user: str, password: str) -> None: ...

    put(server, "dead", failed(1, **{"class": "crm.login"}, args=["ada", "hunter2"], error_message="token=hunter2"))
    put(server, "dead", job(2, args=[{"api_key": "hunter2"}], kwargs={"my_token": "hunter2"}))

    answer = client.get("/jobs")

    assert 'user="ada"' in answer.page.text
    assert "hunter2" not in answer.text


def test_hostile_names_are_only_text(client, server):
    put(server, "dead", failed(HOSTILE, **{"class": HOSTILE}, queue=HOSTILE, error_class=HOSTILE, tags=[HOSTILE]))
    server.client.zadd(keys.DEAD, {b"no json <b>": 1.0, b'{"jid":"\\ud800","class":"\\udfff"}': 2.0})

    answer = client.get("/jobs")

    assert len(answer.page.all("#jobs tbody tr")) == 3
    assert "<script>alert" not in answer.text
    assert "<b>no" not in answer.text


# --- who may ------------------------------------------------------------------------------


def test_a_viewer_sees_no_button_and_can_do_nothing(app, server, four):
    viewer = Client(app, role="viewer")
    page = viewer.get("/jobs").page
    tick = ticks(Client(app).get("/jobs?state=dead").page)[0]

    assert rows(page) == list(four.values())
    assert page.all("main form[method=post]") == page.all("main input[type=checkbox]") == []
    for action in ("retry", "enqueue", "reschedule", "kill", "delete"):
        assert viewer.post(f"/actions/job.{action}", {"job": tick, "when": "1h"}).status == 403
    assert server.client.zcard(keys.DEAD) == 1


def test_an_operator_does_not_destroy(app, four):
    operator = Client(app, role="operator")
    page = operator.get("/jobs?state=dead").page

    assert page.form("job.retry")
    assert operator.post("/actions/job.delete", {"job": ticks(page)[0]}).status == 403


# --- acting ----------------------------------------------------------------------------------


def test_ticked_jobs_are_retried_and_it_says_how_many(client, server, app):
    for n in range(3):
        put(server, "retrying", failed(n))
    page = client.get("/jobs?state=retrying").page
    app.retries.delete(jid_of(1))

    answer = client.submit(page.one("form#ticks"), job=ticks(page))

    assert answer.said == "2 retried, 1 was gone."
    assert server.client.llen(keys.queue("default")) == 2
    entry = next(iter(app.audit))
    assert (entry.by, entry.action, entry.facts["done"], entry.facts["of"]) == ("ada", "job.retry", "2", "3")


@pytest.mark.parametrize(
    ("action", "state", "said", "where"),
    [
        ("retry", "retrying", "was retried", "queue:default"),
        ("retry", "dead", "was retried", "queue:default"),
        ("enqueue", "scheduled", "was enqueued", "queue:default"),
        ("reschedule", "queued", "was rescheduled", "schedule"),
        ("kill", "queued", "was moved to dead", "dead"),
        ("kill", "retrying", "was moved to dead", "dead"),
        ("delete", "dead", "was deleted", None),
    ],
)
def test_each_action_does_it_says_it_and_is_audited(client, server, app, four, action, state, said, where):
    (tick,) = ticks(client.get(f"/jobs?state={state}").page)

    answer = client.act(f"job.{action}", {"jid": four[state], "job": tick, "when": "1h", "back": "/jobs"})

    assert answer.said == f"{four[state]} {said}."
    assert everywhere(server, four[state]) == ([where] if where else [])
    entry = next(iter(app.audit))
    assert (entry.action, entry.resource) == (f"job.{action}", four[state])


def test_retries_are_spread_over_a_time(client, server):
    for n in range(20):
        put(server, "retrying", failed(n))
    page = client.get("/jobs?state=retrying").page

    assert client.act("job.retry", {"job": ticks(page), "spread": "1d", "back": "/jobs"}).said == "20 spread."

    due = [score for _, score in server.client.zrange(keys.RETRY, 0, -1, withscores=True)]
    assert max(due) - min(due) > 3600


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"job": ""}, "no job is ticked"),
        ({"job": "no-mark"}, "no job is ticked"),
        ({"job": [f"m {n}" for n in range(101)]}, "at most 100"),
        ({"job": "m x", "when": "soon"}, "'soon' is no time"),
        ({"job": "m x", "when": "1h"}, "x is gone"),
    ],
)
def test_what_cannot_be_done_says_why_and_is_not_audited(client, app, form, said):
    assert said in client.act("job.reschedule", form | {"back": "/jobs"}).said
    assert len(app.audit) == 0


def test_a_job_that_failed_again_meanwhile_is_left_alone(client, server):
    put(server, "retrying", failed(1))
    page = client.get("/jobs").page
    server.client.delete(keys.RETRY)
    put(server, "retrying", failed(1, retry_count=2))

    answer = client.submit(page.form("job.retry"), job=ticks(page))

    assert (
        answer.said
        == f"Nothing was done: {jid_of(1)} has moved on since you saw it. It is now waiting for its next attempt."
    )
    assert everywhere(server, jid_of(1)) == ["retry"]


def test_of_ten_tabs_that_act_on_one_job_one_does(app, server):
    put(server, "retrying", failed(1))
    put(server, "retrying", failed(2))
    first = Client(app)
    tabs = [first, *(Client(first.dashboard) for _ in range(9))]
    pages = [tab.get("/jobs?state=retrying").page for tab in tabs]

    said = [
        tab.act(f"job.{action}", {"job": ticks(page)[0], "state": "retrying", "back": "/jobs"}).said
        for tab, page, action in zip(tabs, pages, ["retry", "delete", "kill"] * 4, strict=False)
    ]

    assert said[0] == f"{jid_of(1)} was retried."
    assert set(said[1:]) == {
        f"Nothing was done: {jid_of(1)} has moved on since you saw it. It is now waiting in its queue."
    }
    assert everywhere(server, jid_of(1)) == ["queue:default"]
    assert len(app.audit) == 1
