"""While a unique job waits or runs, no other of the same arguments is taken; when it has ended, however it did, one is."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import json
import queue
import threading
from uuid import UUID

import pytest

from mainspring import App, Discard, Kill, Retry, Snooze, WrongArguments, current_job
from mainspring.base.errors import InvalidOption, StoreUnavailable, UnknownJob
from mainspring.store import keys, locks
from mainspring.worker import Worker
from support import until


@pytest.fixture
def app(server):
    app = App(server.url)
    yield app
    app.close()


@pytest.fixture
def working(app):
    """Start a worker whose jobs tell in a queue what they do."""
    workers = []

    def work(**options):
        worker = Worker(app, 2, **({"timeout": 1.0} | options))
        workers.append(worker)
        worker.start()
        return worker

    yield work
    for worker in workers:
        worker.stop(0.2)


def held(server) -> dict[str, str]:
    """Return the locks there are, and whose they are."""
    found = server.client.scan_iter(keys.lock("*"), count=1000)
    return {key.decode(): (server.client.get(key) or b"").decode() for key in found}


def lasts(server) -> float:
    """Return for how many seconds the one lock lasts from now."""
    (key,) = held(server)
    return server.client.pttl(key) / 1000


# --- taking ------------------------------------------------------------------------------


def test_a_second_job_of_the_same_arguments_is_not_stored(server, app):
    sync = app.job(name="sync", unique_for="10m")(lambda customer: None)

    first, second, other = sync.enqueue(1), sync.enqueue(1), sync.enqueue(2)

    assert (second.jid, second.duplicate_of) == ("", first.jid)
    assert other.duplicate_of is None
    assert server.client.llen(keys.queue("default")) == 2
    assert sorted(held(server).values()) == sorted([first.jid, other.jid])
    app.unlock(sync, 2)
    assert 599 < lasts(server) <= 600


def test_a_coroutine_is_told_the_same(app):
    sync = app.job(name="sync", unique_for="10m")(lambda customer: None)

    async def twice():
        return [await sync.aenqueue(1), await sync.aenqueue(1)]

    first, second = asyncio.run(twice())
    assert second.duplicate_of == first.jid


def test_one_of_the_same_arguments_in_a_bulk_is_stored(server, app):
    sync = app.job(name="sync", unique_for="10m")(lambda customer: None)
    before = sync.enqueue(3)

    made = sync.enqueue_many([(1,), (2,), (1,), (3,), (2,)])

    assert [each.duplicate_of for each in made] == [None, None, made[0].jid, before.jid, made[1].jid]
    assert server.client.llen(keys.queue("default")) == 3


def test_of_many_who_enqueue_at_once_one_succeeds(server, app):
    sync = app.job(name="sync", unique_for="10m")(lambda customer: None)
    made = queue.SimpleQueue()
    threads = [threading.Thread(target=lambda: made.put(sync.enqueue(1))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    results = [made.get() for _ in threads]

    assert sum(each.duplicate_of is None for each in results) == 1
    assert server.client.llen(keys.queue("default")) == 1


@pytest.mark.parametrize("others", [{"queue": "low"}, {"unique_for": 0}])
def test_a_job_of_another_queue_or_without_uniqueness_is_another(server, app, others):
    sync = app.job(name="sync", unique_for="10m")(lambda customer: None)

    assert sync.enqueue(1).duplicate_of is None
    assert sync.using(**others).enqueue(1).duplicate_of is None


def test_a_job_becomes_unique_for_one_enqueueing(app):
    sync = app.job(name="sync")(lambda customer: None).using(unique_for="1m")

    assert sync.enqueue(1).duplicate_of is None
    assert sync.enqueue(1).duplicate_of is not None


def test_a_delay_comes_on_top_of_the_lock(server, app):
    sync = app.job(name="sync", unique_for="10m")(lambda customer: None)

    first, second = sync.enqueue_in("1h", 1), sync.enqueue(1)

    assert second.duplicate_of == first.jid
    assert 4190 < lasts(server) <= 4200
    assert server.client.zcard(keys.SCHEDULE) == 1
    assert not server.exists(keys.queue("default"))


def test_a_middleware_hears_of_a_duplicate_and_one_that_stops_takes_no_lock(server, app):
    heard, stops = [], []

    def watch(push):
        if stops:
            return
        heard.append((yield).duplicate_of)

    app.use(enqueue=watch)
    sync = app.job(name="sync", unique_for="10m")(lambda customer: None)

    first = sync.enqueue(1)
    sync.enqueue(1)
    sync.enqueue_many([(1,)])
    stops.append(True)
    assert sync.enqueue(2).jid == ""

    assert heard == [None, first.jid, first.jid]
    assert list(held(server).values()) == [first.jid]


def test_a_push_whose_answer_was_lost_is_answered_as_the_first_though_the_job_has_ended_since(server, app, monkeypatch):
    sync = app.job(name="sync", unique_for="10m")(lambda customer: None)
    run, lost = app.store.run, []

    def lose_the_first_answer(command):
        answer = run(command)
        if command.name == "jobs_enter" and not lost:
            lost.append(answer)
            # Meanwhile the job ran, and somebody has enqueued the same again.
            server.client.set(next(iter(held(server))), "another", px=1000)
            raise StoreUnavailable("its answer was lost", applied=None)
        return answer

    monkeypatch.setattr(app.store, "run", lose_the_first_answer)

    made = sync.enqueue_many([(1,), (1,)])

    assert [each.duplicate_of for each in made] == [None, made[0].jid]


# --- what is the same --------------------------------------------------------------------


@dataclasses.dataclass
class Place:
    city: str
    tags: set[str]


def everything(
    number: int, place: Place, day: dt.date | None = None, *, deep: bool = False, **more: object
) -> None: ...


def test_how_an_argument_is_given_does_not_matter(app):
    job = app.job(name="x", unique_for="10m")(everything)
    place, day = Place("Lyon", {"a", "b", "c"}), dt.date(2026, 1, 2)
    first = job.enqueue(1, place, day)

    same = [
        job.enqueue(number=1, place=Place("Lyon", {"c", "b", "a"}), day=day),
        job.enqueue(1, day=day, place=place, deep=False),
    ]
    others = [
        job.enqueue(1, place),
        job.enqueue(1, place, day, deep=True),
        job.enqueue(1, Place("Lyon", {"a"}), day),
        job.enqueue(1, place, day, extra={"b": 1, "a": 2}),
    ]

    assert [each.duplicate_of for each in same] == [first.jid] * 2
    assert [each.duplicate_of for each in others] == [None] * 4
    assert job.enqueue(1, place, day, extra={"a": 2, "b": 1}).duplicate_of == others[3].jid


def test_true_is_not_one_and_a_default_that_is_left_out_is_the_default(app):
    job = app.job(name="x", unique_for="10m")(lambda a=1, *rest: None)

    one = job.enqueue()

    assert job.enqueue(1).duplicate_of == one.jid
    assert job.enqueue(True).duplicate_of is None
    assert job.enqueue(1.0).duplicate_of is None
    assert job.enqueue(1, 2).duplicate_of is None


@pytest.mark.parametrize("chosen", [5, "x", None, UUID(int=7), {"b": {2, 1}}, ("a", dt.date(2026, 1, 2))])
def test_a_function_says_what_makes_calls_the_same(app, chosen):
    job = app.job(name="x", unique_for="10m", unique_by=lambda a: [a.customer, chosen])(
        lambda customer, reason="": None
    )

    first = job.enqueue(1, "moved")

    assert job.enqueue(1, reason="renamed").duplicate_of == first.jid
    assert job.enqueue(2, "moved").duplicate_of is None


def test_what_has_no_digest_that_others_would_find_is_refused(server, app):
    job = app.job(name="x", unique_for="10m", unique_by=lambda a: object())(lambda: None)

    with pytest.raises(WrongArguments, match=r"x.*unique has no JSON form.*type object"):
        job.enqueue()

    assert server.keys() == set()


def test_an_error_of_the_function_that_chooses_is_the_callers(server, app):
    job = app.job(name="x", unique_for="10m", unique_by=lambda a: a.custommer)(lambda customer: None)

    with pytest.raises(AttributeError, match="custommer"):
        job.enqueue(1)

    assert server.keys() == set()


# --- letting go --------------------------------------------------------------------------


ENDS = {
    "success": None,
    "discarded": Discard("not wanted"),
    "killed": Kill("hopeless"),
    "failed for the last time": ValueError("no"),
}


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("is_async", [False, True])
def test_a_job_that_has_ended_holds_no_lock(server, app, working, how, is_async):
    ran = queue.SimpleQueue()

    def end():
        ran.put(held(server))
        if ENDS[how] is not None:
            raise ENDS[how]

    async def aend():
        end()

    job = app.job(name="end", unique_for="10m", retry=0)(aend if is_async else end)
    made = job.enqueue()
    working()

    assert list(ran.get(timeout=10).values()) == [made.jid]
    until(lambda: not held(server))
    assert job.enqueue().duplicate_of is None


def test_a_retry_keeps_its_lock_and_longer(server, app, working):
    job = app.job(name="fail", unique_for="10m", retry=Retry(backoff="fixed", base=3600, jitter=0))(lambda: 1 / 0)
    first = job.enqueue()
    working()

    until(lambda: server.client.zcard(keys.RETRY))

    assert job.enqueue().duplicate_of == first.jid
    assert 4190 < lasts(server) <= 4200


def test_a_job_that_snoozes_keeps_its_lock_until_it_has_ended(server, app, working):
    runs = []

    def nap():
        runs.append(current_job().jid)
        if len(runs) == 1:
            raise Snooze("0.2s")

    job = app.job(name="nap", unique_for="10m")(nap)
    first = job.enqueue()
    working()

    until(lambda: len(runs) == 1)
    assert job.enqueue().duplicate_of in {first.jid, None}
    until(lambda: not held(server) and not server.client.llen(keys.queue("default")))
    assert runs.count(first.jid) == 2


def test_an_unknown_job_and_one_that_cannot_be_read_are_buried_without_their_locks(server, app, working):
    gone = app.job(name="gone", unique_for="10m")(lambda: None)
    broken = app.job(name="broken", unique_for="10m")(lambda: None)
    gone.enqueue()
    broken.enqueue()
    raws = server.client.lrange(keys.queue("default"), 0, -1)
    server.client.delete(keys.queue("default"))
    for raw in raws:
        # The one of no name that is known here; the other with arguments that are none.
        server.client.lpush(
            keys.queue("default"), raw.replace(b'"gone"', b'"elsewhere"').replace(b'"args":[]', b'"args":7')
        )
    working()

    until(lambda: server.client.zcard(keys.DEAD) == 2)

    assert held(server) == {}


def test_a_job_that_outlives_its_lock_leaves_that_of_its_successor_alone(server, app, working):
    started, goes_on = queue.SimpleQueue(), threading.Event()

    def slow():
        started.put(current_job().jid)
        goes_on.wait(10)

    job = app.job(name="slow", unique_for="10m")(slow)
    first = job.enqueue()
    working()
    assert started.get(timeout=10) == first.jid
    server.client.sadd(keys.PAUSED, "default")
    # Its time has passed.
    server.client.delete(*held(server))
    second = job.enqueue()
    assert second.duplicate_of is None

    goes_on.set()
    until(lambda: server.client.get(keys.STAT_PROCESSED))

    assert list(held(server).values()) == [second.jid]


# --- until it starts -----------------------------------------------------------------------


@pytest.mark.parametrize("is_async", [False, True])
def test_a_job_that_is_unique_until_it_starts_holds_no_lock_when_its_first_line_runs(server, app, working, is_async):
    seen = queue.SimpleQueue()

    def see():
        seen.put(held(server))

    async def asee():
        see()

    job = app.job(name="see", unique_for="10m", unique_until="start")(asee if is_async else see)
    first = job.enqueue()
    assert job.enqueue().duplicate_of == first.jid

    working()

    assert seen.get(timeout=10) == {}


def test_one_that_failed_after_it_started_waits_for_its_retry_without_a_lock(server, app, working):
    job = app.job(name="fail", unique_for="10m", unique_until="start", retry=Retry(backoff="fixed", base=3600))(
        lambda: 1 / 0
    )
    job.enqueue()
    working()

    until(lambda: server.client.zcard(keys.RETRY))

    assert held(server) == {}
    assert job.enqueue().duplicate_of is None


def test_one_whose_lock_cannot_be_let_go_waits_for_the_store(server, app, working, monkeypatch):
    seen, run, refused = queue.SimpleQueue(), app.store.run, []
    job = app.job(name="see", unique_for="10m", unique_until="start")(lambda: seen.put(held(server)))

    def refuse_twice(command):
        if command.name == "lock_release" and len(refused) < 2:
            refused.append(command)
            raise StoreUnavailable("it is away", applied=False)
        return run(command)

    monkeypatch.setattr(app.store, "run", refuse_twice)
    job.enqueue()
    working()

    assert seen.get(timeout=10) == {}
    assert len(refused) == 2


def test_one_that_is_no_longer_this_process_s_is_not_started_and_keeps_its_lock(server, app):
    job = app.job(name="x", unique_for="10m", unique_until="start")(lambda: None)
    made = job.enqueue()
    (key,) = held(server)

    assert app.store.run(locks.release("default", "host:1:aaaaaaaaaaaa", 1, key.rpartition(":")[2], made.jid)) == 0

    assert held(server) == {key: made.jid}


# --- by hand -------------------------------------------------------------------------------


def test_a_lock_can_be_taken_away_by_the_arguments(server, app):
    sync = app.job(name="sync", unique_for="10m")(lambda customer, deep=False: None)
    sync.enqueue(1)
    sync.using(queue="low").enqueue(1)

    assert app.unlock(sync, customer=1) is True
    assert app.unlock("sync", 1) is False
    assert asyncio.run(app.aunlock(sync.using(queue="low"), 1)) is True

    assert held(server) == {}
    assert sync.enqueue(1).duplicate_of is None


def test_a_job_that_has_no_lock_cannot_be_unlocked(app):
    plain = app.job(name="plain")(lambda: None)

    with pytest.raises(InvalidOption, match="plain has no lock"):
        app.unlock(plain)
    with pytest.raises(UnknownJob):
        app.unlock("nowhere")
    with pytest.raises(WrongArguments):
        app.unlock(app.job(name="sync", unique_for=60)(lambda customer: None))


def test_the_record_says_what_the_lock_is(server, app):
    app.job(name="sync", unique_for="10m", unique_until="start")(lambda: None).enqueue()

    flow = json.loads(server.client.lindex(keys.queue("default"), 0))["flow"]

    assert flow == {"lock": next(iter(held(server))).rpartition(":")[2], "unique_for": 600.0, "until": "start"}
