"""A tick is enqueued once, whoever asks and however often; a claim without its job cannot be."""

from __future__ import annotations

import json
import threading

import pytest

from mainspring.base.errors import StoreRefused
from mainspring.schedule.ticks import text
from mainspring.store import entries, keys, periodic
from mainspring.store.connection import Store
from mainspring.store.entries import Definition
from mainspring.store.periodic import Attempt, Claim, TickJob

NS = "office"
JOB = b'{"class":"report","args":[],"jid":"a"}'
RECORD = b'{"kind":"scheduled"}'
#: Entries are defined as of then, and their ticks are due since.
ANCHOR = 1_700_000_000.2
TICK = "1700000000.200"


@pytest.fixture
def store(server):
    store = Store(server.url)
    stored(server, store, "report")
    yield store
    store.close()


def stored(server, store, name, **fields):
    """Define an entry, as of 2023."""
    store.run(entries.define(NS, [Definition(name, "stamp", "when", b"{}")], origin="api"))
    past = {"anchor": text(ANCHOR), "since": text(ANCHOR - 0.001)}
    server.client.hset(keys.periodic_entry(NS, name), mapping=past | fields)


def attempt(tick=TICK, *, name="report", payload=JOB, queue="default", at=None, due=0.0, **options):
    given = {"stamp": "stamp", "record": RECORD} | options
    return periodic.claim_tick(NS, Attempt(name, tick=tick, due=due, job=TickJob(queue, payload, at), **given))


def server_now(server):
    seconds, microseconds = server.client.time()
    return seconds + microseconds / 1e6


def queue(server, name="default"):
    return server.client.lrange(keys.queue(name), 0, -1)


def entry(server, name="report"):
    return server.client.hgetall(keys.periodic_entry(NS, name))


def the_rest(server):
    """Return the keys that claims may have made."""
    return server.keys() - {keys.periodic_entry(NS, "report"), keys.periodic_names(NS), keys.periodic_version(NS)}


# --- claiming --------------------------------------------------------------------


def test_a_claim_enqueues_the_job_remembers_the_tick_and_records_it(server, store):
    before, defined = server_now(server), entry(server)

    assert store.run(attempt()) is Claim.WON

    assert queue(server) == [JOB]
    assert server.client.smembers(keys.QUEUES) == {b"default"}
    assert entry(server) == defined | {b"last": TICK.encode()}
    (past,) = store.run(periodic.history(NS, "report"))
    assert past.record == json.loads(RECORD)
    assert before <= past.at <= server_now(server)
    assert the_rest(server) == {keys.queue("default"), keys.QUEUES, keys.periodic_history(NS, "report")}


@pytest.mark.parametrize("tick", [TICK, "1700000000.199", "1699999940.000", "999999999.999"])
def test_a_tick_that_is_not_newer_is_refused_and_writes_nothing(server, store, tick):
    store.run(attempt())
    before = server.snapshot()

    assert store.run(attempt(tick, queue="late")) is Claim.TAKEN

    assert server.snapshot() == before


@pytest.mark.parametrize(
    ("fields", "claim", "answer"),
    [
        ({}, {"stamp": "other"}, Claim.CHANGED),
        ({}, {"name": "nobody"}, Claim.CHANGED),
        ({"paused": "1700000001.000"}, {}, Claim.PAUSED),
        ({"since": TICK}, {}, Claim.TAKEN),
        ({}, {"due": 4e9}, Claim.EARLY),
        ({"runs": "aaaa"}, {}, Claim.CHANGED),
        ({"runs": "aaaa"}, {"expected": ["aaaa", "bbbb"]}, Claim.CHANGED),
        ({}, {"expected": ["aaaa"], "runs": ["aaaa", "bbbb"]}, Claim.CHANGED),
    ],
)
def test_a_claim_that_rests_on_what_is_not_so_is_refused_and_writes_nothing(server, store, fields, claim, answer):
    stored(server, store, "report", **fields)
    before = server.snapshot()

    assert store.run(attempt(**claim)) is answer

    assert server.snapshot() == before


def test_a_tick_is_due_by_the_servers_clock_and_not_by_the_claimants(server, store):
    now = server_now(server)

    assert store.run(attempt(text(now - 1), due=now + 30)) is Claim.EARLY
    assert store.run(attempt(text(now - 1), due=now)) is Claim.WON


def test_a_claim_without_a_job_takes_the_tick_and_says_why(server, store):
    assert store.run(attempt(payload=b"", record=b'{"kind":"skipped"}')) is Claim.WON
    assert store.run(attempt()) is Claim.TAKEN

    assert the_rest(server) == {keys.periodic_history(NS, "report")}
    assert [past.record for past in store.run(periodic.history(NS, "report"))] == [{"kind": "skipped"}]


def test_a_claim_without_a_record_leaves_the_history_alone(server, store):
    assert store.run(attempt(record=b"")) is Claim.WON

    assert the_rest(server) == {keys.queue("default"), keys.QUEUES}


def test_a_job_for_later_goes_to_the_scheduled_set_and_rings(server, store):
    assert store.run(attempt(at=1_700_000_060.5)) is Claim.WON

    assert server.client.zrange(keys.SCHEDULE, 0, -1, withscores=True) == [(JOB, 1_700_000_060.5)]
    assert the_rest(server) == {keys.SCHEDULE, keys.BELL, keys.periodic_history(NS, "report")}


@pytest.mark.parametrize("runs", [(), ("aaaa",)])
def test_the_same_claim_sent_again_after_a_lost_answer_enqueues_nothing(server, store, runs):
    command = attempt(runs=runs)

    assert [store.run(command) for _ in range(3)] == [Claim.WON, Claim.TAKEN, Claim.TAKEN]

    assert queue(server) == [JOB]
    assert len(store.run(periodic.history(NS, "report"))) == 1


def test_ticks_are_compared_as_numbers_to_the_millisecond(server, store):
    stored(server, store, "old", since="0")
    # As texts, "1000000000.000" sorts before "999999999.999".
    ticks = ["999999999.999", "1000000000.000", "1000000000.001", "1000000000.010", "1000000000.100"]

    assert [store.run(attempt(tick, name="old")) for tick in ticks] == [Claim.WON] * 5


def test_entries_do_not_know_each_other(server, store):
    stored(server, store, "sweep", since="1500000000.000")
    store.run(attempt())

    assert store.run(attempt("1600000000.000", name="sweep", queue="low")) is Claim.WON

    assert queue(server, "low") == [JOB]


def test_the_newest_job_is_at_the_head_as_with_every_push(server, store):
    for tick, job in (("1700000001.000", b"first"), ("1700000002.000", b"second")):
        store.run(attempt(tick, payload=job))

    assert queue(server) == [b"second", b"first"]


def test_eight_claimants_at_once_enqueue_each_of_a_hundred_ticks_once(server, store):
    won, start = [], threading.Barrier(8)

    def claim():
        other = Store(server.url)
        start.wait()
        answers = [other.run(attempt(text(ANCHOR + tick), payload=b"%d" % tick)) for tick in range(1, 101)]
        won.extend(tick for tick, answer in enumerate(answers, start=1) if answer is Claim.WON)
        other.close()

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(won) == list(range(1, 101))
    assert queue(server)[::-1] == [b"%d" % tick for tick in range(1, 101)]


def test_a_claim_and_a_pause_at_once_leave_no_tick_claimed_without_its_job(server, store):
    start, answers = threading.Barrier(2), []

    def claim():
        other = Store(server.url)
        start.wait()
        answers.extend(other.run(attempt(text(ANCHOR + tick))) for tick in range(100))
        other.close()

    thread = threading.Thread(target=claim)
    thread.start()
    start.wait()
    for _ in range(20):
        store.run(entries.pause(NS, "report"))
        store.run(entries.resume(NS, "report"))
    thread.join(30)

    # The first resumption was now, so that none of those ticks counts any more.
    assert set(answers) <= {Claim.WON, Claim.PAUSED, Claim.TAKEN}
    assert len(queue(server)) == answers.count(Claim.WON) == len(store.run(periodic.history(NS, "report")))
    won = [place for place, answer in enumerate(answers) if answer is Claim.WON]
    assert won == list(range(len(won)))


# --- runs ------------------------------------------------------------------------


def test_a_claim_notes_the_runs_that_are_unfinished_and_the_next_must_know_them(server, store):
    assert store.run(attempt("1700000001.000", runs=("aaaa",))) is Claim.WON
    assert store.run(attempt("1700000002.000", runs=("bbbb",))) is Claim.CHANGED
    assert store.run(attempt("1700000002.000", expected=("aaaa",), runs=("aaaa", "bbbb"))) is Claim.WON

    (found,) = store.run(entries.read(NS, ["report"]))[1]
    assert found.runs == ("aaaa", "bbbb")


def test_when_all_runs_have_ended_none_is_noted(server, store):
    stored(server, store, "report", runs="aaaa bbbb")

    assert store.run(attempt(expected=("aaaa", "bbbb"), payload=b"")) is Claim.WON

    assert b"runs" not in entry(server)


# --- trouble ---------------------------------------------------------------------


@pytest.mark.parametrize("key", [keys.queue("default"), keys.QUEUES, keys.periodic_history(NS, "report")])
def test_a_claim_whose_push_fails_leaves_the_tick_open_and_pushes_nothing(server, store, key):
    server.client.set(key, "somebody else's", ex=60)
    defined = entry(server)

    with pytest.raises(StoreRefused, match="WRONGTYPE"):
        store.run(attempt())

    assert entry(server) == defined
    server.client.delete(key)
    assert queue(server) == []
    assert store.run(attempt()) is Claim.WON
    assert queue(server) == [JOB]


def test_a_full_server_refuses_the_claim_and_the_tick_stays_open(private_server, server):
    full = private_server(server.kind)
    store = Store(full.url)
    stored(full, store, "report", runs="aaaa")
    full.client.config_set("maxmemory", 1)
    before = full.snapshot()

    for options in ({}, {"payload": b""}, {"payload": b"", "record": b""}, {"at": 4e9}, {"runs": ("bbbb",)}):
        with pytest.raises(StoreRefused) as refused:
            store.run(attempt(expected=("aaaa",), **{"runs": ("aaaa",)} | options))
        assert refused.value.code == "OOM"

    assert full.snapshot() == before
    full.client.config_set("maxmemory", 0)
    assert store.run(attempt(expected=("aaaa",))) is Claim.WON
    store.close()


@pytest.mark.parametrize("field", ["last", "since"])
def test_what_a_stranger_wrote_as_a_time_does_not_stop_the_entry(server, store, field):
    stored(server, store, "report", **{field: "yesterday"})

    assert store.run(attempt()) is Claim.WON
    assert entry(server)[b"last"] == TICK.encode()


def test_a_prefix_keeps_two_apps_apart(server):
    for prefix in ("one:", "two:"):
        store = Store(server.url, prefix=prefix)
        now = store.run(entries.define(NS, [Definition("report", "stamp", "when", b"{}")], origin="api")).now
        assert store.run(attempt(text(now))) is Claim.WON
        store.close()

    made = {keys.periodic_history(NS, "report"), keys.queue("default"), keys.QUEUES}
    made |= {keys.periodic_entry(NS, "report"), keys.periodic_names(NS), keys.periodic_version(NS)}
    # The fixture looks for keys of the data model, which has no prefixes.
    assert server.keys() == {f"{app}:{key}" for app in ("one", "two") for key in made}
    server.flush()


def test_the_servers_time_is_in_unix_seconds(server, store):
    before = server_now(server)

    now = store.run(periodic.server_time())

    assert before <= now <= server_now(server)


# --- out of turn -----------------------------------------------------------------


def push(name="report", *, payload=JOB, at=None, **options):
    return periodic.push_run(NS, name, TickJob("default", payload, at), record=b'{"kind":"manual"}', **options)


def test_a_run_out_of_turn_is_enqueued_and_recorded_and_the_next_tick_is_not_touched(server, store):
    defined = entry(server)

    assert store.run(push()) is True

    assert queue(server) == [JOB]
    assert server.client.smembers(keys.QUEUES) == {b"default"}
    assert entry(server) == defined
    assert [past.record for past in store.run(periodic.history(NS, "report"))] == [{"kind": "manual"}]
    assert store.run(attempt()) is Claim.WON


def test_a_run_out_of_turn_may_be_for_later_and_of_a_paused_entry(server, store):
    store.run(entries.pause(NS, "report"))

    assert store.run(push(at=4e9)) is True

    assert server.client.zrange(keys.SCHEDULE, 0, -1, withscores=True) == [(JOB, 4e9)]


def test_a_run_out_of_turn_that_is_sent_again_is_made_once(server, store):
    command = push(token="t", run="aaaa")

    assert [store.run(command) for _ in range(3)] == [True] * 3

    assert queue(server) == [JOB]
    assert len(store.run(periodic.history(NS, "report"))) == 1
    assert entry(server)[b"runs"] == b"aaaa"
    assert 0 < server.client.pttl(keys.pushed("default", "t")) <= 60_000


def test_a_run_out_of_turn_is_told_to_the_claims_that_must_know_of_it(server, store):
    store.run(attempt("1700000001.000", runs=("aaaa",)))

    store.run(push(run="bbbb"))

    assert store.run(attempt("1700000002.000", expected=("aaaa",), runs=("cccc",))) is Claim.CHANGED
    assert entry(server)[b"runs"] == b"aaaa bbbb"


def test_an_entry_that_there_is_not_cannot_be_run(server, store):
    before = server.snapshot()

    assert store.run(push("nobody", token="t", run="aaaa")) is False

    assert server.snapshot() == before


# --- history ---------------------------------------------------------------------


def test_the_history_holds_the_newest_hundred_lines_the_newest_first(server, store):
    for tick in range(105):
        store.run(attempt(text(ANCHOR + tick), payload=b"", record=b'{"n":%d}' % tick))

    lines = store.run(periodic.history(NS, "report"))

    assert [past.record["n"] for past in lines] == list(range(104, 4, -1))
    assert [past.at for past in lines] == sorted((past.at for past in lines), reverse=True)
    assert store.run(periodic.history(NS, "report", 2)) == lines[:2]
    assert server.client.llen(keys.periodic_history(NS, "report")) == periodic.HISTORY


@pytest.mark.parametrize("line", [b"", b"nonsense", b"1.5 [1]", b"1.5 {", b"soon {}", b"1.5 \xff"])
def test_a_line_that_a_stranger_wrote_into_the_history_is_left_out(server, store, line):
    store.run(attempt())
    server.client.lpush(keys.periodic_history(NS, "report"), line)

    assert [past.record for past in store.run(periodic.history(NS, "report"))] == [json.loads(RECORD)]


def test_a_history_is_empty_where_there_is_none(store):
    assert store.run(periodic.history(NS, "nobody")) == []
