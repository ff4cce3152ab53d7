"""What is hidden cannot be searched for either: asking for one beginning after the other would tell it."""

from __future__ import annotations

import json

import pytest

from web.client import Client

HIDDEN = ["args.password:h*", "args.apiToken:h*", "-args.password:h*", "queue:default args.user_secret:x"]


@pytest.mark.parametrize("q", HIDDEN)
@pytest.mark.parametrize("path", ["/jobs", "/operations/new", "/jobs/export", "/api/v1/jobs"])
def test_nobody_can_ask_for_it_by_a_page_an_export_or_the_api(app, path, q):
    app.enqueue("shop.login", [], {"password": "hunter2"})

    answer = Client(app).get(f"{path}?state=queued&q={q.replace(' ', '+')}")

    assert "cannot be searched for" in answer.text
    assert "shop.login" not in answer.text


@pytest.mark.parametrize("q", HIDDEN)
def test_nobody_can_do_something_to_those_that_have_it(app, q):
    app.enqueue("shop.login", [], {"password": "hunter2"})
    client = Client(app)

    client.act("operation.delete", {"q": q, "state": "queued"})
    client.ask(
        "POST",
        "/api/v1/operations/delete",
        {"content-type": "application/json", "sec-fetch-site": "same-origin"},
        json.dumps({"q": q, "state": "queued"}).encode(),
    )

    assert app.queue("default").size == 1
    assert len(app.operations.page().items) == 0


def test_who_hides_other_names_can(app):
    app.enqueue("shop.login", [], {"password": "hunter2"})

    answer = Client(app, redact=["pin"]).get("/jobs?q=args.password:h*")

    assert "shop.login" in answer.page.text
