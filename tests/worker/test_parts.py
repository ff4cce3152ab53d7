"""The parts of a worker that need no store: blame, trust, order, and the inbox of the slots."""

from __future__ import annotations

import json
import random

import pytest

from mainspring import App, InvalidDuration
from mainspring.base.errors import InvalidName, InvalidOption
from mainspring.base.payload import read
from mainspring.worker import CapsuleSettings, Worker
from mainspring.worker.delivery import Delivery
from mainspring.worker.fetcher import Fetcher
from mainspring.worker.lease import Lease
from mainspring.worker.quarantine import Quarantine
from mainspring.worker.recoverer import DEATHS, MEMORY, verdicts

NOW = 1_800_000_000.0


class Time:
    """Clocks that a test turns."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> float:
        return NOW + self.seconds

    def monotonic(self) -> float:
        return self.seconds


def job(jid: str, **fields: object) -> bytes:
    return json.dumps({"class": "a", "args": [], "jid": jid} | fields).encode()


# --- blame -------------------------------------------------------------------------


def test_all_that_was_in_flight_at_a_first_crash_becomes_suspect_and_goes_back():
    held = {b"1": job("a"), b"2": job("b"), b"_req": b"7:1:2"}

    found = verdicts(held, NOW)

    assert [(seq, fate) for seq, fate, _ in found] == [(b"1", "queue"), (b"2", "queue")]
    assert all(json.loads(raw)["recovered"] == [NOW] for _, _, raw in found)


def test_of_suspects_only_the_marked_one_is_blamed():
    held = {b"1": job("a", recovered=[NOW - 9]), b"2": job("b", recovered=[NOW - 9]), b"_run:2": b"1"}

    ((seq, fate, raw),) = verdicts(held, NOW)

    assert (seq, fate, json.loads(raw)["recovered"]) == (b"2", "queue", [NOW - 9, NOW])


def test_the_third_death_is_the_last():
    held = {b"5": job("a", recovered=[NOW - 9, NOW - 5]), b"_run:5": b"1"}

    ((_, fate, raw),) = verdicts(held, NOW)

    record = json.loads(raw)
    assert fate == "dead"
    assert len(record["recovered"]) == DEATHS
    assert record["error_class"].endswith("PoisonPill")
    assert record["error_message"].startswith("poison")


def test_deaths_of_long_ago_are_forgotten():
    held = {b"5": job("a", recovered=[NOW - MEMORY - 1, NOW - MEMORY - 2]), b"_run:5": b"1"}

    ((_, fate, raw),) = verdicts(held, NOW)

    assert (fate, json.loads(raw)["recovered"]) == ("queue", [NOW])


@pytest.mark.parametrize("raw", [b"not json", b"[]", b"\xff", b"[" * 100_000])
def test_what_is_no_job_is_never_blamed(raw):
    assert verdicts({b"1": raw, b"_run:1": b"1"}, NOW) == []


def test_what_is_too_long_to_run_is_never_blamed_and_the_environment_says_what_that_is(monkeypatch):
    held = {b"1": job("a", document="x" * 1_500_000), b"_run:1": b"1"}

    assert verdicts(held, NOW) == []
    monkeypatch.setenv("MAINSPRING_PAYLOAD_LIMIT", "2MB")
    assert [fate for _, fate, _ in verdicts(held, NOW)] == ["queue"]


def suspect(seq: int, deaths: int) -> Delivery:
    raw = job(str(seq), recovered=[NOW] * deaths)
    return Delivery("q", seq, raw, "h", 0.0, read(raw))


@pytest.mark.parametrize(("first", "second", "patience"), [(1, 1, 2.0), (1, 2, 60.0), (2, 1, 60.0), (2, 2, 60.0)])
def test_a_suspect_that_could_be_buried_at_the_next_crash_runs_alone_for_long(first, second, patience):
    quarantine = Quarantine()
    one, other = suspect(1, first), suspect(2, second)
    quarantine.add([one, other])
    assert quarantine.next(100.0) is one
    assert quarantine.started(100.0) is one

    assert quarantine.next(100.0 + patience - 0.1) is None
    assert quarantine.next(100.0 + patience) is other
    quarantine.ended([one])
    assert quarantine.next(100.1) is other


# --- trust -------------------------------------------------------------------------


def test_a_lease_is_trusted_from_before_it_was_sent_and_not_a_moment_longer():
    time = Time()
    lease = Lease(time, 30)
    assert not lease.is_trusted(time.seconds)

    lease.renewed(time.seconds)

    assert lease.is_trusted(time.seconds + 29.9)
    assert not lease.is_trusted(time.seconds + 30)


def test_a_new_identity_owns_nothing_of_the_old_one():
    time = Time()
    lease = Lease(time, 30)
    lease.renewed(time.seconds)
    old = lease.holder("default"), lease.holder("reports")
    assert not any(lease.is_lost(holder) for holder in old)

    lease.begin_anew()
    lease.renewed(time.seconds)

    assert all(lease.is_lost(holder) for holder in old)
    assert not lease.is_lost(lease.holder("reports"))


# --- fetching ahead ------------------------------------------------------------------


def test_what_is_fetched_ahead_is_bounded_by_time():
    time = Time()
    fetcher = Fetcher(CapsuleSettings(), time=time, rng=random.Random(1))
    assert fetcher.ahead() == 0

    for _ in range(100):
        time.seconds += 0.01
        fetcher.measure(10)
    assert 45 <= fetcher.ahead() <= 50

    fetcher.stalled()
    assert fetcher.ahead() == 0
    for _ in range(100):
        time.seconds += 1
        fetcher.measure(5)
    assert fetcher.ahead() == 0


# --- settings ----------------------------------------------------------------------


def test_capsules_are_read_from_text():
    found = CapsuleSettings.parse("reports=2:reports,default")

    assert (found.name, found.concurrency, found.names, found.mode) == ("reports", 2, ("reports", "default"), "strict")


@pytest.mark.parametrize("text", ["", "x", "x=", "x=2", "x=2:", "x=0:a", "x=two:a", "=2:a", "x=1001:a"])
def test_a_capsule_that_cannot_be_is_refused(text):
    with pytest.raises(InvalidOption):
        CapsuleSettings.parse(text)


@pytest.mark.parametrize("queues", [["a,x"], ["a,-1"], ["a", "a"], ["a,1.5"], []])
def test_queues_that_cannot_be_are_refused(queues):
    with pytest.raises(InvalidOption):
        CapsuleSettings.of(queues)


@pytest.mark.parametrize("name", ["a b", "", "ü", "x" * 201])
def test_a_queue_needs_a_name_that_sidekiqs_pages_take(name):
    with pytest.raises(InvalidName):
        CapsuleSettings.of([name])


@pytest.mark.parametrize("queues", ["low", b"low", None, 5, {"low": 1}, [1], [None], [["low"]]], ids=repr)
def test_queues_that_are_no_list_of_texts_are_refused(queues):
    with pytest.raises(InvalidOption, match=r"queues=.*must be a list of texts"):
        CapsuleSettings.of(queues)


@pytest.mark.parametrize("concurrency", [None, "5", 1.5, True, 0, -1, 1001, float("nan")], ids=repr)
def test_a_number_of_slots_that_is_none_is_refused(concurrency):
    with pytest.raises(InvalidOption, match="whole number from 1 to 1,000"):
        CapsuleSettings(concurrency=concurrency)


@pytest.mark.parametrize("weight", [-1, 1001, 10**9, 1.5, "1", None, True], ids=repr)
def test_a_weight_that_is_none_is_refused(weight):
    with pytest.raises(InvalidOption, match="whole number from 0 to 1,000"):
        CapsuleSettings(queues=(("default", weight),))


@pytest.mark.parametrize("name", [None, 5, "", "a b"], ids=repr)
def test_a_capsule_cannot_have_every_name(name):
    with pytest.raises(InvalidName):
        CapsuleSettings(name=name)


@pytest.mark.parametrize("text", [None, 5, b"a=1:b"], ids=repr)
def test_what_is_no_text_is_no_capsule(text):
    with pytest.raises(InvalidOption, match="is no capsule"):
        CapsuleSettings.parse(text)


@pytest.mark.parametrize("wrong", [None, -1, float("nan"), "soon", True])
def test_a_timeout_that_is_no_duration_is_refused_when_the_worker_is_built(wrong):
    with pytest.raises(InvalidDuration):
        Worker(App("redis://nowhere"), timeout=wrong)
