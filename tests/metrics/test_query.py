"""Metrics answer each question in one round trip: by period, of a queue, of a job, of all; gaps stay gaps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mainspring import App
from mainspring.base.errors import InvalidOption, StoreRefused
from mainspring.metrics import questions
from mainspring.metrics.query import PERIODS
from mainspring.store import keys, metrics, tiers
from mainspring.store.connection import Store
from mainspring.worker import Worker
from metrics.asking import MONDAY, NOON, asked, recorded
from servers import Server
from support import until

pytestmark = pytest.mark.both_stores


class Counting(Store):
    trips = 0

    def _send(self, *given, **more):
        self.trips += 1
        return super()._send(*given, **more)

    def ask(self, *given, **more):
        self.trips += 1
        return super().ask(*given, **more)


@pytest.fixture
def store(server: Server) -> Iterator[Counting]:
    store = Counting(server.url)
    yield store
    store.close()


def ran(store: Store, at: float, *runs: tuple[str, str, float, float | None, bool]) -> None:
    store.run(metrics.add(recorded(*runs, at=at, token=f"{at}{runs}")))


def test_a_series_has_a_bucket_for_each_step_of_its_period_up_to_now(store: Counting) -> None:
    ran(store, NOON, ("low", "add", 30.0, 2.0, False), ("low", "add", 9.0, None, True))
    ran(store, NOON - 60, ("high", "sub", 130.0, 2000.0, False))

    found = asked(store, NOON + 30).series("5m")

    assert (found.step, found.times) == (60, tuple(int(NOON) + 60 * n for n in range(-4, 1)))
    assert found.ok == (0, 0, 0, 1, 1)
    assert found.failed == (0, 0, 0, 0, 1)
    assert found.run_ms == (0, 0, 0, 130, 30)
    assert [sum(histogram) for histogram in found.wait] == [0, 0, 0, 1, 1]
    assert found.percentile("wait", 0.95)[:3] == (None, None, None)
    assert 1700 <= (found.percentile("wait", 0.95)[3] or 0) <= 2500
    assert found.is_unfinished
    assert found.rates(NOON + 30) == (0, 0, 0, 1 / 60, 2 / 30)


def test_a_queue_and_a_job_have_a_course_of_their_own(store: Counting) -> None:
    ran(store, NOON, ("low", "add", 1.0, 2.0, False), ("high", "add", 1.0, 2.0, False), ("high", "sub", 1.0, 1.0, True))

    ask = asked(store, NOON)

    assert ask.series("1h", queue="high").total().processed == 2
    assert ask.series("1h", job="add").ok[-1] == 2
    assert ask.series("1h", queue="nobody", job=None).total().processed == 0
    assert ask.series("1h").total().failure_rate == 1 / 3
    with pytest.raises(InvalidOption, match="not by both"):
        ask.series("1h", queue="high", job="add")


@pytest.mark.parametrize(
    ("period", "step", "count"),
    [("5m", 60, 5), ("1h", 60, 60), ("24h", 300, 288), ("7d", 3600, 168), ("90d", 86_400, 90)],
)
def test_each_period_ends_with_what_ran_just_now(store: Counting, period: str, step: int, count: int) -> None:
    ran(store, NOON, ("low", "add", 1.0, 2.0, False))

    ask = asked(store, NOON + 1)
    found = ask.series(period)

    assert (found.step, len(found.times), found.ok[-1], sum(found.ok)) == (step, count, 1, 1)
    assert ask.queues(period)["low"].ok[-1] == 1
    assert [job.name for job in ask.jobs(period)] == ["add"]
    assert PERIODS[period] == step * count


def test_weeks_begin_on_monday(store: Counting) -> None:
    ran(store, MONDAY - 1, ("low", "add", 1.0, 2.0, False))
    ran(store, MONDAY, ("low", "add", 1.0, 2.0, False))

    assert asked(store, NOON).queues("90d")["low"].ok[-3:] == (0, 1, 1)


def test_jobs_are_ordered_by_the_time_they_take_and_have_their_share_of_it(store: Counting) -> None:
    ran(store, NOON, *[("low", "slow", 3000.0, 5.0, False)] * 3, *[("low", "quick", 10.0, 700.0, False)] * 100)
    ran(store, NOON, *[("low", "broken", 1.0, 5.0, True)] * 2, ("low", "quick", 10.0, None, True))

    ask = asked(store, NOON)
    slow, quick = ask.jobs("24h", 2)

    assert (slow.name, slow.ok, slow.failed, slow.run_seconds, slow.share) == ("slow", 3, 0, 9.0, 0.9)
    assert (quick.name, quick.ok, quick.failed, quick.run_seconds, quick.share) == ("quick", 100, 1, 1.0, 0.1)
    assert 2500 <= (slow.run_p50 or 0) <= (slow.run_p95 or 0) <= (slow.run_p99 or 0) <= 3800
    assert 500 <= (quick.wait_p95 or 0) <= 750
    assert [(job.name, job.failed) for job in ask.failing("24h")] == [("broken", 2), ("quick", 1)]
    assert [job.name for job in ask.jobs(by="runs")] == ["quick", "slow", "broken"]
    assert [job.name for job in ask.jobs(by="name")] == ["broken", "quick", "slow"]
    assert ask.jobs("24h", 0) == []
    (broken,) = [job for job in ask.jobs() if job.name == "broken"]
    assert (broken.run_p50, broken.run_seconds, sum(broken.run)) == (None, 0.0, 0)


def test_each_question_is_one_round_trip_and_many_together_are_one_too(store: Counting) -> None:
    ask = asked(store, NOON)
    questioned = (
        lambda: ask.series("24h"), lambda: ask.queues("7d"), lambda: ask.jobs("90d"), ask.failing,
        lambda: ask.oldest("low", "7d"), lambda: ask.deploys("90d"),
    )  # fmt: skip

    for question in questioned:
        store.trips = 0
        question()
        assert store.trips == 1
    store.trips = 0
    series, jobs = ask.ask(questions.series("1h", NOON), questions.jobs("1h", NOON))

    assert store.trips == 1
    assert (series, jobs) == (ask.series("1h"), ask.jobs("1h"))


@pytest.mark.parametrize("name", ["2h", "", "1H", "__class__"])
def test_a_period_that_there_is_not_is_refused_with_those_that_there_are(store: Counting, name: str) -> None:
    with pytest.raises(InvalidOption, match="5m, 1h, 24h, 7d, 90d"):
        asked(store, NOON).jobs(name)


def test_a_key_of_another_type_is_an_error_of_the_store(store: Counting, server: Server) -> None:
    server.client.set(keys.metrics("jobs", "1m", tiers.MINUTE.start(NOON)), "x", ex=100)

    with pytest.raises(StoreRefused, match="WRONGTYPE"):
        asked(store, NOON).jobs("5m")


def test_a_worker_writes_what_ran_and_what_was_expired_is_no_run(server: Server) -> None:
    app = App(server.url)
    add = app.job(name="add", retry=0)(lambda n: 1 // n)
    late = app.job(name="late", expires_in=0.001)(lambda: None)
    late.enqueue()
    add.enqueue_many([(1,), (0,), (2,)])

    with Worker(app):
        until(lambda: app.stats().processed >= 3 and app.stats().expired)

    found = app.metrics.jobs("5m")
    assert [(job.name, job.ok, job.failed) for job in found] == [("add", 2, 1)]
    assert app.metrics.series("5m", queue="default").total().processed == 3
    assert app.metrics.series("5m").total().processed == 3
    app.close()
