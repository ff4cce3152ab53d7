"""The JSON API shows and does what the pages do, by the same permissions; nothing is changed by GET or by strangers."""

from __future__ import annotations

import json
import re
import threading

import pytest

from mainspring import current_job
from mainspring.store import gates, keys, periodic
from mainspring.store.periodic import Ended
from mainspring.web import Token, User
from mainspring.web.rest import ENDPOINTS, MOST_BYTES
from mainspring.web.routes import ACTIONS
from mainspring.worker import Worker
from support import until
from web.client import Client

DEEDS = [each for each in ENDPOINTS if each.method != "GET"]
LOOKS = [each for each in ENDPOINTS if each.method == "GET"]
BODIES = {
    "name": "mail",
    "word": "",
    "target": 3,
    "concurrency": 3,
    "job": "send",
    "jids": ["nowhere"],
    "at": 4e9,
    "state": "dead",
    "id": "none",
    "bid": "none",
    "jid": "nowhere",
    "label": "v42",
}


@pytest.fixture
def client(app):
    @app.job(name="send", queue="mail")
    def send(number: int, token: str = ""): ...

    return Client(app)


def get(client, path, status=200, headers=None):
    answer = client.get(f"/api/v1{path}", headers)
    assert answer.status == status, answer.text
    kind = "application/json" if status == 200 else "application/problem+json"
    assert answer.headers["content-type"] == kind
    return answer.json()


def post(client, path, body, status=200, **headers):
    sent = {"content-type": "application/json", "sec-fetch-site": "same-origin"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    answer = client.ask("POST", f"/api/v1{path}", sent, body if isinstance(body, bytes) else json.dumps(body).encode())
    assert answer.status == status, answer.text
    return answer.json()


def body_of(endpoint):
    return {name: BODIES[name] for name in endpoint.takes.__struct_fields__ if name in BODIES}


# --- the table ---------------------------------------------------------------------------


def test_every_endpoint_names_its_permission_and_what_changes_something_more_than_looking():
    known = {action.name for action in ACTIONS}

    for endpoint in ENDPOINTS:
        assert endpoint.permission, endpoint
        assert (endpoint.permission == "see") == (endpoint.method == "GET"), endpoint
        assert endpoint.method == "GET" or endpoint.permission in known or endpoint.role, endpoint
        assert (endpoint.takes is None) == (endpoint.method == "GET"), endpoint
        assert not endpoint.resource or endpoint.resource in endpoint.takes.__struct_fields__, endpoint


@pytest.mark.parametrize("endpoint", DEEDS, ids=lambda each: each.path)
def test_what_changes_something_is_refused_to_a_viewer_to_strangers_and_to_other_sites(app, server, endpoint):
    app.enqueue("send", [1], queue="mail")
    before = server.snapshot()
    asked = []
    viewer = Client(app, role="viewer")
    nobody = Client(app, auth=lambda _: None)
    chosen = Client(app, authorize=lambda user, action, resource: asked.append((action, resource)) or action == "see")

    told = post(viewer, endpoint.path, body_of(endpoint), 403)
    post(nobody, endpoint.path, body_of(endpoint), 403)
    post(chosen, endpoint.path, body_of(endpoint), 403)
    post(Client(app), endpoint.path, body_of(endpoint), 403, sec_fetch_site="cross-site")
    post(Client(app, read_only=True), endpoint.path, body_of(endpoint), 403)

    assert endpoint.permission in told["detail"]
    assert asked[-1][0] == endpoint.permission
    assert server.snapshot() == before


@pytest.mark.parametrize("endpoint", LOOKS, ids=lambda each: each.path)
def test_what_looks_is_open_to_viewers_only_and_changes_nothing(app, server, endpoint):
    app.enqueue("send", [1], queue="mail")
    before = server.snapshot()
    path = "/api/v1" + re.sub(r"\{[^}]*\}", "0123456789abcdef", endpoint.path)

    seen, refused = Client(app, role="viewer").get(path), Client(app, auth=lambda _: None).get(path)

    assert seen.status == (404 if "{" in endpoint.path else 200), seen.text
    assert (refused.status, refused.json()["status"]) == (403, 403)
    assert server.snapshot() == before


def test_the_description_has_every_endpoint_and_every_reference_leads_somewhere(client):
    document = get(client, "/openapi.json")

    text = json.dumps(document)
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": "/api/v1"}]
    for reference in set(re.findall(r'"\$ref": "#/components/schemas/(\w+)"', text)):
        assert reference in document["components"]["schemas"]
    described = {(method.upper(), path) for path, each in document["paths"].items() for method in each}
    assert described == {(each.method, each.path.replace(":path", "")) for each in ENDPOINTS}
    operations = [each for path in document["paths"].values() for each in path.values()]
    assert len({each["operationId"] for each in operations}) == len(operations)
    for path, methods in document["paths"].items():
        for operation in methods.values():
            named = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
            assert named == set(re.findall(r"\{(\w+)\}", path))


# --- what it does ---------------------------------------------------------------------------


def test_a_job_is_enqueued_found_shown_without_its_secrets_and_moved(client, app):
    made = post(client, "/jobs", {"job": "send", "args": [7], "kwargs": {"token": "hunter2"}})

    (found,) = get(client, "/jobs?q=class:send&state=queued")["jobs"]
    shown = get(client, f"/jobs/{made['jid']}")
    killed = post(client, "/jobs/kill", {"jids": [made["jid"], "gone"]})
    retried = post(client, "/jobs/retry", {"jids": [made["jid"]]})
    later = post(client, "/jobs/reschedule", {"jids": [made["jid"]], "at": 4e9})

    assert found == shown
    assert (shown["queue"], shown["state"], shown["args"]) == ("mail", "queued", [7])
    assert "hunter2" not in json.dumps(shown)
    assert killed == {"jobs": {made["jid"]: "done", "gone": "gone"}}
    assert retried == {"jobs": {made["jid"]: "done"}}
    assert later == {"jobs": {made["jid"]: "done"}}
    assert get(client, f"/jobs/{made['jid']}")["at"] == 4e9
    assert post(client, "/jobs/delete", {"jids": [made["jid"]]}) == {"jobs": {made["jid"]: "done"}}
    get(client, f"/jobs/{made['jid']}", 404)
    assert [entry.action for entry in app.audit][::-1] == [
        *("job.push", "job.kill", "job.retry", "job.reschedule", "job.delete"),
    ]


def test_a_positional_argument_is_hidden_by_the_name_of_its_parameter(client, app):
    made = app.enqueue("send", [7, "hunter2"])

    assert "hunter2" not in json.dumps(get(client, f"/jobs/{made.jid}"))


def test_a_job_is_edited_as_it_was_shown_duplicated_and_cancelled(client, app):
    jid = app.enqueue("send", [7, "hunter2"], at=4e9).jid
    shown = get(client, f"/jobs/{jid}")

    edited = post(client, "/jobs/edit", {"jid": jid, "args": [8, shown["args"][1]], "queue": "low"})

    (job,) = app.queue("low")
    assert (edited, list(job.args), job.jid) == ({"jobs": {jid: "done"}}, [8, "hunter2"], jid)
    made = post(client, "/jobs/duplicate", {"jid": jid})["facts"]["made"]
    assert list(app.find(made).args) == [8, "hunter2"]
    assert post(client, "/jobs/edit", {"jid": jid, "args": [9]}, 409)["detail"].startswith("It is queued")
    assert post(client, "/jobs/cancel", {"jids": [jid, "nowhere"]}) == {"jobs": {jid: "done", "nowhere": "gone"}}
    post(client, "/jobs/edit", {"jid": jid}, 404)
    post(client, "/jobs/duplicate", {"jid": jid}, 404)
    assert [(entry.action, entry.resource) for entry in app.audit][::-1] == [
        *(("job.edit", jid), ("job.duplicate", jid), ("job.cancel", "")),
    ]


def test_only_an_argument_that_was_hidden_may_be_left_as_it_was_shown(client, app):
    made = app.enqueue("send", [7, "hunter2"], at=4e9)
    hidden = get(client, f"/jobs/{made.jid}")["args"][1]

    told = post(client, "/jobs/edit", {"jid": made.jid, "args": [hidden, 7]}, 409)

    assert "stands for what you may not see" in told["detail"]
    assert list(app.find(made.jid).args) == [7, "hunter2"]
    assert post(client, "/jobs/edit", {"jid": made.jid, "kwargs": {"token": "new"}, "args": [1]})
    assert dict(app.find(made.jid).kwargs) == {"token": "new"}


def test_a_job_that_runs_is_told_to_end(client, app):
    begun, seen = threading.Event(), []

    @app.job(name="long", queue="mail")
    def long() -> None:
        begun.set()
        until(lambda: current_job().is_cancelled())
        seen.append("cancelled")

    jid = long.enqueue().jid
    worker = Worker(app, 1, ("mail",))
    worker.start()
    until(begun.is_set)

    answer = post(client, "/jobs/cancel", {"jids": [jid]})

    until(lambda: seen)
    worker.stop()
    assert answer == {"jobs": {jid: "done"}}
    assert app.find(jid) is None


def test_gates_tell_who_holds_them_and_who_waits(client, app):
    @app.job(name="sync", concurrency=1)
    def sync(tenant: str, token: str) -> None: ...

    app.store.run(gates.define({"c:sync": "1"}))
    jids = [sync.enqueue("acme", "hunter2").jid for _ in range(3)]

    (name,) = [each["name"] for each in get(client, "/gates")["gates"]]
    listed, one = get(client, "/gates"), get(client, f"/gates/{name}")

    assert listed["total"] == 1
    assert listed["gates"] == [{name: one[name] for name in listed["gates"][0]}]
    assert (one["kind"], one["most"], one["waiting"]) == ("job", 1, 2)
    assert "hunter2" not in json.dumps(one)
    assert {each["jid"] for each in one["holders"]} | {each["jid"] for each in one["jobs"]} == set(jids)
    get(client, "/gates/nothing", 404)


def test_deploys_are_marked_and_listed(client, app):
    made = post(client, "/deploys", {"label": "v42"})

    assert get(client, "/deploys")["deploys"] == [made]
    assert made["label"] == "v42"
    assert next(iter(app.audit)).action == "deploy.mark"
    post(client, "/deploys", {"label": ""}, 422)
    for at in (-1e300, 1e300, -1.0, 4e9):
        post(client, "/deploys", {"label": "v1", "at": at}, 422)


def test_queues_are_listed_by_pages_and_steered(client, app, server):
    server.client.sadd(keys.QUEUES, *(f"q{n}" for n in range(5)))

    first = get(client, "/queues?count=3")
    second = get(client, f"/queues?count=3&cursor={first['cursor']}")
    post(client, "/queues/pause", {"name": "q1"})
    post(client, "/queues/target", {"name": "q1", "target": 30})
    post(client, "/queues/concurrency", {"name": "q1", "concurrency": 4})
    changed = get(client, "/queues/q1")
    post(client, "/queues/resume", {"name": "q1"})
    post(client, "/queues/target", {"name": "q1", "target": None})
    post(client, "/queues/concurrency", {"name": "q1", "concurrency": None})

    assert [each["name"] for each in first["queues"] + second["queues"]] == [f"q{n}" for n in range(5)]
    assert (first["total"], second["cursor"]) == (5, "")
    assert (changed["is_paused"], changed["target"], changed["concurrency"]) == (True, 30.0, 4)
    assert get(client, "/queues/q1")["target"] is None
    assert "q1 is resumed" not in get(client, "/audit")["entries"][0]["facts"]
    assert get(client, "/audit?count=1")["entries"][0]["by"] == "ada"


def test_a_bulk_operation_is_begun_and_followed(client, app):
    app.enqueue("send", [1], queue="mail", at=4e9)

    begun = post(client, "/operations/delete", {"state": "scheduled", "q": "class:send"})

    assert (begun["status"], begun["by"], begun["query"]) == ("running", "ada", "class:send")
    while app.operations.turn():
        pass
    assert get(client, f"/operations/{begun['id']}")["done"] == 1
    assert app.scheduled.size == 0


def test_a_periodic_entry_is_shown_triggered_and_paused(client, app):
    app.periodic.put("nightly", "send", cron="0 3 * * *", args=[1])

    post(client, "/periodic/pause", {"name": "nightly"})
    shown = get(client, "/periodic/nightly")
    run = post(client, "/periodic/trigger", {"name": "nightly"})["facts"]["jid"]

    assert (shown["is_paused"], shown["words"] != "") == (True, True)
    assert (shown["last_jid"], shown["last_result"]) == (None, None)
    assert get(client, "/periodic")["entries"] == [shown | {"last_jid": run}]
    app.store.run(periodic.note_ends(":nightly", [Ended(1.0, "dead", run)]))
    assert get(client, "/periodic/nightly")["last_result"] == "dead"
    assert app.queue("mail").size == 1
    get(client, "/periodic/none", 404)
    app.periodic.delete("nightly")


def test_a_program_shows_its_token(app):
    token = "a-token-of-some-length"
    client = Client(app, auth=Token({token: User("ci", roles=("operator",))}))

    post(client, "/queues/pause", {"name": "mail"}, 401)
    post(client, "/queues/pause", {"name": "mail"}, authorization=f"Bearer {token}", sec_fetch_site="none")

    assert app.queue("mail").is_paused
    assert next(iter(app.audit)).by == "ci"
    app.queue("mail").resume()


# --- what is wrong ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/queues/pause", b"{", 400),
        ("/queues/pause", b"\xff", 400),
        ("/queues/pause", b"[" * 100_000, 422),
        ("/queues/pause", {}, 422),
        ("/queues/pause", {"name": 3}, 422),
        ("/queues/pause", {"name": "mail", "and": "more"}, 422),
        ("/queues/pause", {"name": "no name\n"}, 422),
        ("/queues/target", {"name": "mail", "target": "soon"}, 409),
        ("/queues/target", {"name": "mail", "target": -1}, 409),
        ("/queues/concurrency", {"name": "mail", "concurrency": -1}, 409),
        ("/jobs", {"job": "send", "args": ["x", "y", "z"]}, 422),
        ("/jobs", {"job": ""}, 422),
        ("/jobs", {"job": "send", "args": [1], "queue": "no name"}, 422),
        ("/jobs/kill", {"jids": []}, 422),
        ("/jobs/kill", {"jids": ["a"] * 21}, 422),
        ("/operations/retry", {"state": "running"}, 422),
        ("/operations/retry", {"state": "dead", "q": "color:red"}, 422),
        ("/operations/reschedule", {"state": "dead"}, 422),
        ("/processes/stop", {"name": "nobody"}, 404),
        ("/queues/pause", b'{"name": "' + b"x" * MOST_BYTES + b'"}', 413),
    ],
)
def test_what_means_nothing_is_a_problem_and_changes_nothing(client, server, path, body, status):
    before = server.snapshot()

    told = post(client, path, body, status)

    assert told["status"] == status
    assert told["detail"]
    assert server.snapshot() == before


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/jobs?q=color:red", 400),
        ("/jobs?state=happy", 400),
        ("/jobs?cursor=x", 400),
        ("/metrics?period=1y", 400),
        ("/metrics?queue=a&job=b", 400),
        ("/failures?cursor=-1", 400),
        ("/jobs?count=9999999999999999999999", 200),
        ("/queues?cursor=\u0663&count=NaN", 200),
        ("/nowhere", 404),
        ("/queues/..%2f..%2fetc", 404),
    ],
)
def test_queries_that_mean_nothing_are_problems(client, path, status):
    get(client, path, status)


def test_only_json_is_taken(client, app):
    told = post(client, "/queues/pause", {"name": "mail"}, 415, content_type="text/plain")

    assert "application/json" in told["detail"]
    assert not app.queue("mail").is_paused


def test_what_strangers_have_stored_is_shown_as_far_as_json_can_say_it(client, server):
    server.client.sadd(keys.QUEUES, "odd")
    server.client.lpush(keys.queue("odd"), b'{"class":"a\\ud800","jid":"x","args":[1e999,"\\udfff"]}', b"\xff\x00")

    found = get(client, "/jobs?state=queued")["jobs"]

    assert len(found) == 2


def test_without_the_store_it_says_so(private_server):
    from mainspring import App

    server = private_server()
    app = App(server.url)
    client = Client(app)
    server.kill9()

    assert get(client, "/queues", 503)["detail"]
    assert post(client, "/queues/pause", {"name": "mail"}, 503)["detail"]
    app.close()
