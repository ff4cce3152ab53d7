"""On whatever path a job is removed or moved, its unique lock goes with it: no lock without a living job that holds it."""

from __future__ import annotations

import pytest

from mainspring.base import codec, payload
from mainspring.store import flows, keys, processes, queues, sets
from mainspring.store.connection import Store
from mainspring.store.flows import Row
from mainspring.store.queues import Settlement
from mainspring.store.ties import UNREAD, Ties

ME = "host:1:aaaaaaaaaaaa"
DAY, NOW = "2026-11-21", 1_790_000_000.5
Q = "default"
UNIQUE_MS = 600_000


@pytest.fixture
def store(server):
    store = Store(server.url)
    yield store
    store.close()


def job(jid: str, lock: str = "one", queue: str = Q, **fields: object) -> bytes:
    """Return a job as our client writes it."""
    record = {"class": "sync", "args": [], "queue": queue, "jid": jid, "flow": {"lock": lock, "unique_for": 600.0}}
    return codec.encode(record | fields)


def row(raw: bytes, at: float | None = None, lock_ms: int = UNIQUE_MS) -> Row:
    made = payload.fields(raw)
    return Row(Ties(made["jid"], made["flow"]["lock"], UNIQUE_MS), raw, at, lock_ms)


def enter(store: Store, *raws: bytes, at: float | None = None, token: str = "") -> list[str]:
    return store.run(flows.enter(Q, [row(raw, at) for raw in raws], token=token))


def locks(server) -> dict[str, str]:
    found = server.client.scan_iter(keys.lock("*"), count=1000)
    return {key.decode().rpartition(":")[2]: server.client.get(key).decode() for key in found}


def lasts(server, lock="one") -> float:
    return server.client.pttl(keys.lock(lock)) / 1000


def placed(server, place: str, raw: bytes) -> None:
    """Put a job with its lock where a test wants it, as it would have come there."""
    server.client.set(keys.lock("one"), "a", px=UNIQUE_MS)
    server.client.zadd(place, {raw: NOW})


# --- taking ------------------------------------------------------------------------------


def test_a_job_whose_lock_is_held_is_not_stored_and_its_holder_is_named(server, store):
    assert enter(store, job("a")) == [""]
    assert enter(store, job("b"), job("c", "two"), job("d", "two")) == ["a", "", "c"]

    assert locks(server) == {"one": "a", "two": "c"}
    assert server.client.lrange(keys.queue(Q), 0, -1) == [job("c", "two"), job("a")]
    assert 599 < lasts(server) <= 600


def test_a_push_that_is_sent_again_gets_the_answers_of_the_first(server, store):
    assert enter(store, job("a"), job("b"), token="t") == ["", "a"]
    server.client.delete(keys.queue(Q))
    server.client.set(keys.lock("one"), "x", px=1000)
    before = server.snapshot()

    assert enter(store, job("a"), job("b"), token="t") == ["", "a"]

    assert server.snapshot() == before


def test_a_job_whose_own_lock_it_is_is_not_stored_again_however_late_it_comes(server, store):
    enter(store, job("a"), token="t")
    server.client.delete(keys.pushed(Q, "t"))

    assert enter(store, job("a"), token="t") == [""]

    assert server.client.llen(keys.queue(Q)) == 1


def test_what_is_no_text_is_nobodys_lock(server, store):
    server.client.hset(keys.lock("one"), "somebody", "else's")

    assert enter(store, job("a")) == [""]

    assert locks(server) == {"one": "a"}


def test_a_job_for_later_holds_its_lock_in_the_scheduled_set(server, store):
    store.run(flows.enter(Q, [row(job("a"), NOW, 4_200_000)]))

    assert server.client.zrange(keys.SCHEDULE, 0, -1) == [job("a")]
    assert 4199 < lasts(server) <= 4200


# --- people, and a queue -------------------------------------------------------------------


def test_a_waiting_job_that_is_deleted_lets_its_lock_go(server, store):
    enter(store, job("a"), job("b", "two"))

    assert store.run(queues.remove(Q, job("a"))) == 1
    assert store.run(queues.remove(Q, job("a"))) == 0

    assert locks(server) == {"two": "b"}


def test_a_waiting_job_that_is_killed_lets_its_lock_go_and_one_put_off_keeps_it(server, store):
    enter(store, job("a"), job("b", "two"))
    soon = server.client.time()[0] + 3600.0

    assert store.run(queues.move(Q, keys.DEAD, job("a"), score=NOW)) == 1
    assert store.run(queues.move(Q, keys.SCHEDULE, job("b", "two"), score=soon)) == 1

    assert locks(server) == {"two": "b"}
    assert 4198 < lasts(server, "two") <= 4201


@pytest.mark.parametrize("died", [None, NOW])
def test_jobs_taken_out_of_the_midst_of_a_queue_let_their_locks_go(server, store, died):
    enter(store, job("a"), job("b", "two"), job("c", "three"))
    store.run(queues.push(Q, [b"plain"]))
    picked = [(1, job("a")), (3, job("c", "three")), (4, b"plain"), (2, b"moved on")]

    assert store.run(queues.drop(Q, picked, died=died)) == 3

    assert locks(server) == {"two": "b"}
    assert server.client.zcard(keys.DEAD) == (0 if died is None else 3)


def test_a_queue_that_is_cleared_is_empty_at_once_and_its_locks_go_in_parts(server, store, monkeypatch):
    monkeypatch.setattr(queues, "SWEPT", 2)
    enter(store, job("a"), job("b", "two"), job("c", "three"))
    store.run(queues.push(Q, [b"plain", b"\xff\x00"]))

    assert store.run(queues.clear(Q)) == 5
    assert not server.exists(keys.queue(Q))
    assert [store.run(queues.sweep(Q)) for _ in range(4)] == [2, 2, 1, 0]

    assert server.keys() == set()


def test_a_part_ends_with_bytes_as_well(server, store, monkeypatch):
    monkeypatch.setattr(queues, "SWEPT_BYTES", 1000)
    store.run(queues.push(Q, [b"x" * 600] * 3))
    store.run(queues.clear(Q))

    assert [store.run(queues.sweep(Q)) for _ in range(3)] == [2, 1, 0]


def test_a_queue_is_not_cleared_over_jobs_of_which_somebody_has_not_come_to_the_end(server, store):
    enter(store, job("a"))
    store.run(queues.clear(Q))
    enter(store, job("b", "two"))
    before = server.snapshot()

    assert store.run(queues.clear(Q)) == -1
    assert server.snapshot() == before

    store.run(queues.sweep(Q))
    assert locks(server) == {"two": "b"}
    assert server.client.smembers(keys.QUEUES) == {Q.encode()}
    assert store.run(queues.clear(Q)) == 1


def test_a_cleared_queue_stays_listed_until_its_jobs_are_dropped(server, store):
    enter(store, job("a"))
    store.run(queues.clear(Q))

    assert server.client.smembers(keys.QUEUES) == {Q.encode()}

    store.run(queues.sweep(Q))
    assert server.keys() == set()


# --- people, and a set ---------------------------------------------------------------------


@pytest.mark.parametrize("place", [keys.SCHEDULE, keys.RETRY])
def test_a_job_of_a_set_that_is_deleted_lets_its_lock_go(server, store, place):
    placed(server, place, job("a"))

    assert store.run(sets.remove(place, [b"gone", job("a")])) == 1

    assert server.keys() == set()


@pytest.mark.parametrize("place", [keys.SCHEDULE, keys.RETRY, keys.DEAD])
def test_a_set_that_is_cleared_is_empty_at_once_and_its_locks_go_in_parts(server, store, place, monkeypatch):
    monkeypatch.setattr(sets, "SWEPT", 2)
    placed(server, place, job("a"))
    server.client.zadd(place, {b"plain": 1, b"\xff": 2})

    assert store.run(sets.clear(place)) == 3
    server.client.zadd(place, {b"new": 1})
    assert store.run(sets.clear(place)) == -1
    assert [store.run(sets.sweep(place)) for _ in range(3)] == [2, 1, 0]

    assert server.keys() == {place}
    assert store.run(sets.clear(keys.RETRY if place == keys.SCHEDULE else keys.SCHEDULE)) == 0


def test_a_job_of_a_set_that_is_killed_lets_its_lock_go_and_one_put_off_keeps_it(server, store):
    placed(server, keys.RETRY, job("a"))
    later = server.client.time()[0] + 3600.0

    assert store.run(sets.move(keys.RETRY, keys.RETRY, job("a"), job("a"), later)) == 1
    assert 4198 < lasts(server) <= 4201
    assert store.run(sets.move(keys.RETRY, keys.DEAD, job("a"), job("a"), NOW)) == 1

    assert locks(server) == {}


def test_a_job_that_is_forwarded_keeps_its_lock(server, store):
    placed(server, keys.SCHEDULE, job("a"))

    store.run(sets.forward(keys.SCHEDULE, Q, [(job("a"), job("a"))]))

    assert locks(server) == {"one": "a"}


@pytest.mark.parametrize("goes_to", ["queue", "schedule"])
def test_a_dead_job_that_goes_on_takes_its_lock_again(server, store, goes_to):
    server.client.zadd(keys.DEAD, {job("a"): NOW})

    if goes_to == "queue":
        store.run(sets.forward(keys.DEAD, Q, [(job("a"), job("a"))]))
        assert 599 < lasts(server) <= 600
    else:
        store.run(sets.move(keys.DEAD, keys.SCHEDULE, job("a"), job("a"), server.client.time()[0] + 3600.0))
        assert 4198 < lasts(server) <= 4201

    assert locks(server) == {"one": "a"}


@pytest.mark.parametrize("goes_to", ["queue", "schedule"])
def test_a_dead_job_whose_lock_is_anothers_by_now_goes_without(server, store, goes_to):
    server.client.zadd(keys.DEAD, {job("a"): NOW})
    enter(store, job("b"))

    if goes_to == "queue":
        assert store.run(sets.forward(keys.DEAD, Q, [(job("a"), job("a"))])) == 1
        store.run(queues.remove(Q, job("a")))
    else:
        assert store.run(sets.move(keys.DEAD, keys.SCHEDULE, job("a"), job("a"), NOW)) == 1
        store.run(sets.remove(keys.SCHEDULE, [job("a")]))

    assert locks(server) == {"one": "b"}


# --- processes -----------------------------------------------------------------------------


@pytest.fixture
def fetched(server, store):
    """Let a process hold three jobs."""
    enter(store, job("a"), job("b", "two"), job("c", "three"))
    store.run(processes.register(Q, ME, 30_000))
    store.run(queues.fetch(Q, ME, 3, "1", "_req"))
    return store


def test_successes_let_their_locks_go_and_those_of_others_alone(server, fetched):
    server.client.set(keys.lock("two"), "x", px=1000)

    done = fetched.run(
        flows.finish(Q, ME, [(1, Ties("a", "one")), (2, Ties("b", "two")), (9, Ties("c", "three"))], DAY)
    )

    assert done == [1, 1, 0]
    assert locks(server) == {"two": "x", "three": "c"}
    assert server.client.get(keys.STAT_PROCESSED) == b"2"


@pytest.mark.parametrize(
    ("what", "place", "lasting"),
    [
        ("ok", None, None),
        ("dropped", None, None),
        ("dead", keys.DEAD, None),
        ("failed", keys.RETRY, 4200),
        ("later", keys.SCHEDULE, 4200),
    ],
)
def test_each_outcome_does_with_the_lock_what_it_must(server, fetched, what, place, lasting):
    at = server.client.time()[0] + 3600.0
    settlement = Settlement(place, at, job("a"), what=what, ties=Ties("a", "one", UNIQUE_MS))

    assert fetched.run(queues.settle(Q, ME, 1, settlement, now=NOW, day=DAY)) == 1

    assert ("one" in locks(server)) == (lasting is not None)
    assert lasting is None or lasting - 2 < lasts(server) <= lasting + 1


@pytest.mark.parametrize("what", ["failed", "later"])
def test_a_job_that_goes_on_at_a_time_that_has_passed_holds_its_lock_from_now(server, fetched, what):
    settlement = Settlement(keys.RETRY, 1000.0, job("a"), what=what, ties=Ties("a", "one", UNIQUE_MS))

    fetched.run(queues.settle(Q, ME, 1, settlement, now=NOW, day=DAY))

    assert 598 < lasts(server) <= 600


def test_an_outcome_that_comes_too_late_does_nothing_to_the_lock(server, fetched):
    fetched.run(processes.reclaim(Q, ME, grace_ms=0, now=NOW, certain=True))
    settlement = Settlement(what="dropped", ties=Ties("a", "one", UNIQUE_MS))
    before = server.snapshot()

    assert fetched.run(queues.settle(Q, ME, 1, settlement, now=NOW, day=DAY)) == 0
    assert fetched.run(flows.finish(Q, ME, [(2, Ties("b", "two"))], DAY)) == [0]

    assert server.snapshot() == before


@pytest.mark.parametrize("data", [b"", b',"error_message":"too long"}', b"noted"])
def test_what_a_worker_cannot_read_is_buried_without_its_lock(server, fetched, data):
    settlement = Settlement(keys.DEAD, NOW, data, what="dead", ties=UNREAD)

    assert fetched.run(queues.settle(Q, ME, 1, settlement, now=NOW, day=DAY)) == 1

    assert locks(server) == {"two": "b", "three": "c"}


def test_jobs_given_back_keep_their_locks_and_poison_lets_its_go(server, fetched):
    changes = [(b"1", "dead", job("a")), (b"2", "queue", job("b", "two"))]

    assert fetched.run(processes.reclaim(Q, ME, grace_ms=0, now=NOW, changes=changes, certain=True)) == 3

    assert locks(server) == {"two": "b", "three": "c"}


def test_a_job_that_is_returned_or_left_keeps_its_lock(server, fetched):
    fetched.run(queues.give_back(Q, ME, [1]))
    fetched.run(processes.leave(Q, ME))

    assert locks(server) == {"one": "a", "two": "b", "three": "c"}


# --- what strangers write ------------------------------------------------------------------

STRANGE = [
    b'{"jid":"a","flow":{"lock":"one"',
    b'{"jid":"a","flow":{"lock":["one"]}}',
    b'{"jid":"a","flow":{}}',
    b'{"jid":["a"],"flow":{"lock":"one"}}',
    b'["a","flow",{"flow":{"lock":"one"}}]',
    b'{"args":["\\"flow\\":{"],"jid":"a"}',
    b'{"flow":{"x":' + b"[" * 2000 + b"]" * 2000 + b'},"jid":"a"}',
    b'{"jid":"b","flow":{"lock":"one","unique_for":"long","gates":{"a":1},"bid":7,"n":-5}}',
]


@pytest.mark.parametrize("raw", STRANGE)
def test_a_record_that_makes_no_sense_is_removed_and_touches_no_lock(server, store, raw):
    server.client.set(keys.lock("one"), "a", px=UNIQUE_MS)
    store.run(queues.push(Q, [raw] * 3))
    server.client.zadd(keys.RETRY, {raw: 1})

    assert store.run(queues.remove(Q, raw)) == 1
    assert store.run(queues.drop(Q, [(1, raw)])) == 1
    assert store.run(queues.move(Q, keys.SCHEDULE, raw, score=NOW)) == 1
    assert store.run(sets.move(keys.SCHEDULE, keys.DEAD, raw, raw, NOW)) == 1
    assert store.run(sets.forward(keys.DEAD, Q, [(raw, raw)])) == 1
    assert store.run(sets.remove(keys.RETRY, [raw])) == 1
    store.run(queues.clear(Q))
    store.run(queues.sweep(Q))

    assert locks(server) == {"one": "a"}
