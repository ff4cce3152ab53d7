"""While a unique job waits or runs, no other of the same arguments is taken, however those are given."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import queue
import threading
from uuid import UUID

import pytest

from features.uniquekit import held, lasts
from mainspring import App, WrongArguments
from mainspring.base.errors import StoreUnavailable
from mainspring.store import keys


@pytest.fixture
def app(server):
    app = App(server.url)
    yield app
    app.close()


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
