"""An export has every job that the filter means, whatever their number, and no secret."""

from __future__ import annotations

import csv
import io
import json

import pytest

from mainspring.base.errors import StoreUnavailable
from mainspring.store import keys
from web.client import Client
from web.stock import failed, jid_of, job, put


@pytest.fixture
def client(app):
    return Client(app, role="viewer")


def table(answer):
    assert answer.status == 200
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_all_that_the_filter_means_are_in_it_and_nothing_else(client, server):
    server.client.zadd(keys.DEAD, {job(n, queue="a" if n % 2 else "b"): 1.0 + n for n in range(2_500)})

    answer = client.get("/jobs/export?q=queue:a&state=dead")

    assert {row["jid"] for row in table(answer)} == {jid_of(n) for n in range(1, 2_500, 2)}
    assert answer.headers["content-disposition"] == 'attachment; filename="jobs-dead.csv"'
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"


def test_each_line_of_ndjson_is_an_object(client, server):
    put(server, "dead", failed(1, error_message="a\nb"))

    (line,) = client.get("/jobs/export?format=ndjson").text.splitlines()

    assert (json.loads(line)["jid"], json.loads(line)["error_message"]) == (jid_of(1), "a\nb")


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_no_secret_leaves(app, client, server, kind):
    @app.job(name="crm.login")
    def login(user: str, password: str) -> None: ...

    put(server, "dead", failed(1, **{"class": "crm.login"}, args=["ada", "hunter2"], kwargs={"token": "hunter2"}))
    put(server, "dead", failed(2, args=[{"api_key": "hunter2"}], error_message="https://x:hunter2@y token=hunter2"))

    answer = client.get(f"/jobs/export?format={kind}")

    assert jid_of(1) in answer.text
    assert "hunter2" not in answer.text


@pytest.mark.parametrize("query", ["q=nokey:1", "state=nowhere"])
def test_what_means_nothing_is_refused(client, server, query):
    assert client.get(f"/jobs/export?{query}").status == 400


def test_a_store_that_goes_away_meanwhile_does_not_look_like_the_end(app, client, server, monkeypatch):
    server.client.zadd(keys.DEAD, {job(n): 1.0 + n for n in range(1_500)})
    search, asked = app.search, []

    def once(*args, **options):
        asked.append(1)
        if len(asked) > 1:
            raise StoreUnavailable("gone", applied=None)
        return search(*args, **options)

    monkeypatch.setattr(app, "search", once)

    assert client.get("/jobs/export").text.splitlines()[-1] == "incomplete: the store does not answer any more"


def test_who_may_not_see_exports_nothing(app, server):
    assert Client(app, auth=lambda _: None).get("/jobs/export").status == 403
