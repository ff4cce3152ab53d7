"""Of each run that fails, and of those that ask for it, people find what happened; of all others nothing is kept."""

from __future__ import annotations

import json

import pytest

from mainspring import App, Discard, InvalidOption, Retry, Snooze, current_job
from mainspring.store import keys
from support import until


def sync(contact: int) -> int:
    if current_job().attempt == 1:
        raise ValueError(f"contact {contact} not found")
    return contact


async def async_(contact: int) -> None:
    raise ValueError(f"contact {contact} not found")


AGAIN = {"retry": Retry(backoff="fixed", base=0.01)}


def ended(bench, jid):
    return until(lambda: (found := bench.app.attempts(jid)) and found[0].outcome in ("ok", "dead") and found)


def test_a_job_that_fails_and_then_succeeds_shows_both_runs(bench, server):
    job = bench.job(sync, **AGAIN)
    jid = job.enqueue(7).jid
    worker = bench.work()

    ok, failed = ended(bench, jid)

    assert (failed.number, failed.outcome, failed.error_class) == (1, "retry", "ValueError")
    assert failed.error_message == "contact 7 not found"
    assert failed.backtrace[-1].endswith("in sync")
    assert (ok.number, ok.outcome, ok.error_class, ok.backtrace, ok.signature) == (2, "ok", None, (), None)
    assert failed.process == ok.process == worker.identity
    assert ok.slot.startswith("slot-default")
    assert failed.started_at <= failed.ended_at <= ok.started_at
    # It has not asked to be kept.
    assert bench.app.finished(jid) is None
    assert 86_000 < server.client.ttl(keys.attempts(jid)) <= 86_400


def test_runs_that_fail_alike_are_one_error_whatever_ids_they_name(bench):
    job = bench.job(async_, retry=5)
    jids = {enqueued.jid for enqueued in job.enqueue_many([(n * 37,) for n in range(12)])}

    bench.run()

    (failure,) = bench.app.failures
    assert (failure.job, failure.error_class, failure.message) == ("async_", "ValueError", "contact {n} not found")
    assert failure.frame.endswith("in async_")
    assert "test_traces.py:" in failure.frame
    assert (failure.count, failure.queue, sum(failure.series)) == (12, "default", 12)
    assert len(failure.samples) == 10
    assert set(failure.samples) < jids
    assert failure.backtrace[-1].endswith("in async_")
    assert {found.signature for found in bench.app.retries} == {failure.signature}
    assert {found.fields["error_signature"] for found in bench.app.retries} == {failure.signature}
    assert {bench.app.attempts(jid)[0].signature for jid in jids} == {failure.signature}


def test_what_an_attempt_has_in_common_with_the_one_before_is_stored_once(bench, server):
    job = bench.job(async_, retry=Retry(max=2, backoff="fixed", base=0.01))
    jid = job.enqueue(7).jid
    bench.work()

    attempts = ended(bench, jid)

    assert [(each.number, each.outcome) for each in attempts] == [(3, "dead"), (2, "retry"), (1, "retry")]
    assert {each.error_message for each in attempts} == {"contact 7 not found"}
    assert {tuple(each.backtrace) for each in attempts} == {tuple(bench.app.find(jid).backtrace)}
    stored = [json.loads(data) for data in server.client.lrange(keys.attempts(jid), 0, -1)]
    assert [record[-2:] for record in stored[:2]] == [[None, None], [None, None]]
    # As long as the dead set keeps it.
    assert 179 * 86_400 < server.client.ttl(keys.attempts(jid)) <= 180 * 86_400


def test_texts_without_end_at_one_place_become_one_error(bench):
    def odd(word: str) -> None:
        raise ValueError(f"no such thing as {word}")

    job = bench.job(odd, retry=5)
    job.enqueue_many([(f"{'abcdefghij'[n // 10]}{'klmnopqrst'[n % 10]}y",) for n in range(100)])

    bench.run(concurrency=1)

    counts = {failure.message: failure.count for failure in bench.app.failures}
    assert len(counts) == 31
    assert counts["(any message)"] == 70


def test_a_job_in_a_process_of_its_own_leaves_the_same(bench):
    job = bench.job(sync, runs_in="process", history=True, **AGAIN)
    jid = job.enqueue(7).jid
    bench.work(concurrency=1)

    ok, failed = ended(bench, jid)

    assert (failed.outcome, failed.error_message, ok.outcome) == ("retry", "contact 7 not found", "ok")
    assert failed.slot.startswith("process-")
    assert until(lambda: bench.app.finished(jid)).last == ok


@pytest.mark.parametrize("held", ["unique_for", "result_ttl", "plain"])
def test_a_job_with_history_can_be_looked_at_when_it_is_done(bench, server, held):
    def add(x: int, y: int) -> int:
        return x + y

    job = bench.job(add, history="2h", tags=["sum"], **({} if held == "plain" else {held: "1h"}))
    jid = job.enqueue(1, y=2).jid
    bench.run()

    found = bench.app.finished(jid)

    assert (found.jid, found.name, found.outcome, found.tags) == (jid, "add", "ok", ["sum"])
    assert (list(found.args), dict(found.kwargs)) in (([1, 2], {}), ([1], {"y": 2}))
    assert (found.last.number, found.last.outcome) == (1, "ok")
    assert bench.app.attempts(jid) == [found.last]
    assert 7_100 < server.client.ttl(keys.finished(jid)) <= 7_200
    assert bench.app.find(jid) is None


def test_with_history_a_run_that_was_put_off_and_a_job_that_was_dropped_are_shown_too(bench):
    def step(n: int) -> None:
        raise Snooze(0.01) if n else Discard("not wanted")

    job = bench.job(step, history=True)
    put_off, dropped = job.enqueue(1).jid, job.enqueue(0).jid
    bench.work()

    found = until(lambda: bench.app.finished(dropped))

    assert (found.outcome, found.last.error_class) == ("dropped", None)
    assert until(lambda: bench.app.attempts(put_off))[0].outcome == "snoozed"


def test_a_job_that_is_too_long_is_kept_without_its_arguments(bench):
    def read(text: str) -> None:
        """Do nothing."""

    jid = bench.job(read, history=True).enqueue("x" * 5000).jid
    bench.run()

    found = bench.app.finished(jid)

    assert (found.is_cut, list(found.args), found.name) == (True, [], "read")


def test_of_a_plain_job_that_succeeds_and_of_one_that_was_put_off_nothing_is_kept(bench, server):
    def step(n: int) -> None:
        if n and current_job().queue == "default":
            raise Snooze("1h")

    job = bench.job(step)
    job.enqueue(0)
    job.enqueue(1)

    bench.run()

    kept = ("mainspring:attempts", "mainspring:finished", "mainspring:fail")
    assert not [key for key in server.snapshot() if key.startswith(kept)]


@pytest.mark.parametrize(
    ("app", "job", "call", "kept"),
    [
        (None, None, None, None),
        (True, None, None, 86_400.0),
        ("1h", None, None, 3_600.0),
        ("1h", False, None, None),
        (False, True, None, 86_400.0),
        (None, "5m", None, 300.0),
        (None, "5m", "1h", 3_600.0),
        (None, None, True, 86_400.0),
        (True, None, False, None),
    ],
)
def test_history_is_said_by_the_call_or_else_the_job_or_else_the_app(app, job, call, kept):
    made = App(**({} if app is None else {"history": app}))
    defined = made.job(name="add", history=job)(lambda: None)
    if call is not None:
        defined = defined.using(history=call)

    assert defined.options.history == kept
    assert (defined.tie is None) == (kept is None)


@pytest.mark.parametrize("wrong", ["x", 0, -1, [], 1e12])
def test_what_can_be_no_history_is_refused(wrong):
    with pytest.raises(InvalidOption, match="history"):
        App().job(history=wrong)(lambda: None)
    with pytest.raises(InvalidOption, match="history"):
        App(history=wrong)


@pytest.mark.parametrize("jid", ["", "x" * 500, "a\nb"])
def test_of_an_id_that_makes_no_key_only_the_error_is_counted(bench, server, jid):
    bench.job(async_)
    bench.push("async_", 1, jid=jid)

    bench.run()

    (failure,) = bench.app.failures
    assert (failure.count, failure.samples) == (1, ())
    assert not server.client.keys("mainspring:attempts*")


def test_a_stranger_who_says_nonsense_of_earlier_failures_is_recorded_all_the_same(bench):
    bench.job(async_, retry=5)
    jid = bench.push("async_", 1, retry_count="x", error_signature=7, error_message=[], error_backtrace={})

    bench.run()

    (attempt,) = bench.app.attempts(jid)
    assert (attempt.number, attempt.error_message) == (1, "contact 1 not found")
