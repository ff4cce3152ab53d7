"""What is done to all that a filter means: the dialog says what it will be, its filter and moment hold, and it can be followed."""

from __future__ import annotations

import time

import pytest

from mainspring.store import keys
from web.client import Client
from web.stock import HOSTILE, failed, jid_of, job, put


@pytest.fixture
def client(app):
    return Client(app)


def dialog(client, **query):
    from urllib.parse import urlencode

    return client.get("/operations/new?" + urlencode(query)).page.one("[data-dialog-body]")


def fill(server, count, **fields):
    server.client.zadd(keys.RETRY, {failed(n, **fields): time.time() + 300 + n for n in range(count)})


def test_the_dialog_names_the_count_the_filter_and_the_moment(client, server):
    fill(server, 3)

    asked = dialog(client, action="retry", q="error:HTTPError", state="retrying")

    assert asked.one("h2").text == "Retry: 3 jobs"
    assert asked.one("#frozen").text == "error:HTTPError"
    assert asked.one("#cutoff time")["datetime"]
    assert asked.find("[name=confirm]") is None


def test_beyond_a_hundred_it_asks_to_type_what_is_to_be_done(client, server):
    fill(server, 101)
    form = dialog(client, action="delete", state="retrying").form("operation.delete")

    refused = client.submit(form, confirm="retry")

    assert form.one("[name=confirm]")["data-word"] == "delete"
    assert refused.said == "Nothing was done: type delete to confirm."
    assert server.client.zcard(keys.RETRY) == 101


def test_it_is_done_followed_and_audited(client, app, server):
    fill(server, 3)
    fill(server, 2, **{"class": "other"})

    page = client.submit(
        dialog(client, action="retry", q="class:crm.sync", state="retrying").form("operation.retry")
    ).page

    assert page.one(".head .tag").text == "done"
    assert page.one("#done").text == "3"
    assert server.client.llen(keys.queue("default")) == 3
    assert [(entry.by, entry.action) for entry in app.audit][-1] == ("ada", "operation.start")
    row = client.get("/operations").page.one("#operations tbody tr")
    assert "class:crm.sync" in row.text
    assert row.one(".bar")["aria-label"] == "5 of 5 looked at"


def test_what_fails_after_the_dialog_was_opened_is_left_alone(client, server):
    put(server, "retrying", failed(1, failed_at=time.time() - 60))
    form = dialog(client, action="kill", state="retrying").form("operation.kill")
    put(server, "retrying", failed(2, failed_at=time.time() + 1, retried_at=time.time() + 1))

    page = client.submit(form).page

    assert page.one("#done").text == "1"
    assert server.client.zcard(keys.RETRY) == server.client.zcard(keys.DEAD) == 1


def test_retries_are_spread_and_jobs_put_off(client, server):
    fill(server, 10)
    client.submit(dialog(client, action="retry", state="retrying").form("operation.retry"), spread="1d")
    due = [score - time.time() for _, score in server.client.zrange(keys.RETRY, 0, -1, withscores=True)]
    assert max(due) > 3600

    client.submit(dialog(client, action="reschedule", state="retrying").form("operation.reschedule"), when="2d")

    due = [score - time.time() for _, score in server.client.zrange(keys.RETRY, 0, -1, withscores=True)]
    assert min(due) > 86400 * 1.9


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"q": "nokey:1", "state": "dead"}, "no key 'nokey'"),
        ({"q": "x"}, "Choose one state"),
        ({"action": "retry", "state": "dead"}, "Nothing matches"),
        ({"state": "dead", **{f"signature.{n}": "1" for n in range(21)}}, "at most 20 errors"),
    ],
)
def test_a_dialog_about_nothing_says_so(client, query, said):
    asked = dialog(client, **query)

    assert said in asked.text
    assert asked.all("form") == []


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"state": "dead", "spread": "soon"}, "is not a duration"),
        ({"state": "nowhere"}, "cannot be done to jobs"),
        ({"state": "dead", "q": "nokey:1"}, "no key 'nokey'"),
        ({"state": "dead", "cutoff": "x"}, "no time that can be read"),
    ],
)
def test_what_cannot_be_begun_says_why(client, app, form, said):
    assert said in client.act("operation.retry", {"back": "/jobs", **form}).said
    assert len(app.operations) == 0


def test_one_that_runs_can_be_cancelled_once(client, app, server):
    fill(server, 3)
    begun = app.operations.start("delete", state="retrying")
    form = client.get(f"/operations/{begun.id}").page.form("operation.cancel")

    assert client.submit(form).said == "Cancelled; what it has done stays done."
    assert client.submit(form).said == "Nothing was done: it was over already."
    assert client.get("/operations").page.one("#operations .tag").text == "cancelled"


def test_a_viewer_sees_and_does_nothing_and_an_operator_destroys_nothing(app, server):
    fill(server, 3)
    running = app.operations.start("retry", state="retrying").id
    viewer, operator = Client(app, role="viewer"), Client(app, role="operator")

    assert viewer.get(f"/operations/{running}").page.all("main form") == []
    assert "You may not do this" in dialog(viewer, action="retry", state="retrying").text
    assert viewer.post("/actions/operation.retry", {"state": "retrying"}).status == 403
    assert viewer.post("/actions/operation.cancel", {"id": running}).status == 403
    assert operator.post("/actions/operation.delete", {"state": "retrying"}).status == 403
    assert server.client.zcard(keys.RETRY) == 3


def test_without_operations_it_says_how_to_begin(client):
    assert "No bulk operation yet" in client.get("/operations").page.one(".empty").text
    assert client.get("/operations/nowhere").status == 404


# --- the audit log ---------------------------------------------------------------------------


def test_the_log_shows_who_did_what_and_leads_on(client, app, server):
    put(server, "dead", job(1))
    client.submit(client.get(f"/jobs/{jid_of(1)}").page.form("job.retry"))
    for number in range(100):
        app.audit.record(HOSTILE, "x.y", HOSTILE, token=f"token=hunter{number}")

    first = client.get("/audit")
    older = client.get(first.page.one("#older")["href"]).page

    assert len(first.page.all("#audit tbody tr")) == 100
    assert "<script>alert" not in first.text
    assert "hunter" not in first.text
    assert "ada job.retry" in older.one("#audit tbody tr").text
    assert older.one("#audit tbody a")["href"] == f"/jobs/{jid_of(1)}"


def test_an_empty_log_says_so(client):
    assert "Nobody has done anything yet" in client.get("/audit").page.one(".empty").text
