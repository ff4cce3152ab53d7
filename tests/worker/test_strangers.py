"""Whatever lies in a queue, the worker lives on, imports nothing, and puts away what it cannot run with a reason."""

from __future__ import annotations

import json
import logging
import sys
from datetime import date

import pytest

from support import until


def after(bench):
    """Make and push a job that shows that the only slot still works."""
    ran = []

    def well() -> None:
        ran.append(1)

    bench.job(well)
    bench.push("well")
    return ran


@pytest.mark.parametrize(
    "text",
    [
        b"not json",
        b"",
        b"\xff\xfe\x00",
        b"[1,2]",
        b"null",
        b"17",
        b'"text"',
        b"{}",
        b'{"class":"well"}',
        b'{"class":"well","jid":5,"args":[]}',
        b'{"class":"well","jid":"x","args":{}}',
        b'{"class":null,"jid":"x","args":[]}',
        b'{"class":"well","jid":"x","args":[],"kwargs":[1]}',
        b'{"class":"well","jid":"\\ud800","args":[]}',
        b"[" * 100_000,
        b'{"class":"well","jid":"x","args":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"class":"well","jid":"x","args":[NaN]}',
    ],
    ids=lambda text: text[:40].decode("latin-1"),
)
def test_what_is_no_job_goes_to_the_dead_set_counted_and_nothing_stops(bench, text):
    bench.push_raw(text)
    ran = after(bench)

    bench.run(concurrency=1)

    ((raw, _),) = bench.client.zrange("dead", 0, -1, withscores=True)
    assert raw == text or json.loads(raw)["error_class"]
    assert ran == [1]
    assert bench.counted() == (2, 1)
    assert not bench.client.exists("retry")


@pytest.mark.parametrize("raw", [b"\xffnot json", b',"class":"A"}'])
def test_what_is_not_json_is_kept_byte_for_byte_and_reported_once(bench, spoken, raw):
    heard = []
    bench.app.on_error(lambda error, job: heard.append((type(error).__name__, job)))
    bench.push_raw(raw)

    bench.run()

    assert bench.client.zrange("dead", 0, -1) == [raw]
    assert heard == [("InvalidPayload", None)]
    (facts,) = spoken("job.dead")
    assert facts["reason"] == "not_json"


def test_the_environment_says_how_long_a_job_may_be_that_is_run(bench, monkeypatch):
    monkeypatch.setenv("MAINSPRING_PAYLOAD_LIMIT", "2MB")
    taken = []

    def take(document: str) -> None:
        taken.append(len(document))

    bench.job(take)
    bench.push("take", "x" * 1_900_000)
    bench.push("take", "x" * 2_300_000)

    bench.run(concurrency=1)

    assert taken == [1_900_000]
    assert "the limit is 2,000,000" in bench.only("dead")["error_message"]


@pytest.mark.parametrize("name", ["this", "antigravity.fly", "os.system", "builtins.eval", "Ruby::Job", "__main__.x"])
def test_an_unknown_class_is_dead_with_a_reason_and_nothing_is_imported(bench, spoken, name):
    before = set(sys.modules)
    jid = bench.push(name, "echo harm")
    ran = after(bench)

    bench.run(concurrency=1)

    record = bench.only("dead")
    assert (record["jid"], record["class"], record["args"]) == (jid, name, ["echo harm"])
    assert record["error_class"].endswith("UnknownJob")
    assert name in record["error_message"]
    assert spoken("job.dead")[0]["reason"] == "unknown_class"
    assert not {"this", "antigravity"} & (set(sys.modules) - before)
    assert ran == [1]


@pytest.mark.parametrize(
    "fields",
    [
        {"retry": "abc"},
        {"retry": -1},
        {"retry": [1]},
        {"retry": 2.5},
        {"retry": 10**30},
        {"retry": {"max": 1}},
        {"retry_count": -5},
        {"retry_count": 10**30},
        {"retry_count": "two"},
        {"retry_count": 3.5},
        {"retry": 10**9, "retry_count": 10**8},
        {"failed_at": "yesterday", "retry_count": 0},
        {"failed_at": -1e308, "retry_count": 0},
        {"enqueued_at": 1e308},
        {"enqueued_at": -1e308},
        {"enqueued_at": "soon"},
        {"enqueued_at": {}},
        {"created_at": []},
        {"retry_queue": 5},
        {"retry_queue": "no such name!"},
        {"recovered": "x"},
        {"recovered": {"a": 1}},
        {"recovered": [None, "x", 1e308]},
        {"tags": 5},
        {"carry": [1]},
        {"dead": "no"},
        {"error_backtrace": {"x": 1}},
    ],
    ids=repr,
)
@pytest.mark.parametrize("fails", [False, True])
def test_fields_that_make_no_sense_stop_neither_the_job_nor_its_slot(bench, spoken, fields, fails):
    tried = []

    def odd() -> None:
        tried.append(1)
        if fails:
            raise ValueError("on purpose")

    bench.job(odd)
    bench.push("odd", **fields)
    ran = after(bench)

    bench.run(concurrency=1)

    assert tried == [1]
    assert ran == [1]
    assert len(bench.found("retry")) + len(bench.found("dead")) == int(fails)
    assert bench.counted() == (2, int(fails))
    assert not spoken("service.error")


def test_wrong_arguments_are_a_failure_that_names_the_parameter(bench):
    def typed(due: date) -> None:
        raise AssertionError(due)

    bench.job(typed)
    bench.push("typed", "many")
    bench.push("typed", "2026-11-21", 2, 3)
    ran = after(bench)

    bench.run(concurrency=1)

    errors = sorted(record["error_message"] for record, _ in bench.found("retry"))
    assert len(errors) == 2
    assert any("due" in message for message in errors)
    assert ran == [1]


class Raising(logging.Handler):
    """A handler of somebody's that does not keep its errors to itself."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def emit(self, record: logging.LogRecord) -> None:
        raise self.error


@pytest.fixture
def broken_log():
    logger = logging.getLogger("mainspring")
    level = logger.level
    added = []

    def add(error: BaseException) -> None:
        added.append(Raising(error))
        logger.addHandler(added[-1])
        logger.setLevel(logging.DEBUG)

    yield add
    for handler in added:
        logger.removeHandler(handler)
    logger.setLevel(level)


@pytest.mark.parametrize("error", [OSError("disk full"), ValueError("closed"), SystemExit(1)], ids=repr)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_log_that_raises_costs_lines_and_no_job(bench, broken_log, error, asynchronous):
    tried = []

    def good() -> None:
        tried.append("good")

    def bad() -> None:
        tried.append("bad")
        raise ValueError("recorded all the same")

    async def agood() -> None:
        good()

    async def abad() -> None:
        bad()

    for function in (good, bad, agood, abad):
        bench.job(function)
    broken_log(error)
    names = ["agood", "abad"] if asynchronous else ["good", "bad"]
    for name in names * 2:
        bench.push(name)
    bench.push_raw(b"no json")

    bench.work(concurrency=1)
    until(lambda: bench.counted() == (5, 3))

    assert sorted(tried) == ["bad", "bad", "good", "good"]
    assert len(bench.found("retry")) == 2
    assert not bench.in_flight()
