"""Failures by error: what came of which, since when, and that what is ticked is what is done."""

from __future__ import annotations

import time
from urllib.parse import urlencode

import pytest

from mainspring.base import payload
from mainspring.store import failures, keys
from mainspring.store.failures import Noted
from web.client import Client
from web.stock import HOSTILE, failed, jid_of, put
from web.tree import fields

SIGNATURE, OTHER = "ab" * 8, "cd" * 8


@pytest.fixture
def client(app):
    return Client(app)


def note(app, signature=SIGNATURE, *, ago=300.0, count=3, text="503 from {path}", error="crm.HTTPError", jids=("a",)):
    """Let an error have come *count* times since *ago* seconds."""
    trace = payload.pack_backtrace(["/x/site-packages/requests/api.py:9 in get", "crm/client.py:88 in post"])
    facts = ("crm.sync", error, text, "crm/client.py:88 in post", "default", trace)
    now = time.time()
    app.store.run(failures.note([Noted(signature, facts, count, now - ago, now, jids)], now=now))


def test_an_error_has_a_row_with_its_facts(client, app):
    note(app)

    row = client.get("/failures").page.one("#failures tbody tr")

    assert [cell.text for cell in row.all("td")][1:5] == [
        *("HTTPError 503 from {path}", "crm.sync crm/client.py:88 in post", "default", "3")
    ]
    assert row.one(".spark")["aria-label"] == "3 in the last hour"
    assert row.one("a[title]")["href"] == f"/failures/{SIGNATURE}"


@pytest.mark.parametrize(("ago", "is_new"), [(300.0, True), (90_000.0, False)])
def test_what_came_only_since_the_last_deploy_says_so(client, app, ago, is_new):
    app.metrics.mark_deploy("a91f3c", at=time.time() - 3600)
    note(app, ago=ago)

    tags = [
        tag.text for path in ("/failures", f"/failures/{SIGNATURE}") for tag in client.get(path).page.all(".tag.bad")
    ]

    assert ("new since deploy a91f3c" in tags) is is_new


def test_without_failures_all_is_calm(client, server):
    assert "Nothing has failed." in client.get("/failures").page.one(".empty.calm").text


def test_the_ticked_errors_are_what_the_dialog_means(client, app, server):
    note(app)
    note(app, OTHER)
    for number, signature in enumerate((SIGNATURE, SIGNATURE, OTHER)):
        put(server, "retrying", failed(number, error_signature=signature))
    page = client.get("/failures").page
    form = page.one("form#ticks")
    sent = [*fields(form), (f"signature.{SIGNATURE}", "1"), ("action", "retry")]

    asked = client.get(f"{form['action']}?{urlencode(sent)}").page.one("[data-dialog-body]")
    client.submit(asked.form("operation.retry"))

    assert {tick["name"] for tick in page.all("[data-tick]")} == {f"signature.{SIGNATURE}", f"signature.{OTHER}"}
    assert asked.one("h2").text == "Retry: 2 jobs"
    assert asked.one("#frozen").text == f"signature:{SIGNATURE}"
    assert (server.client.zcard(keys.RETRY), server.client.llen(keys.queue("default"))) == (1, 2)


def test_the_page_of_an_error_has_its_traceback_samples_and_jobs(client, app, server):
    note(app, jids=(jid_of(8), jid_of(9)))
    put(server, "retrying", failed(1, error_signature=SIGNATURE))
    put(server, "dead", failed(2, error_signature=SIGNATURE))
    put(server, "retrying", failed(3, error_signature=OTHER))

    page = client.get(f"/failures/{SIGNATURE}").page

    assert page.one("h1").text == "crm.HTTPError"
    assert page.one("#traceback summary").text == "1 frame of a library"
    assert [link.text for link in page.all("#samples a")] == [jid_of(8), jid_of(9)]
    assert [link.text for link in page.all("#retrying td a")] == [jid_of(1)]
    assert [link.text for link in page.all("#dead td a")] == [jid_of(2)]
    assert all(f"signature%3A{SIGNATURE}" in link["href"] for link in page.all("a[data-dialog]"))


def test_an_error_that_only_its_jobs_know_has_a_page_and_any_other_has_none(client, server):
    put(server, "dead", failed(2, error_signature=OTHER))

    assert client.get(f"/failures/{OTHER}").page.one("h1").text == "crm.HTTPError"
    for path in (f"/failures/{SIGNATURE}", "/failures/no-hex", "/failures/%22"):
        assert client.get(path).status == 404


def test_an_error_is_forgotten_once_and_its_jobs_stay(client, app, server):
    note(app)
    put(server, "dead", failed(2, error_signature=SIGNATURE))
    form = client.get(f"/failures/{SIGNATURE}").page.form("failure.forget")

    said = [client.submit(form).said for _ in range(2)]

    assert said[0].startswith("Forgotten")
    assert said[1].startswith("Nothing was done")
    assert server.client.zcard(keys.DEAD) == 1
    assert [(entry.action, entry.resource) for entry in app.audit] == [("failure.forget", SIGNATURE)]


def test_hostile_errors_are_only_text_and_secrets_are_hidden(client, app):
    note(app, error=HOSTILE, text=f"{HOSTILE} password=hunter2", jids=(HOSTILE.replace("\n", " "),))

    for path in ("/failures", f"/failures/{SIGNATURE}"):
        answer = client.get(path)
        assert "hunter2" not in answer.text + str(answer.status != 200)
        assert "<script>alert" not in answer.text


def test_a_viewer_sees_no_button(app, server):
    note(app)
    put(server, "retrying", failed(1, error_signature=SIGNATURE))
    viewer = Client(app, role="viewer")

    assert viewer.get("/failures").page.all("main form") == viewer.get("/failures").page.all("main input") == []
    assert viewer.get(f"/failures/{SIGNATURE}").page.all("main form") == []
    assert viewer.get(f"/failures/{SIGNATURE}").page.all("a[data-dialog]") == []
    assert viewer.post("/actions/failure.forget", {"signature": SIGNATURE}).status == 403
