"""The page of one job: in whatever state it is, what it shows, and that what is done to it is done once."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager

import pytest

from mainspring import current_job
from mainspring.base import payload
from mainspring.store import keys
from mainspring.web import Link, frames
from mainspring.worker import Worker
from support import until
from web.client import Client
from web.stock import HOSTILE, everywhere, failed, jid_of, job, put

JID = jid_of(1)


@pytest.fixture
def client(app):
    return Client(app)


def pushed(server, queue="default"):
    return [json.loads(raw) for raw in server.client.lrange(keys.queue(queue), 0, -1)]


def story(page):
    return [line.text for line in page.all("#story li div")]


# --- looking -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "raw", "said"),
    [
        ("queued", job(1), "Waits in"),
        ("scheduled", job(1), "Due in 5 min"),
        ("retrying", failed(1), "Attempt 3 is due in 5 min"),
        ("dead", failed(1), "Died: it will not be tried again by itself"),
    ],
)
def test_it_is_found_in_any_state_and_tells_its_story(client, server, state, raw, said):
    put(server, state, raw)

    page = client.get(f"/jobs/{JID}").page

    assert page.one("h1").text == "crm.sync"
    assert page.one(".head .tag").text == state
    assert story(page)[0] == "Enqueued"
    assert story(page)[-1].startswith(said)


def test_a_link_of_the_list_leads_to_it_and_back(client, server):
    put(server, "dead", failed(1))

    page = client.get(client.get("/jobs?state=dead").page.one("#jobs td.c-job a")["href"]).page

    assert page.one("#jid").text == JID
    assert page.all(".crumbs a")[-1]["href"] == "/jobs?state=dead"


def test_an_error_is_shown_with_its_own_code_and_libraries_folded(client, server):
    lines = ["/x/site-packages/requests/api.py:9 in get", "/x/lib/python3.11/ssl.py:1 in f", "crm/client.py:88 in post"]
    put(server, "retrying", failed(1, error_backtrace=payload.pack_backtrace(lines)))

    error = client.get(f"/jobs/{JID}").page.one("#error")

    assert error.one("h2").text == "crm.HTTPError"
    assert error.one("details summary").text == "2 frames of libraries"
    assert [node.text for node in error.all("code")] == lines
    assert error.one("header a")["href"] == "/failures/abc123"


def test_arguments_have_their_names_and_secrets_are_hidden_everywhere(app, client, server):
    @app.job(name="crm.login")
    def login(user: str, password: str) -> None: ...

    put(server, "dead", failed(1, **{"class": "crm.login"}, args=["ada", "hunter2"], kwargs={"api_key": "hunter2"}))

    answer = client.get(f"/jobs/{JID}")

    assert json.loads(answer.page.one("#call").text)["user"] == "ada"
    assert "hunter2" not in answer.text + client.get(f"/job-edit?jid={JID}").text


def test_what_it_belongs_to_is_linked(app, server):
    flow = {"bid": "b1", "n": 0, "lock": "f" * 40, "gates": ["q:default"], "timeout": 90}
    fields = {
        "flow": flow,
        "periodic": {"name": "nightly", "tick": 1},
        "carry": {"traceparent": f"00-{'a1' * 16}-b-01"},
    }
    put(server, "scheduled", job(1, **fields))
    links = [
        Link("Logs", "https://logs.example/?q={jid}"),
        Link("Trace", "https://t.example/{trace_id}"),
        Link("Home", "/"),
    ]

    page = Client(app, links=links).get(f"/jobs/{JID}").page

    hrefs = {link["href"] for link in page.all("#facts a")}
    assert {"/batches/b1", "/clock/nightly", "/limits/q%3Adefault", "/queues/default"} <= hrefs
    assert {f"https://logs.example/?q={JID}", f"https://t.example/{'a1' * 16}"} <= hrefs
    assert "Home" not in page.one("#facts").text


def test_a_job_that_is_nowhere_says_where_was_looked(client, server):
    put(server, "dead", job(2))

    answer = client.get(f"/jobs/{JID}")

    assert answer.status == 404
    assert f"There is no job {JID}. Looked at all 1 jobs" in answer.tree.text


@pytest.mark.parametrize("state", ["dead", "queued"])
def test_hostile_names_are_only_text(client, server, state):
    hostile = failed(HOSTILE, **{"class": HOSTILE}, args=[HOSTILE], tags=[HOSTILE], error_message=HOSTILE, flow=HOSTILE)
    put(server, state, hostile)
    path = client.get("/jobs").page.one("#jobs td.c-job a")["href"]

    answer = client.get(path)

    assert answer.page.one("h1").text.startswith("<script>alert")
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize(
    "raw", [b"no json <b>", b"[]", b'{"class":7,"args":{},"kwargs":[],"jid":[],"tags":"x","flow":{"gates":[1]}}']
)
def test_what_is_no_job_can_be_shown_and_deleted(client, server, raw):
    server.client.zadd(keys.DEAD, {raw: 1.0})
    page = client.get(client.get("/jobs").page.one("#jobs td.c-job a")["href"]).page

    assert "was deleted" in client.submit(page.form("job.delete")).said
    assert not server.exists(keys.DEAD)


def test_frames_of_libraries_are_told_from_ones_own():
    assert frames.is_library("/usr/lib/python3.11/json/decoder.py:1 in x")
    assert frames.is_library("C:\\venv\\Lib\\site-packages\\a.py:1 in x")
    assert not frames.is_library("/srv/app/crm/client.py:88 in post")


# --- acting -------------------------------------------------------------------------------------


def test_it_is_retried_from_its_page_which_then_shows_where_it_is(client, server):
    put(server, "dead", failed(1))

    after = client.submit(client.get(f"/jobs/{JID}").page.form("job.retry"))

    assert after.said == f"{JID} was retried."
    assert after.page.one(".head .tag").text == "queued"
    assert after.page.all("#job-actions form[action=/actions/job.retry]") == []


def test_edited_arguments_are_pushed_and_what_was_hidden_stays(client, app, server):
    put(server, "dead", failed(1, kwargs={"token": "hunter2", "locale": "de"}))
    form = client.get(f"/job-edit?jid={JID}").page.form("job.edit")
    kwargs = json.loads(dict_of(form)["kwargs"]) | {"locale": "fr"}

    answer = client.submit(form, args="[50009]", kwargs=json.dumps(kwargs), queue="slow")

    assert answer.said == f"{JID} was pushed with these arguments."
    (found,) = pushed(server, "slow")
    assert (found["args"], found["kwargs"], found["jid"]) == ([50009], {"token": "hunter2", "locale": "fr"}, JID)
    assert next(iter(app.audit)).action == "job.edit"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"args": "[1"}, "args is no JSON"),
        ({"args": "{}"}, "args must be a list"),
        ({"kwargs": "[]"}, "kwargs must be an object"),
        ({"queue": "a b"}, "cannot name a queue"),
        ({"kwargs": '{"x": "\\u2022\\u2022\\u2022\\u2022\\u2022\\u2022 (redacted)"}'}, "leave it where it was"),
    ],
)
def test_an_edit_that_cannot_be_comes_back_with_what_was_written(client, server, changed, said):
    put(server, "dead", failed(1))
    form = client.get(f"/job-edit?jid={JID}").page.form("job.edit")

    answer = client.submit(form, **changed)

    assert said in answer.page.one("[data-dialog-body] .notice.bad").text
    assert dict_of(answer.page.form("job.edit")) | changed == dict_of(answer.page.form("job.edit"))
    assert everywhere(server, JID) == ["dead"]


def dict_of(form):
    from web.tree import fields

    return {name: value.strip("\n") for name, value in fields(form)}


def test_an_edit_of_what_has_moved_says_where_it_is(client, app, server):
    put(server, "dead", failed(1))
    form = client.get(f"/job-edit?jid={JID}").page.form("job.edit")
    app.dead.retry(JID)

    answer = client.submit(form, args="[50009]")

    assert answer.said == f"Nothing was done: {JID} has moved on since you saw it. It is now waiting in its queue."
    assert [each["args"] for each in pushed(server)] == [[50008]]


def test_a_copy_is_a_job_of_its_own(client, server):
    put(server, "dead", failed(1, flow={"lock": "l", "bid": "b", "n": 0}))

    answer = client.submit(client.get(f"/jobs/{JID}").page.form("job.duplicate"))

    (made,) = pushed(server)
    assert answer.said == f"Enqueued again, as {made['jid']}."
    assert answer.page.one("#jid").text == made["jid"] != JID
    assert "flow" not in made
    assert everywhere(server, JID) == ["dead"]


def test_what_runs_is_shown_while_it_runs_and_can_be_cancelled(app, client):
    is_cancelled = threading.Event()

    @app.job(name="crm.long")
    def long_one() -> None:
        job = current_job()
        until(lambda: job.progress(0.4, "row 4 of 10") or job.is_cancelled(), timeout=60, every=0.1)
        is_cancelled.set()
        job.check()

    jid = long_one.enqueue().jid
    with _working(app):
        page = until(lambda: _running(client, jid), timeout=60)
        answer = client.submit(page.form("job.cancel"))
        assert is_cancelled.wait(60)

    assert story(page)[-1].startswith("Attempt 1 runs")
    assert page.one(".progress b").text == "40 %"
    assert answer.said == f"{jid} runs, and its process was told to end it."
    assert until(lambda: client.get(f"/jobs/{jid}").status == 404, timeout=60)


def _running(client, jid):
    answer = client.live(f"/jobs/{jid}")
    found = answer.tree.find(".progress b")
    return client.get(f"/jobs/{jid}").page if found is not None else None


def test_a_job_that_is_done_is_shown_while_its_history_is_kept(app, client):
    @app.job(name="crm.short", history="1h")
    def short_one(number: int) -> None: ...

    jid = short_one.enqueue(7).jid
    with _working(app):
        page = until(lambda: _done(client, jid), timeout=60)

    assert page.one(".head .tag").text == "done"
    assert story(page)[-1].startswith("Attempt 1 on")
    assert "succeeded after" in story(page)[-1]
    assert json.loads(page.one("#call").text) == {"number": 7}
    assert client.submit(page.form("job.duplicate")).said.startswith("Enqueued again, as")


@contextmanager
def _working(app):
    worker = Worker(app, 1)
    worker.start()
    try:
        yield
    finally:
        worker.stop(5)


def _done(client, jid):
    answer = client.live(f"/jobs/{jid}")
    tag = answer.tree.find(".head .tag")
    return answer.page if tag is not None and tag.text == "done" else None


def test_a_viewer_sees_no_button_and_can_do_nothing(app, server):
    put(server, "dead", failed(1))
    viewer = Client(app, role="viewer")

    assert viewer.get(f"/jobs/{JID}").page.all("main form") == []
    assert viewer.get(f"/job-edit?jid={JID}").page.all("main form") == []
    for action in ("edit", "duplicate", "cancel"):
        assert viewer.post(f"/actions/job.{action}", {"jid": JID, "job": f"m {JID}"}).status == 403


def test_of_ten_tabs_that_retry_delete_and_kill_one_does(app, server):
    put(server, "retrying", failed(1))
    first = Client(app)
    tabs = [first, *(Client(first.dashboard) for _ in range(9))]
    forms = [
        tab.get(f"/jobs/{JID}").page.form(f"job.{action}")
        for tab, action in zip(tabs, ["kill", "retry", "delete"] * 4, strict=False)
    ]

    said = [tab.submit(form).said for tab, form in zip(tabs, forms, strict=True)]

    assert said[0] == f"{JID} was moved to dead."
    assert set(said[1:]) == {f"Nothing was done: {JID} has moved on since you saw it. It is now dead."}
    assert everywhere(server, JID) == ["dead"]
    assert [entry.action for entry in app.audit] == ["job.kill"]


def test_of_ten_tabs_at_once_one_does(app, server):
    from concurrent.futures import ThreadPoolExecutor

    put(server, "retrying", failed(1))
    first = Client(app)
    tabs = [first, *(Client(first.dashboard) for _ in range(9))]
    form = first.get(f"/jobs/{JID}").page
    actions = ["job.retry", "job.delete", "job.kill"] * 4

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda tab, action: tab.submit(form.form(action)), tabs, actions))

    assert len(list(app.audit)) == 1
    assert len(everywhere(server, JID)) <= 1
