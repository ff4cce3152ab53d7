"""Whatever a job does, exactly one thing becomes of it, and it is written as Sidekiq writes it."""

from __future__ import annotations

import base64
import json
import time
import zlib

import pytest

from mainspring import Discard, Kill, Retry, RetryIn, Snooze, current_job
from support import until


class Refused(Exception):
    """An error of the user's."""


class Mute(Exception):
    """An error that fails when it is asked for its text."""

    def __str__(self) -> str:
        raise SystemExit("no text")


class Strange(BaseException):
    """Not even an Exception."""


def boom(kind: str) -> None:
    raise {
        "error": Refused("no"),
        "mute": Mute(),
        "exit": SystemExit(3),
        "interrupt": KeyboardInterrupt(),
        "base": Strange("odd"),
        "stop": StopIteration("end"),
        "astop": StopAsyncIteration("end"),
        "generator": GeneratorExit(),
        "long": Refused("x" * 50_000),
        "surrogate": Refused("\udcff"),
    }[kind]


async def aboom(kind: str) -> None:
    boom(kind)


# --- success ---------------------------------------------------------------------


def test_a_job_that_succeeds_leaves_nothing_but_its_count(bench, server):
    ran = []
    bench.job(named(lambda x: ran.append(x), "add"))  # noqa: PLW0108 - a built-in has no signature
    bench.push("add", 7)

    bench.run()

    assert ran == [7]
    assert bench.counted() == (1, 0)
    assert not any(server.exists(key) for key in ("retry", "dead", "schedule"))


def named(function, name):
    function.__name__ = name
    return function


# --- failure ---------------------------------------------------------------------


def test_a_first_failure_is_kept_for_a_retry_in_sidekiqs_words(bench):
    bench.job(boom)
    before = time.time()
    jid = bench.push("boom", "error", tags=["a"], strange={"kept": [1.0, 12345678901234567890]})

    bench.run()

    ((record, score),) = bench.found("retry")
    assert 15 <= score - before <= 15 + 10 + 5
    assert (record["jid"], record["class"], record["args"], record["queue"]) == (jid, "boom", ["error"], "default")
    assert record["strange"] == {"kept": [1.0, 12345678901234567890]}
    assert (record["retry_count"], record["error_message"]) == (0, "no")
    assert record["error_class"].endswith("Refused")
    assert before <= record["failed_at"] <= time.time()
    assert "retried_at" not in record
    assert bench.counted() == (1, 1)
    trace = json.loads(zlib.decompress(base64.b64decode(record["error_backtrace"])))
    assert "boom" in trace[-1]


def test_a_later_failure_counts_on_and_keeps_when_it_first_failed(bench):
    bench.job(boom)
    bench.push("boom", "error", retry_count=2, failed_at=1000.25, error_class="Old", error_message="old")

    bench.run()

    ((record, score),) = bench.found("retry")
    assert (record["retry_count"], record["failed_at"]) == (3, 1000.25)
    assert record["retried_at"] == pytest.approx(time.time(), abs=5)
    assert record["error_message"] == "no"
    assert 3**4 + 15 <= score - record["retried_at"] <= 3**4 + 15 + 40


def test_a_job_whose_retries_are_used_up_is_dead_and_its_owners_hear_of_it(bench):
    heard = []
    job = bench.job(boom, retry=3)
    job.on_exhausted(lambda context, error: heard.append(("exhausted", context.jid, str(error))))
    bench.app.on_death(lambda context, error: heard.append(("death", context.jid, str(error))))
    bench.app.on_error(lambda error, context: heard.append(("error", context.jid, str(error))))
    jid = bench.push("boom", "error", retry=3, retry_count=2, failed_at=1000.5)

    bench.run()

    assert heard == [("error", jid, "no"), ("exhausted", jid, "no"), ("death", jid, "no")]
    assert bench.only("dead")["retry_count"] == 3
    assert not bench.found("retry")


@pytest.mark.parametrize(("retry", "place"), [(0, "dead"), (False, None), (1, "retry"), (True, "retry")])
def test_the_retry_field_of_a_payload_says_what_a_failure_means(bench, retry, place):
    bench.job(boom)
    bench.push("boom", "error", retry=retry)

    bench.run()

    assert [key for key in ("retry", "dead", "schedule") if bench.found(key)] == ([place] if place else [])
    assert bench.counted() == (1, 1)


@pytest.mark.parametrize("field", [{"dead": False, "retry": 0}, {"dead": False, "retry": 2, "retry_count": 1}])
def test_a_job_that_shall_not_be_kept_dead_is_dropped(bench, field):
    bench.job(boom)
    bench.push("boom", "error", **field)

    bench.run()

    assert not bench.found("dead")
    assert not bench.found("retry")


def test_an_exhausted_handler_may_drop_the_job(bench):
    job = bench.job(boom, retry=0)
    job.on_exhausted(lambda context, error: "discard")
    bench.push("boom", "error", retry=0)

    bench.run()

    assert not bench.found("dead")


def test_handlers_that_raise_change_nothing(bench):
    job = bench.job(boom, retry=0)

    def rude(*_: object) -> None:
        raise SystemExit("rude")

    job.on_exhausted(rude)
    bench.app.on_death(rude)
    bench.app.on_error(rude)
    bench.push("boom", "error", retry=0)

    bench.run()

    assert bench.only("dead")["error_message"] == "no"


def test_a_retry_goes_to_the_queue_that_the_job_names(bench):
    bench.job(boom)
    bench.push("boom", "error", retry_queue="patient")

    bench.run()

    assert bench.only("retry")["queue"] == "patient"


@pytest.mark.parametrize("function", [boom, aboom])
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("mute", "Mute"),
        ("exit", "SystemExit"),
        ("interrupt", "KeyboardInterrupt"),
        ("base", "Strange"),
        ("generator", "GeneratorExit"),
        ("stop", None),
        ("astop", None),
        ("long", "Refused"),
        ("surrogate", "Refused"),
    ],
)
def test_whatever_is_raised_is_a_failure_and_the_slot_goes_on(bench, function, kind, name):
    ran = []
    bench.job(function)
    bench.job(named(lambda: ran.append(1), "after"))
    bench.push(function.__name__, kind)
    bench.push("after")

    bench.run(concurrency=1)

    record = bench.only("retry")
    assert name is None or record["error_class"].rpartition(".")[2] == name
    assert len(record["error_message"]) <= 10_000
    assert ran == [1]
    assert bench.counted() == (2, 1)


# --- what a job may say of itself --------------------------------------------------


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_snoozed_job_comes_back_without_an_attempt(bench, asynchronous):
    attempts = []

    def nap() -> None:
        attempts.append(current_job().attempt)
        if len(attempts) == 1:
            raise Snooze("0.2s")

    async def anap() -> None:
        nap()

    function = anap if asynchronous else nap
    bench.job(function)
    bench.push(function.__name__)

    bench.work()
    until(lambda: len(attempts) == 2)
    until(lambda: bench.counted() == (1, 0))

    assert attempts == [1, 1]
    assert not bench.found("schedule")


def test_a_snooze_that_is_no_duration_is_a_failure(bench):
    def nap() -> None:
        raise Snooze("soon")

    bench.job(nap)
    bench.push("nap")

    bench.run()

    assert bench.only("retry")["error_class"].endswith("InvalidDuration")


@pytest.mark.parametrize(
    ("verdict", "place", "counts"),
    [
        (Discard("gone"), None, (1, 0)),
        (Kill("hopeless"), "dead", (1, 1)),
        (RetryIn("1h"), "retry", (1, 1)),
    ],
)
def test_a_job_decides_what_becomes_of_it(bench, verdict, place, counts):
    def decide() -> None:
        raise verdict

    bench.job(decide)
    bench.push("decide")

    bench.run()

    assert [key for key in ("retry", "dead", "schedule") if bench.found(key)] == ([place] if place else [])
    assert bench.counted() == counts


def test_a_retry_in_is_due_when_it_says(bench):
    def later() -> None:
        raise RetryIn("1h")

    bench.job(later)
    bench.push("later")
    bench.run()

    ((_, score),) = bench.found("retry")
    assert score == pytest.approx(time.time() + 3600, abs=5)


def test_a_failed_job_runs_again_when_it_is_due_and_knows_its_attempt(bench):
    attempts = []

    def flaky() -> None:
        attempts.append(current_job().attempt)
        if len(attempts) < 3:
            raise Refused("not yet")

    bench.job(flaky, retry=Retry(max=5, backoff="fixed", base=0.1)).enqueue()

    bench.work()
    until(lambda: bench.counted() == (3, 2))

    assert attempts == [1, 2, 3]
    assert not bench.found("retry")
