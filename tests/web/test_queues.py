"""The pages of queues show how each is, and let those who may pause it, clear it, and say what is expected of it."""

from __future__ import annotations

import json

import pytest

from mainspring import App
from mainspring.store import keys
from web.client import Client

HOSTILE = "\"><script>alert(1)</script>/%2F\n\u202e' {{7*7}}"


@pytest.fixture
def mail(app):
    @app.job(name="send", queue="mail")
    def send(number): ...

    return send


@pytest.fixture
def client(app):
    return Client(app)


def worker(server, *queues, identity="host:1:ab", busy=0, concurrency=5, quiet="false"):
    """Let a worker show itself that listens to *queues*."""
    info = {"hostname": "host", "pid": 1, "started_at": 1.0, "queues": list(queues), "version": "1"}
    server.client.sadd(keys.PROCESSES, identity)
    shown = {"info": json.dumps(info), "busy": busy, "concurrency": concurrency, "beat": 1.0, "quiet": quiet}
    server.client.hset(identity, mapping=shown)
    server.client.expire(identity, 60)


def state(client, name="mail"):
    row = client.get("/queues").page.find(f"#queue-{name}")
    return row.find(".tag").text


def test_without_any_queue_the_page_says_how_one_comes_to_be(client):
    assert 'queue="mail"' in client.get("/queues").page.text


def test_a_queue_is_healthy_busy_overdue_paused_or_without_workers(server, client, mail, app):
    mail.enqueue(1)
    assert state(client) == "no workers"
    worker(server, "mail", quiet="true")
    client.dashboard._pages.changed()
    assert state(client) == "no workers"
    worker(server, "mail")
    client.dashboard._pages.changed()
    assert state(client) == "healthy"
    worker(server, "mail", busy=5)
    client.dashboard._pages.changed()
    assert state(client) == "busy"
    app.queue("mail").target = 0.000001
    client.dashboard._pages.changed()
    assert state(client) == "overdue"
    app.queue("mail").pause()
    client.dashboard._pages.changed()
    assert state(client) == "paused"


def test_a_queue_is_paused_and_resumed_from_the_list(client, mail, app):
    mail.enqueue(1)

    paused = client.submit(client.get("/queues").page.form("queue.pause"))

    assert app.queue("mail").is_paused
    assert paused.said.startswith("mail is paused")
    resumed = client.submit(paused.page.form("queue.resume"))
    assert not app.queue("mail").is_paused
    assert resumed.said == "mail is resumed."
    assert [(entry.action, entry.resource, entry.by) for entry in app.audit] == [
        ("queue.resume", "mail", "ada"),
        ("queue.pause", "mail", "ada"),
    ]


def test_the_page_of_a_queue_lists_its_jobs_from_either_end(client, mail):
    jids = [made.jid for made in mail.enqueue_many([(n,) for n in range(103)])]

    def listed(path):
        return [
            row["id"].removeprefix("job-")
            for row in client.get(path).page.all("tr")
            if row.attributes.get("id", "").startswith("job-")
        ]

    assert listed("/queues/mail") == jids[:-101:-1]
    assert listed("/queues/mail?order=next") == jids[:100]
    assert "The 100 of 103" in client.get("/queues/mail").page.text


def test_target_and_concurrency_are_set_and_taken_away_again(client, mail, app):
    mail.enqueue(1)

    said = client.submit(client.get("/queues/mail").page.form("queue.target"), target="1m 30s").said
    assert (app.queue("mail").target, said) == (90.0, "Jobs of mail may wait for 1 m 30 s.")
    assert app.queues.targets() == {"mail": 90.0}
    client.submit(client.get("/queues/mail").page.form("queue.concurrency"), concurrency="3")
    assert app.queue("mail").concurrency == 3
    client.submit(client.get("/queues/mail").page.form("queue.target"), target="")
    client.submit(client.get("/queues/mail").page.form("queue.concurrency"), concurrency="")
    assert (app.queue("mail").target, app.queue("mail").concurrency) == (None, None)


@pytest.mark.parametrize(
    ("action", "field", "value"),
    [
        ("queue.target", "target", "soon"),
        ("queue.target", "target", "0s"),
        ("queue.target", "target", "-5"),
        ("queue.concurrency", "concurrency", "many"),
        ("queue.concurrency", "concurrency", "0"),
        ("queue.concurrency", "concurrency", "\u0663"),
    ],
)
def test_what_means_nothing_changes_nothing_and_says_so(client, mail, app, action, field, value):
    mail.enqueue(1)

    answer = client.act(action, {"name": "mail", field: value, "back": "/queues/mail"})

    assert answer.said
    assert (app.queue("mail").target, app.queue("mail").concurrency) == (None, None)
    assert not list(app.audit)


def test_few_jobs_are_cleared_at_once_and_many_by_whoever_types_the_name(client, mail, app):
    mail.enqueue_many([(n,) for n in range(101)])
    dialog = client.get("/queue-clear?name=mail").page

    assert "101" in dialog.find("[data-dialog-body]").text
    assert "typed" in client.submit(dialog.form("queue.clear"), word="male").said
    assert app.queue("mail").size == 101
    assert client.submit(dialog.form("queue.clear"), word="mail").said == "101 jobs of mail dropped."
    assert app.queue("mail").size == 0
    mail.enqueue(1)
    assert client.submit(client.get("/queue-clear?name=mail").page.form("queue.clear")).said == "1 job of mail dropped."


def test_a_dialog_that_names_no_queue_is_not_found(client):
    assert client.get("/queue-clear").status == 404
    assert client.get("/queue-clear?name=no/name").status == 404


def test_a_viewer_sees_no_button_and_is_refused(app, mail):
    mail.enqueue(1)
    viewer = Client(app, role="viewer")

    assert viewer.get("/queues").page.find("main form[method=post]") is None
    assert viewer.get("/queues/mail").page.find("main form[method=post]") is None
    for action in ("pause", "resume", "clear", "target", "concurrency"):
        assert viewer.act(f"queue.{action}", {"name": "mail"}).status == 403
    assert Client(app, role="operator").act("queue.clear", {"name": "mail"}).status == 403
    assert (app.queue("mail").size, app.queue("mail").is_paused) == (1, False)


def test_names_of_strangers_are_shown_as_they_are(server, client, app):
    server.client.sadd(keys.QUEUES, HOSTILE, "x" * 10_000)
    server.client.lpush(keys.queue(HOSTILE), b"\xff not json")

    link = next(row.one("a") for row in client.get("/queues").page.all("tr") if "alert(1)" in row.text)
    inner = client.get(link["href"]).page

    assert "<script>alert(1)</script>" in inner.one("h1").text
    assert all("src" in script for script in inner.all("script"))
    client.submit(inner.form("queue.pause"))
    assert app.queues[HOSTILE].is_paused
    app.queues[HOSTILE].resume()
    server.client.delete(keys.queue(HOSTILE))


def test_a_queue_that_is_not_there_is_said_to_be_empty(client):
    page = client.get("/queues/nowhere").page

    assert "No queue of this name" in page.text


def test_two_hundred_queues_are_shown_by_pages_and_found_by_name(server, client):
    server.client.sadd(keys.QUEUES, *(f"q{n:03}" for n in range(200)))

    def names(path):
        return [
            row["id"] for row in client.get(path).page.all("tr") if row.attributes.get("id", "").startswith("queue-")
        ]

    assert names("/queues") == [f"queue-q{n:03}" for n in range(100)]
    assert names("/queues?from=100") == [f"queue-q{n:03}" for n in range(100, 200)]
    assert names("/queues?q=q19") == [f"queue-q{n}" for n in range(190, 200)]
    assert "No queues match" in client.get("/queues?q=zebra").page.text
    assert isinstance(client.dashboard.app, App)
