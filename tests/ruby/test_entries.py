"""What Ruby does to one job of a set, while a worker of ours runs: it is done to that job, and to it once."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from ruby.crew import Crew, eventually


@pytest.fixture(scope="module")
def crew(standing: Crew) -> Crew:
    """One worker for all tests of this file."""
    standing.mainspring(wait=1000).ready()
    return standing


@pytest.fixture
def doomed(crew: Crew) -> Iterator[str]:
    """The jid of a job in the retry set, which is all that there is."""
    jid = crew.app.enqueue("Doomed", ["böse"]).jid
    eventually(lambda: crew.app.retries.size == 1)
    yield jid
    eventually(lambda: not crew.in_flight())
    crew.server.client.delete("retry", "dead")


def left(crew: Crew) -> int:
    """Count the jobs in queues, sets and hands."""
    return sum(crew.stored().values()) + len(crew.in_flight())


def test_a_retry_that_ruby_retries_fails_anew_without_a_try_less(crew: Crew, doomed: str):
    assert crew.ruby.ask("act", "retry", doomed, "retry") is True

    eventually(lambda: len(crew.runs("start", doomed)) == 2 and crew.app.retries.size == 1)
    [job] = crew.ruby.ask("set", "retry")["jobs"]
    assert (job["jid"], job["retry_count"]) == (doomed, 0)
    assert job["retried_at"] > job["failed_at"]
    assert left(crew) == 1


def test_a_retry_that_ruby_puts_into_its_queue_counts_as_a_try(crew: Crew, doomed: str):
    assert crew.ruby.ask("act", "retry", doomed, "add_to_queue") is True

    eventually(lambda: len(crew.runs("start", doomed)) == 2 and crew.app.retries.size == 1)
    assert [job.retry_count for job in crew.app.retries] == [1]
    assert left(crew) == 1


def test_a_retry_that_ruby_kills_and_brings_back(crew: Crew, doomed: str):
    assert crew.ruby.ask("act", "retry", doomed, "kill") is True
    assert (crew.app.retries.size, [job.jid for job in crew.app.dead]) == (0, [doomed])
    assert len(crew.runs("start", doomed)) == 1

    assert crew.ruby.ask("act", "dead", doomed, "retry") is True

    eventually(lambda: len(crew.runs("start", doomed)) == 2 and crew.app.retries.size == 1)
    assert left(crew) == 1


def test_all_dead_jobs_that_ruby_brings_back(crew: Crew, doomed: str):
    crew.ruby.ask("kill_all")

    crew.ruby.ask("revive_all")

    eventually(lambda: len(crew.runs("start", doomed)) == 2 and crew.app.retries.size == 1)
    assert left(crew) == 1


@pytest.mark.parametrize("how", ["delete", "clear"])
@pytest.mark.parametrize("place", ["retry", "dead"])
def test_what_ruby_deletes_is_gone(crew: Crew, doomed: str, place: str, how: str):
    if place == "dead":
        crew.ruby.ask("kill_all")

    crew.ruby.ask("clear", place) if how == "clear" else crew.ruby.ask("act", place, doomed, "delete")

    assert left(crew) == 0
    assert crew.app.find(doomed) is None


def test_a_retry_that_ruby_puts_off_and_brings_forward(crew: Crew, doomed: str):
    later = time.time() + 5000

    crew.ruby.ask("act", "retry", doomed, "reschedule", later)

    [job] = crew.app.retries
    assert (job.jid, job.at) == (doomed, pytest.approx(later, abs=0.01))
    crew.ruby.ask("act", "retry", doomed, "reschedule", time.time() - 1)
    eventually(lambda: len(crew.runs("start", doomed)) == 2 and crew.app.retries.size == 1)
    assert left(crew) == 1
