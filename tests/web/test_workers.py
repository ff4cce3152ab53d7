"""The pages of processes show what each is and runs, which are silent, and let those who may quiet and stop them."""

from __future__ import annotations

import json
import time

import pytest

from mainspring.store import keys
from web.client import Client

HOSTILE = "<img src=x onerror=alert(1)>/\n'\"{{7*7}}"


@pytest.fixture
def client(app):
    return Client(app)


@pytest.fixture
def show(server):
    """Let a process show itself."""

    def show(identity="host:1:ab", *, work=(), beat=0.0, quiet="false", **info):
        facts = {"hostname": "host", "pid": 1, "started_at": time.time() - 90, "queues": ["mail"], "version": "1.0"}
        shown = {"busy": len(work), "concurrency": 5, "beat": time.time() - beat, "quiet": quiet, "rss": 2048}
        server.client.sadd(keys.PROCESSES, identity)
        server.client.hset(identity, mapping=shown | {"info": json.dumps(facts | info)})
        server.client.expire(identity, 60)
        for number, (name, elapsed) in enumerate(work):
            payload = json.dumps({"class": name, "jid": f"j{number}", "args": []})
            record = {"queue": "mail", "payload": payload, "run_at": time.time() - elapsed}
            server.client.hset(f"{identity}:work", f"t{number}", json.dumps(record))
            server.client.expire(f"{identity}:work", 60)

    return show


def row(client, identity="host:1:ab"):
    return next(
        each for each in client.get("/workers").page.all("tr") if each.attributes.get("id") == f"process-{identity}"
    )


def test_without_any_process_the_page_says_how_to_start_one(client):
    assert "mainspring worker" in client.get("/workers").page.text


def test_a_process_is_shown_with_all_that_it_says_of_itself(client, show):
    show(work=[("send", 61.0)], tag="shop", labels=["eu"])

    text = row(client).text
    page = client.get("/workers/host:1:ab").page

    assert all(sign in text for sign in ("host:1", "shop", "eu", "running", "1 / 5", "mail", "2.0 MB", "1.0", "2 min"))
    assert "send" in page.one("tbody tr").text
    assert "1 min" in page.one("tbody tr").text
    assert len(page.all(".slots rect")) == 5


def test_processes_are_shown_by_their_roles_workers_first(client, show):
    show("a:1:x", role="clock")
    show("b:1:x")
    show("c:1:x", role="web")

    assert [each.text for each in client.get("/workers").page.all("section h2")][:3] == [
        "Workers",
        "Clocks",
        "Dashboards",
    ]


def test_a_silent_process_is_grey_and_a_quiet_one_says_so(client, show):
    show("a:1:x", beat=40.0)
    show("b:1:x", quiet="true")

    silent, quiet = row(client, "a:1:x"), row(client, "b:1:x")

    assert "stale" in silent["class"]
    assert "last seen 40 s ago" in silent.text
    assert "quiet" in quiet.text
    assert "class" not in quiet


def test_different_versions_are_hinted_at(client, show):
    show("a:1:x", version="1.0")
    assert "different versions" not in client.get("/workers").page.text
    show("b:1:x", version="1.1")
    client.dashboard._pages.changed()
    assert "different versions: 1.0 (1), 1.1 (1)" in client.get("/workers").page.text.replace(" ,", ",")


@pytest.mark.parametrize(("action", "signal"), [("quiet", b"TSTP"), ("stop", b"TERM"), ("dump", b"TTIN")])
def test_a_process_is_told_what_to_do(server, client, show, app, action, signal):
    show()

    answer = client.submit(client.get("/workers/host:1:ab").page.form(f"process.{action}"))

    assert "host:1" in answer.said
    assert server.client.lrange("host:1:ab-signals", 0, -1) == [signal]
    assert [(entry.action, entry.resource) for entry in app.audit] == [(f"process.{action}", "host:1:ab")]


def test_a_viewer_sees_no_button_and_is_refused(server, app, show):
    show()
    viewer = Client(app, role="viewer")

    for path in ("/workers", "/workers/host:1:ab"):
        assert viewer.get(path).page.find("main form[method=post]") is None
    for action in ("quiet", "stop", "dump"):
        assert viewer.act(f"process.{action}", {"name": "host:1:ab"}).status == 403
    assert not server.client.exists("host:1:ab-signals")


def test_a_process_that_has_gone_is_not_found_and_cannot_be_told_anything(client):
    assert client.get("/workers/host:9:zz").status == 404
    assert "shows itself no more" in client.act("process.stop", {"name": "host:9:zz", "back": "/workers"}).said


def test_what_strangers_call_themselves_is_shown_as_it_is(server, client, show):
    show(
        HOSTILE,
        work=[(HOSTILE, 5.0)],
        tag=HOSTILE,
        labels=[HOSTILE],
        version=HOSTILE,
        hostname=HOSTILE,
        queues=[HOSTILE],
        role=HOSTILE,
    )
    server.client.hset(HOSTILE, mapping={"busy": "NaN", "concurrency": "9" * 30, "rss": "-5", "rtt_us": "x"})
    server.client.hset(f"{HOSTILE}:work", "t9", "no json")

    page = client.get("/workers").page
    link = next(each for each in page.all("td a") if "onerror" in each.text)

    assert page.find("img") is None
    assert client.get(link["href"]).page.find("img") is None


def test_two_thousand_running_jobs_make_a_page_of_a_hundred(client, show):
    for number in range(50):
        show(f"h{number:02}:1:x", work=[("send", float(number + n)) for n in range(40)], concurrency=40)

    answer = client.get("/workers")

    assert len([each for each in answer.page.all("tr") if each.attributes.get("id", "").startswith("run-")]) == 100
    assert "The 100 of 2,000" in answer.page.text
    assert len(answer.body) < 600_000
