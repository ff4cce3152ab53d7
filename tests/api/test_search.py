"""One list has every job of every state once, in an order that stays, in two round trips, and says what it did not look at."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from api.bulk import PAST, fill, job
from mainspring import App
from mainspring.api.search import SINGLE, Budget, Found
from mainspring.api.terms import STATES
from mainspring.base.errors import InvalidFilter, InvalidOption
from mainspring.store import attempts, flows, gates, keys, processes, progress, queues
from mainspring.store.connection import Store
from mainspring.store.flows import Row
from mainspring.store.ties import Ties

pytestmark = pytest.mark.both_stores
ME = "host:1:aaaaaaaaaaaa"
UNBOUNDED = Budget(10**9, 1e9)


@pytest.fixture
def app(server) -> Iterator[App]:
    app = App(server.url)

    @app.job(name="shop.sync")
    def sync(contact_id: int, note: str = "") -> None: ...

    yield app
    app.close()


@pytest.fixture
def trips(monkeypatch) -> list[int]:
    """Count round trips."""
    made: list[int] = []
    begin = Store._begin
    monkeypatch.setattr(Store, "_begin", lambda store, commands: made.append(len(commands)) or begin(store, commands))
    return made


@pytest.fixture
def everywhere(server, store) -> Callable[[], dict[str, list[str]]]:
    """Put jobs into every state, and return their ids in the order in which they are listed."""

    def put() -> dict[str, list[str]]:
        for queue in ("low", "high"):
            store.run(processes.register(queue, ME, 30_000))
            store.run(queues.push(queue, [job(f"r-{queue}-{n}", queue=queue) for n in range(3)]))
            store.run(queues.fetch(queue, ME, 3, "1", "_req"))
            store.run(queues.push(queue, [job(f"q-{queue}-{n}", queue=queue) for n in range(4)]))
        store.run(gates.define({"c:x": "1"}))
        store.run(
            flows.enter("gated", [Row(Ties(f"g{n}", gates="c:x"), job(f"g{n}", queue="gated")) for n in range(4)])
        )
        work = json.dumps({"queue": "ruby", "payload": job("ruby", queue="ruby").decode(), "run_at": PAST})
        store.run(processes.show("ruby:9:bbbbbbbbbbbb", {"busy": 1}, {"t1": work.encode()}))
        shown = json.dumps({"queue": "low", "payload": job("r-low-1").decode(), "run_at": PAST + 5})
        store.run(processes.show(ME, {"busy": 6}, {"t1": shown.encode()}))
        for key, name in ((keys.RETRY, "retry"), (keys.SCHEDULE, "later"), (keys.DEAD, "dead")):
            server.client.zadd(key, {job(f"{name}-{n}"): PAST + n // 2 for n in range(6)})
        return {
            "running": [*(f"r-high-{n}" for n in range(3)), *(f"r-low-{n}" for n in range(3)), "ruby"],
            "queued": ["g0", *(f"q-high-{n}" for n in range(4)), *(f"q-low-{n}" for n in range(4))],
            "waiting": ["g1", "g2", "g3"],
            "retrying": [f"retry-{n}" for n in range(6)],
            "scheduled": [f"later-{n}" for n in range(6)],
            "dead": [f"dead-{n}" for n in reversed(range(6))],
        }

    return put


def jids(found: Found) -> list[str]:
    return [each.jid for each in found.jobs]


def walk(app: App, query: str = "", state: str | None = None, count: int = 3) -> list[str]:
    found = app.search(query, state=state, count=count, budget=UNBOUNDED)
    seen = jids(found)
    while found.cursor:
        found = app.search(query, state=state, count=count, cursor=found.cursor, budget=UNBOUNDED)
        seen += jids(found)
    return seen


# --- all there is ------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 7, 100])
def test_all_jobs_are_listed_once_and_in_order_however_long_a_page_is(app, everywhere, count) -> None:
    put = everywhere()

    assert walk(app, count=count) == [jid for state in STATES for jid in put[state]]
    for state in STATES:
        assert walk(app, state=state, count=count) == put[state]


@pytest.mark.parametrize("state", [None, *STATES])
def test_a_page_takes_one_round_trip_or_two_and_counts_all(app, everywhere, trips, state) -> None:
    put = everywhere()
    app.counts()
    del trips[:]

    found = app.search(state=state, count=2)

    assert len(trips) <= (1 if state in SINGLE else 2)
    assert found.counts == {name: len(jids) for name, jids in put.items()}
    assert found.total == (len(put[state]) if state else sum(map(len, put.values())))
    assert (found.searched, found.is_complete) == (2, True)


def test_counting_takes_one_round_trip(app, everywhere, trips) -> None:
    put = everywhere()
    app.counts()
    del trips[:]

    assert app.counts() == {name: len(jids) for name, jids in put.items()}
    assert len(trips) == 1


def test_what_runs_says_since_when(app, everywhere) -> None:
    everywhere()

    found = app.search(state="running")

    assert found.started == {"r-low-1": pytest.approx(PAST + 5), "ruby": pytest.approx(PAST)}
    assert [each.process for each in found.jobs] == [ME] * 6 + ["ruby:9:bbbbbbbbbbbb"]


def test_an_empty_store_is_an_empty_list(app) -> None:
    found = app.search()

    assert (jids(found), found.cursor, found.total, found.is_complete) == ([], "", 0, True)


def test_the_last_page_is_known_to_be_the_last(app, server) -> None:
    fill(server, keys.RETRY, 4)

    assert app.search(count=4).cursor == ""
    assert app.search(count=3).cursor != ""


def test_a_page_follows_the_one_before_though_jobs_leave(app, server) -> None:
    raws = [job(f"j{n:03}") for n in range(100)]
    # All due at once: what follows is known by its place among them, counted anew at each page.
    server.client.zadd(keys.RETRY, {raw: PAST + n for n, raw in enumerate(raws)})
    first = app.search(state="retrying", count=40)
    server.client.zrem(keys.RETRY, *raws[:30])

    second = app.search(state="retrying", count=40, cursor=first.cursor)

    assert jids(second) == [f"j{n:03}" for n in range(40, 80)]


def test_a_queue_that_is_gone_is_passed_over(app, everywhere, server) -> None:
    everywhere()
    first = app.search(state="queued", count=2)
    server.client.delete(keys.queue("high"))

    assert jids(app.search(state="queued", cursor=first.cursor)) == [f"q-low-{n}" for n in range(4)]


# --- some of it --------------------------------------------------------------------------------


def test_a_filter_finds_its_jobs_in_every_state(app, everywhere) -> None:
    everywhere()

    assert walk(app, "queue:low") == [*(f"r-low-{n}" for n in range(3)), *(f"q-low-{n}" for n in range(4))]
    assert walk(app, "queue:l* state:queued") == [f"q-low-{n}" for n in range(4)]
    assert walk(app, "g state:waiting") == ["g1", "g2", "g3"]
    assert walk(app, "-queue:* state:dead") == []


def test_an_argument_that_was_passed_by_position_is_found_by_its_name(app, server) -> None:
    jid = app.job_named("shop.sync").enqueue_in("1h", 50008).jid
    app.job_named("shop.sync").enqueue_in("1h", 50009, note="x")

    assert walk(app, "args.contact_id:50008") == [jid]


def test_two_of_one_customer_are_found_among_many(app, server, trips) -> None:
    fill(server, keys.RETRY, 5000, lambda n: job(f"j{n:05}", kwargs={"contact_id": n // 2}))

    found = app.search("args.contact_id:1234 error:Timeout", budget=UNBOUNDED)

    assert sorted(jids(found)) == ["j02468", "j02469"]
    assert (found.searched, found.total, found.is_complete) == (5000, 5000, True)


def test_a_job_is_found_by_its_id_and_then_nothing_more_is_looked_for(app, server) -> None:
    ids = [f"{n:024x}" for n in range(3000)]
    server.client.zadd(keys.RETRY, {job(jid): PAST + n for n, jid in enumerate(ids)})

    found = app.search(ids[700], budget=UNBOUNDED)

    assert (jids(found), found.cursor, found.searched) == ([ids[700]], "", 701)


def test_a_search_ends_with_its_budget_and_can_go_on(app, server) -> None:
    fill(server, keys.RETRY, 5000, lambda n: job(f"j{n:05}", retry_count=1 if n == 4321 else 0))

    first = app.search("attempts:2", budget=Budget(items=2000, ms=1e9))
    timely = app.search("attempts:2", budget=Budget(items=10**9, ms=0))
    pages, found = 1, first
    while found.cursor:
        found, pages = app.search("attempts:2", cursor=found.cursor, budget=Budget(items=2000, ms=1e9)), pages + 1

    assert (first.searched, first.total, first.is_complete, jids(first)) == (2000, 5000, False, [])
    assert (timely.searched, timely.is_complete) == (1000, False)
    assert (jids(found), found.is_complete, pages) == (["j04321"], True, 3)


def test_what_the_server_passes_over_costs_no_budget(app, server) -> None:
    fill(server, keys.RETRY, 5000)

    found = app.search("error:Nothing", budget=Budget(items=1, ms=1e9))

    assert (found.searched, found.is_complete) == (5000, True)


def test_strangers_keys_stand_in_nobodys_way(app, server) -> None:
    server.client.sadd(keys.QUEUES, "odd", b"\xff")
    server.client.set(keys.queue("odd"), "no list")
    server.client.sadd(keys.PROCESSES, "odd")
    server.client.zadd(keys.DEAD, {b"no json": 1.0})

    assert app.counts()["dead"] == 1
    assert len(app.search().jobs) == 1
    server.client.delete(keys.queue("odd"))


@pytest.mark.parametrize(
    "given",
    [
        {"state": "asleep"},
        {"count": 0},
        {"count": 1001},
        {"count": "1"},
        {"cursor": "x"},
        {"cursor": "retrying~~nan~1"},
        {"cursor": "retrying~~1~-1"},
        {"cursor": "retrying~~1~" + "9" * 99},
        {"cursor": "asleep~~~0"},
        {"cursor": "a~" * 2000},
        {"cursor": None},
    ],
)
def test_what_cannot_be_listed_is_refused(app, given) -> None:
    with pytest.raises(InvalidOption):
        app.search(**given)


def test_a_filter_that_cannot_be_read_is_refused_before_the_store_is_asked(app, trips) -> None:
    with pytest.raises(InvalidFilter):
        app.search("colour:red")

    assert trips == []


def test_a_job_comes_with_its_attempts_and_its_progress_in_the_one_round_trip(app, server, store, trips) -> None:
    fill(server, keys.RETRY, 3)
    (wanted, *_) = app.search(state="retrying").jobs
    record = attempts.Record(1, "me", "slot-1", PAST, PAST + 1, "retry", error_class="KeyError")
    server.client.lpush(keys.attempts(wanted.jid), attempts.written(record))
    server.client.expire(keys.attempts(wanted.jid), 60)
    store.run(progress.write(wanted.jid, b'[0.5,"half of it",1.0]'))
    del trips[:]

    found, kept = app.look_for(wanted.jid, state="retrying")

    assert len(trips) == 1
    assert [each.jid for each in found.jobs] == [wanted.jid]
    assert [each.error_class for each in kept.attempts] == ["KeyError"]
    assert (kept.finished, kept.progress.fraction) == (None, 0.5)


def test_of_a_job_that_is_nowhere_what_is_kept_is_read_all_the_same(app, server) -> None:
    fill(server, keys.RETRY, 3)

    found, kept = app.look_for("f" * 24)

    assert (list(found.jobs), found.is_complete) == ([], True)
    assert (list(kept.attempts), kept.finished, kept.progress) == ([], None, None)
