"""No answer lets a stranger's page read, frame or send anything; only a form of the dashboard's own changes something."""

from __future__ import annotations

import pytest

from mainspring.web.routes import ACTIONS, PAGES
from mainspring.web.security import HEADERS
from web.client import Client

FIRST = ACTIONS[0]
#: Where a form may come from that is not the dashboard's own.
STRANGERS = [
    {},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none"},
    {"sec-fetch-site": "cross-site", "origin": "http://jobs.example"},
    {"origin": "null"},
    {"origin": "http://evil.example"},
    {"origin": "http://jobs.example.evil.example"},
    {"origin": "http://jobs.example:81"},
    {"referer": "http://jobs.example/"},
    {"sec-fetch-site": "cross-site", "x-http-method-override": "GET"},
]
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("headers", STRANGERS, ids=str)
def test_a_form_of_a_strangers_changes_nothing(app, server, headers):
    client = Client(app)

    for action in ACTIONS:
        answer = client.ask("POST", f"/actions/{action.name}", FORM | headers, f"{action.resource}=default".encode())
        assert answer.status == 403
    assert server.client.dbsize() == 0


def test_the_way_out_is_named_where_a_proxy_hides_the_host(app):
    answer = Client(app).ask("POST", f"/actions/{FIRST.name}", FORM | {"origin": "https://admin.example"})

    assert "proxy_set_header Host" in answer.tree.text


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-origin"},
        {"origin": "http://jobs.example"},
        {"origin": "https://admin.example"},
        {"authorization": "Bearer x"},
    ],
    ids=str,
)
def test_a_form_of_ones_own_is_taken(app, headers):
    client = Client(app, trusted_origins=["https://admin.example"])

    assert client.ask("POST", f"/actions/{FIRST.name}", FORM | headers).status == 303


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "text/plain"}, b"name=default", 415),
        ({"content-type": "multipart/form-data; boundary=x"}, b"", 415),
        ({}, b"name=default", 415),
        (FORM, b"x" * 300_000, 413),
        (FORM, b"&".join(b"a=%d" % n for n in range(3_000)), 400),
        (FORM, b"\xff\xfe", 400),
    ],
    ids=["plain", "multipart", "nothing", "large", "many", "broken"],
)
def test_what_is_no_form_changes_nothing(app, headers, body, status):
    answer = Client(app).ask("POST", f"/actions/{FIRST.name}", {"sec-fetch-site": "same-origin"} | headers, body)

    assert answer.status == status


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "TRACE"])
def test_what_only_looks_changes_nothing(app, server, method):
    app.enqueue("shop.add", [1])
    before = {key: server.client.dump(key) for key in server.client.scan_iter()}
    client = Client(app)

    for path in [page.path for page in PAGES] + [f"/actions/{action.name}" for action in ACTIONS]:
        client.ask(method, path.replace("{", "").replace("}", "").replace(":path", ""))

    assert {key: server.client.dump(key) for key in server.client.scan_iter()} == before


def test_every_answer_carries_the_same_headers(app):
    client = Client(app)
    static = client.get("/").tree.all("link[rel=stylesheet]")[0]["href"]
    strangers = Client(app, auth=lambda _: None)

    answers = [client.get(page.path.replace("{", "").replace("}", "")) for page in PAGES]
    answers += [client.get("/nowhere"), client.post("/actions/nowhere"), client.ask("PUT", "/"), strangers.get("/")]
    for answer in answers:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, answer.path
    kept = client.get(static)
    assert kept.status == 200
    assert {name: kept.headers.get(name) for name in HEADERS} == dict(HEADERS) | {
        "cache-control": "public, max-age=31536000, immutable"
    }


@pytest.mark.parametrize(
    "back",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "evil",
        "javascript:alert(1)",
        "/x\r\nx: y",
        "/jobs-evil",
        "",
        "/jobs\u2028",
    ],
)
def test_a_form_leads_nowhere_else(app, back):
    client = Client(app, root="/jobs")

    answer = client.post(f"/actions/{FIRST.name}", {"back": back})

    assert answer.status == 303
    assert answer.location == "/jobs/"


def test_hosts_and_referers_of_a_strangers_show_nowhere(app):
    evil = {
        "host": "evil.example",
        "x-forwarded-host": "evil.example",
        "referer": "http://evil.example/",
        "x-original-url": "/evil.example",
    }
    client = Client(app)

    for page in PAGES:
        answer = client.get(page.path.replace("{", "").replace("}", ""), evil)
        assert "evil.example" not in answer.text + str(answer.headers)
