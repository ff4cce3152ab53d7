"""A running job can ask what it is and whether it should go on; outside of a job there is nothing to ask."""

from __future__ import annotations

import contextvars
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from mainspring.base import payload
from mainspring.base.errors import LeaseLost, NotInAJob
from mainspring.context import Holding, JobContext, current_job, enter


def context(*, lost: bool = False, stopping: bool = False, **fields: object) -> JobContext:
    record = {"class": "shop.add", "jid": "a" * 24, "args": [1], "created_at": 1790000000.5, **fields}
    wire = payload.read(payload.codec.encode(record))
    return JobContext(wire, "low", 7, Holding("host:1:x", is_lost=lambda: lost, is_stopping=lambda: stopping))


def test_a_job_knows_what_it_is():
    job = context(kwargs={"y": 2}, tags=["a", 7], enqueued_at=1790000001500)

    assert (job.jid, job.name, job.queue, job.args, job.kwargs) == ("a" * 24, "shop.add", "low", [1], {"y": 2})
    assert (job.fence, job.attempt, job.tags) == (7, 1, ["a", "7"])
    assert (job.created_at, job.enqueued_at) == (1790000000.5, 1790000001.5)


@pytest.mark.parametrize(("count", "attempt"), [(None, 1), (0, 2), (1, 3), (24, 26), ("x", 1)])
def test_the_first_retry_is_the_second_attempt(count, attempt):
    assert context(retry_count=count).attempt == attempt


@pytest.mark.parametrize("tags", [None, "a", 7, {}])
def test_tags_that_are_no_list_are_none(tags):
    assert context(tags=tags).tags == []


@pytest.mark.parametrize(
    ("tz", "tick", "hour"),
    [("UTC", 1790000000.25, 14), ("Asia/Tokyo", 1790000000.25, 23), ("Asia/Tokyo", 1790000000250, 23)],
)
def test_a_job_knows_which_tick_it_is_for(tz, tick, hour):
    run = context(periodic={"name": "report", "tick": tick, "tz": tz, "kind": "caught_up", "late": 61.5}).periodic

    assert (run.name, run.tz, run.kind, run.late) == ("report", tz, "caught_up", 61.5)
    assert run.tick.timestamp() == 1790000000.25
    assert (run.tick.hour, run.tick.tzinfo.key if tz != "UTC" else "UTC") == (hour, tz)


@pytest.mark.parametrize(
    "field",
    [None, True, 7, "report", [], {}, {"name": "report"}, {"tick": 5}, {"name": 5, "tick": 5},
     {"name": "report", "tick": "noon"}, {"name": "report", "tick": True}, {"name": "report", "tick": 1e300}],
)  # fmt: skip
def test_a_job_that_no_clock_enqueued_is_for_no_tick(field):
    assert context(periodic=field).periodic is None


@pytest.mark.parametrize("tz", [None, 7, "Mars/Olympus", "../../etc/passwd", "Europe", "x" * 5000, ""])
def test_a_zone_that_nobody_knows_here_is_read_as_utc(tz):
    run = context(periodic={"name": "report", "tick": 1790000000, "tz": tz}).periodic

    assert (run.tick.isoformat(), run.tz) == ("2026-09-21T14:13:20+00:00", "UTC")
    assert (run.kind, run.late) == ("scheduled", 0.0)


@pytest.mark.parametrize("late", [None, True, "1", [], 10**400])
def test_a_lateness_that_is_no_number_is_none(late):
    assert context(periodic={"name": "report", "tick": 5, "late": late}).periodic.late == 0.0


def test_a_job_learns_that_it_should_end():
    assert not context().is_stopping()
    assert context(stopping=True).is_stopping()


def test_a_job_that_others_may_hold_is_stopped_where_it_asks():
    context().check()
    job = context(lost=True)

    assert job.is_lost()
    with pytest.raises(LeaseLost) as caught:
        job.check()
    assert (caught.value.jid, caught.value.process) == ("a" * 24, "host:1:x")


def test_lines_of_a_job_name_it(caplog):
    caplog.set_level(logging.INFO, "mainspring.job")

    context(retry_count=1).log.info("half %d", 50, extra={"event": "job.half", "facts": {"rows": 3}, "user": 9})

    [record] = caplog.records
    assert record.getMessage() == "half 50"
    assert record.event == "job.half"
    assert record.facts == {
        "jid": "a" * 24, "class": "shop.add", "queue": "low", "attempt": 3, "rows": 3, "user": 9
    }  # fmt: skip


def test_outside_of_a_job_there_is_no_current_one():
    with pytest.raises(NotInAJob, match="no job is running here"):
        contextvars.Context().run(current_job)


def test_the_current_job_is_the_one_of_this_context_alone():
    one, other, seen = context(), context(), []

    def run(job):
        enter(job)
        seen.append(current_job())

    contextvars.copy_context().run(run, one)
    contextvars.copy_context().run(run, other)
    with ThreadPoolExecutor(1) as pool:
        elsewhere = pool.submit(current_job).exception()

    assert seen == [one, other]
    assert isinstance(elsewhere, NotInAJob)
