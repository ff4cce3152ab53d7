"""A run that is not done keeps the next one away, wherever it is; one that is done in any way does not."""

from __future__ import annotations

import threading

import pytest

from clock.stored import drained, entry, history, jobs, ran, said
from mainspring.base.errors import StoreRefused
from mainspring.store import keys
from mainspring.worker import Worker
from support import until

HOUR = 3600


class Line:
    """One entry with eight ticks behind it that are caught up one by one, on one clock or on several."""

    def __init__(self, server, clocks, overlap, *, count=1, **options):
        def define(schedule):
            schedule.every("1h", "sweep", overlap=overlap, missed="all", **options)

        self.server = server
        self.clocks = [clocks(server.url, define) for _ in range(count)]
        self.office = self.clocks[0].office
        self.begin = ran(server, self.clocks[0], 8 * HOUR + 60)

    def tick(self, clock=0):
        """Let a clock settle its next tick; return its kind, and why it has no job."""
        (tick,) = until(self.clocks[clock].step)
        return f"{tick.kind} {tick.why}".strip()

    def jid(self):
        """Return the id of the one job in the queue."""
        (job,) = jobs(self.server)
        return job["jid"]


@pytest.fixture
def workers():
    """Make workers, which are stopped when the test ends."""
    made = []

    def work(app, **options):
        made.append(Worker(app, 1, ("default",), timeout=1.0, **options))
        made[-1].start()
        return made[-1]

    yield work
    for worker in made:
        worker.stop(0.2)


class Blocked:
    """A job that runs until it is told to end, and may fail then."""

    def __init__(self, office, **options):
        self.begun, self.end, self.error = threading.Semaphore(0), threading.Semaphore(0), None
        office.job(name="sweep", **options)(self.run)

    def run(self):
        self.begun.release()
        assert self.end.acquire(timeout=30)
        if self.error is not None:
            raise self.error

    def await_begin(self):
        assert self.begun.acquire(timeout=15)


# --- skip --------------------------------------------------------------------------------


def test_runs_may_overlap_where_nothing_else_is_said(server, clocks):
    line = Line(server, clocks, "allow")

    assert [line.tick() for _ in range(3)] == ["caught_up"] * 3
    assert len(jobs(server)) == 3
    assert "runs" not in entry(server, "sweep")


def test_skip_leaves_out_ticks_while_the_last_run_waits_and_says_so(server, clocks):
    line = Line(server, clocks, "skip")
    line.tick()

    assert [line.tick() for _ in range(2)] == ["skipped overlap"] * 2

    assert said(server, "sweep") == ["caught_up", "skipped overlap", "skipped overlap"]
    assert [record["tick"] for record in history(server, "sweep")] == [line.begin + n * HOUR for n in (1, 2, 3)]
    assert entry(server, "sweep")["runs"] == line.jid()


def test_skip_runs_again_when_the_last_run_is_out_of_the_queue_and_nowhere_else(server, clocks):
    line = Line(server, clocks, "skip")
    line.tick()
    line.tick()

    drained(server)

    assert line.tick() == "caught_up"
    assert entry(server, "sweep")["runs"] == line.jid()


def test_skip_waits_for_a_run_in_a_worker_and_not_longer(server, clocks, workers):
    line = Line(server, clocks, "skip")
    sweep = Blocked(line.office)
    workers(line.office)
    line.tick()
    sweep.await_begin()

    assert line.tick() == "skipped overlap"

    sweep.end.release()
    until(lambda: server.client.get(keys.STAT_PROCESSED) == b"1")
    assert line.tick() == "caught_up"
    sweep.end.release()


def test_skip_waits_for_a_run_that_failed_and_is_tried_again(server, clocks, workers):
    line = Line(server, clocks, "skip")
    sweep = Blocked(line.office, retry=3)
    workers(line.office)
    sweep.error = ValueError("no such customer")
    line.tick()

    sweep.end.release()
    until(lambda: server.client.zcard(keys.RETRY))

    assert [line.tick() for _ in range(2)] == ["skipped overlap"] * 2


def test_a_run_that_is_dead_is_done(server, clocks, workers):
    line = Line(server, clocks, "skip")
    sweep = Blocked(line.office, retry=0)
    workers(line.office)
    sweep.error = ValueError("no such customer")
    line.tick()

    sweep.end.release()
    until(lambda: server.client.zcard(keys.DEAD))

    assert line.tick() == "caught_up"
    sweep.end.release()


def test_a_run_that_was_deleted_is_done(server, clocks):
    line = Line(server, clocks, "skip")
    line.tick()

    line.office.find(line.jid()).delete()

    assert line.tick() == "caught_up"


def test_skip_waits_for_a_run_that_a_middleware_has_put_off(server, clocks):
    line = Line(server, clocks, "skip")

    def puts_off(push):
        push.at = 4e9
        yield

    line.office.use(enqueue=puts_off)
    line.tick()

    assert line.tick() == "skipped overlap"
    assert server.client.zcard(keys.SCHEDULE) == 1


def test_skip_waits_for_a_run_that_a_person_has_started(server, clocks):
    line = Line(server, clocks, "skip")
    line.tick()
    drained(server)
    line.office.periodic["sweep"].trigger()

    assert line.tick() == "skipped overlap"
    assert said(server, "sweep") == ["caught_up", "manual", "skipped overlap"]


# --- buffer ------------------------------------------------------------------------------


def test_buffer_lets_one_run_wait_for_the_one_that_runs_and_no_more(server, clocks, workers):
    line = Line(server, clocks, "buffer")
    sweep = Blocked(line.office)
    workers(line.office)
    line.tick()
    sweep.await_begin()

    assert [line.tick() for _ in range(3)] == ["caught_up", "skipped overlap", "skipped overlap"]
    assert len(jobs(server)) == 1
    assert len(entry(server, "sweep")["runs"].split()) == 2

    sweep.end.release()
    sweep.await_begin()
    assert line.tick() == "caught_up"
    sweep.end.release(2)


def test_buffer_counts_a_run_that_a_person_has_started_as_one_of_two(server, clocks, workers):
    line = Line(server, clocks, "buffer")
    sweep = Blocked(line.office)
    for _ in range(2):
        workers(line.office)
    line.tick()
    line.office.periodic["sweep"].trigger()
    sweep.await_begin()
    sweep.await_begin()

    assert [line.tick() for _ in range(2)] == ["skipped overlap", "skipped overlap"]
    assert len(jobs(server)) == 0
    sweep.end.release(2)


def test_buffer_lets_no_second_one_wait_while_none_runs(server, clocks):
    line = Line(server, clocks, "buffer")

    assert [line.tick() for _ in range(3)] == ["caught_up", "skipped overlap", "skipped overlap"]
    assert len(jobs(server)) == 1


def test_buffer_takes_a_run_that_is_tried_again_for_one_that_waits(server, clocks, workers):
    line = Line(server, clocks, "buffer")
    sweep = Blocked(line.office, retry=3)
    workers(line.office)
    sweep.error = ValueError("no such customer")
    line.tick()
    sweep.end.release()
    until(lambda: server.client.zcard(keys.RETRY))

    # What runs may leave its process between two looks, after which the clock looks for the next tick too.
    assert {f"{tick.kind} {tick.why}" for tick in until(line.clocks[0].step)} == {"skipped overlap"}


# --- several clocks, and trouble -----------------------------------------------------------


@pytest.mark.parametrize("overlap", ["skip", "buffer"])
def test_two_clocks_that_race_enqueue_one_run(server, clocks, overlap):
    line = Line(server, clocks, overlap, count=2)
    for watched in line.clocks:
        watched.clock._look()

    # The other clock knows nothing of the first one's run when it comes to the second tick.
    told = [line.tick(clock) for clock in (0, 1, 1, 0, 0)]

    assert told == ["caught_up", "caught_up", "skipped overlap", "skipped", "skipped overlap"]
    assert said(server, "sweep") == ["caught_up", "skipped overlap", "skipped overlap"]
    assert len(jobs(server)) == 1


def test_two_clocks_in_threads_never_let_two_runs_wait(server, clocks):
    line = Line(server, clocks, "skip", count=2)

    for watched in line.clocks:
        watched.start()
    until(lambda: len(history(server, "sweep")) == 8)

    assert said(server, "sweep") == ["caught_up"] + ["skipped overlap"] * 7
    assert len(jobs(server)) == 1


def test_a_run_that_moves_while_it_is_looked_for_is_not_taken_for_done(server, clocks):
    line = Line(server, clocks, "skip")
    line.tick()
    find, asked = line.office.find, []

    def misses_once(jid):
        asked.append(jid)
        return find(jid) if len(asked) > 1 else None

    line.office.find = misses_once

    assert line.tick() == "skipped overlap"
    assert asked == [line.jid()] * 2


def test_an_entry_that_lets_runs_overlap_again_forgets_them(server, clocks):
    line = Line(server, clocks, "skip")
    line.tick()
    later = clocks(server.url, lambda s: s.every("1h", "sweep", overlap="allow", missed="all"))

    assert [tick.kind for tick in until(later.step)] == ["caught_up"]

    assert len(jobs(server)) == 2
    assert "runs" not in entry(server, "sweep")


def test_a_queue_in_which_no_run_can_be_looked_for_stops_no_other_entry(server, clocks):
    line = Line(server, clocks, "skip")
    line.tick()
    line.office.schedule.every("1h", "other")
    server.client.sadd(keys.QUEUES, "bad")
    server.client.set(keys.queue("bad"), "a stranger's", ex=60)
    line.office.lapse(20)
    line.clocks[0].clock._look()

    assert [tick.entry for tick in line.clocks[0].step()] == ["other"]
    (error,) = line.office.errors()
    assert isinstance(error, StoreRefused)

    server.client.delete(keys.queue("bad"))
    assert line.tick() == "skipped overlap"


def test_a_store_that_is_gone_while_a_run_is_looked_for_delays_all_and_loses_nothing(private_server, clocks):
    server = private_server(aof=True, fsync="always")
    line = Line(server, clocks, "skip")
    line.tick()
    find = line.office.find

    def cut_off(jid):
        line.office.find = find
        server.kill9()
        return find(jid)

    line.office.find = cut_off
    assert until(lambda: line.clocks[0].clock.step() and line.clocks[0].states.qsize() > 1)
    server.start()

    assert line.tick() == "skipped overlap"
    assert [line.clocks[0].states.get() for _ in range(3)] == ["watching", "gone", "watching"]
    assert line.office.errors() == []
