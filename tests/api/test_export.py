"""An export has each job once, in bounded memory, and nothing in it that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc

import pytest

from api.bulk import PAST, fill, job
from mainspring import App
from mainspring.api.export import COLUMNS, rows
from mainspring.base.errors import InvalidFilter, InvalidOption
from mainspring.store import keys


@pytest.fixture
def app(server):
    app = App(server.url)
    yield app
    app.close()


def table(app, *given, **options) -> list[dict[str, str]]:
    text = b"".join(rows(app, *given, format="csv", **options)).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_each_job_is_a_row_whatever_their_number(server, app) -> None:
    fill(server, keys.RETRY, 2500)

    found = table(app, "error:Timeout", "retrying")

    assert sorted(row["jid"] for row in found) == [f"j{n:05}" for n in range(2500)]
    assert tuple(found[0]) == COLUMNS
    assert found[0]["state"] == "retrying"
    assert found[0]["attempts"] == "4"
    assert found[0]["failed_at"].endswith("+00:00")


def test_ndjson_has_an_object_on_each_line(server, app) -> None:
    fill(server, keys.DEAD, 3, lambda n: job(f"j{n}", kwargs={"name": "caf\u00e9\n"}))

    found = [json.loads(line) for line in b"".join(rows(app, format="ndjson")).splitlines()]

    assert {row["jid"] for row in found} == {"j0", "j1", "j2"}
    assert found[0]["kwargs"] == {"name": "caf\u00e9\n"}
    assert found[0]["created_at"] == pytest.approx(PAST)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "\uff1d1"])
def test_no_cell_is_a_formula(server, app, text) -> None:
    server.client.zadd(keys.DEAD, {job(text, error_message=text, **{"class": text}): PAST})

    (row,) = table(app)

    assert {row["jid"], row["error_message"], row["class"]} == {f"'{text}"}


def test_what_is_hidden_is_in_no_row(server, app) -> None:
    server.client.zadd(keys.DEAD, {job("a", kwargs={"token": "secret"}): PAST})

    def redact(row):
        return row | {"kwargs": {"token": "***"}}

    for form in ("csv", "ndjson"):
        assert b"secret" not in b"".join(rows(app, format=form, redact=redact))


def test_what_is_no_job_is_a_row_all_the_same(server, app) -> None:
    server.client.zadd(keys.DEAD, {b"\xff no json": 1e300, b'{"args":"x","created_at":1e300,"error_class":7}': 2.0})

    assert len(table(app)) == 2
    assert len(list(rows(app, format="ndjson"))) == 1


def test_nothing_is_a_line_of_names(server, app) -> None:
    assert b"".join(rows(app)) == ",".join(COLUMNS).encode() + b"\r\n"
    assert list(rows(app, format="ndjson")) == []


def test_what_cannot_be_exported_is_refused_before_the_first_row(server, app) -> None:
    with pytest.raises(InvalidFilter):
        rows(app, "colour:red")
    with pytest.raises(InvalidOption):
        rows(app, format="xml")
    with pytest.raises(InvalidOption):
        rows(app, state="nowhere")


def test_memory_does_not_grow_with_the_number_of_jobs(server, app) -> None:
    fill(server, keys.RETRY, 6_000)
    next(iter(rows(app, format="ndjson")))  # what is imported for it takes memory once
    tracemalloc.start()

    for _ in rows(app, format="ndjson"):
        pass

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 9_000_000
