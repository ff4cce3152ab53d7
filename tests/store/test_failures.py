"""How often an error came is known by minute and hour, from all processes, and no number of errors fills the store."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainspring.api.failures import Failures
from mainspring.base.errors import InvalidOption
from mainspring.base.payload import pack_backtrace
from mainspring.base.timesource import TimeSource
from mainspring.store import failures, keys
from mainspring.store.connection import Store
from mainspring.store.failures import KEPT, MANY, MOST, Group, Noted

NOW = 1_790_000_000.5
LINES = ["/srv/shop/crm/client.py:88 in post"]
FACTS = ("sync", "HTTPError", "{n} for url", "crm/client.py:88 in post", "low", pack_backtrace(LINES))


class At(TimeSource):
    """Clocks that stand where a test puts them."""

    def __init__(self, at=NOW):
        self.at = at

    def now(self):
        return self.at


@pytest.fixture
def store(server):
    store = Store(server.url)
    yield store
    store.close()


def noted(signature="ab12", count=1, at=NOW, jids=(), facts=FACTS):
    return Noted(signature, facts, count, at, at, jids)


def note(store, *each, now=NOW):
    return store.run(failures.note(each, now=now))


def only(store, at=NOW):
    (found,) = Failures(store, At(at))
    return found


def test_what_several_processes_tell_of_an_error_is_one(store):
    later = ("sync", "HTTPError", "{n} for url", "crm/client.py:91 in post", "mail", FACTS[5])

    note(store, noted(count=3, at=NOW - 50, jids=["b", "a"]))
    note(store, noted(count=2, jids=["c"], facts=later))
    note(store, noted(count=1, at=NOW - 40, jids=["a"]))

    found = only(store)
    assert (found.signature, found.job, found.error_class) == ("ab12", "sync", "HTTPError")
    assert (found.count, found.first_seen, found.last_seen) == (6, NOW - 50, NOW)
    # The line and the queue of the newest, whoever was the last to tell.
    assert (found.frame, found.queue) == ("crm/client.py:91 in post", "mail")
    assert (found.samples, found.backtrace) == (("a", "c", "b"), LINES)
    assert Failures(store, At()).find("ab12") == found


def test_the_newest_ten_jobs_are_samples(store):
    for start in range(0, 30, 3):
        note(store, noted(jids=[f"j{n}" for n in range(start + 2, start - 1, -1)]))

    assert only(store).samples == tuple(f"j{n}" for n in range(29, 19, -1))


def test_each_minute_of_an_hour_and_each_hour_of_a_week_has_its_count(store):
    for ago, count in ((0, 1), (60, 2), (59 * 60, 4), (60 * 60, 8), (167 * 3600, 16), (168 * 3600, 32)):
        note(store, noted(count=count, at=NOW - ago))

    found = only(store)
    assert (len(found.series), found.series[-1], found.series[-2], found.series[0]) == (60, 1, 2, 4)
    assert sum(found.series) == 7
    assert (len(found.hours), found.hours[0]) == (168, 16)
    assert sum(found.hours) == 31
    assert found.count == 63


@settings(max_examples=60)
@given(
    events=st.lists(st.tuples(st.integers(0, 9000), st.integers(1, 9)), min_size=1, max_size=12),
    looked=st.integers(0, 200),
)
def test_the_counts_are_those_of_a_list_of_all(running_servers, events, looked):
    server = running_servers("valkey9")
    server.flush()
    store = Store(server.url)
    # Told in order, as one process does; what is out of order by more than an hour is left out, and seldom.
    minutes = sorted((int(NOW // 60) + at, count) for at, count in events)
    for minute, count in minutes:
        note(store, noted(count=count, at=minute * 60.0), now=minute * 60.0)
    now = minutes[-1][0] + looked

    found = only(store, at=now * 60.0)

    assert list(found.series) == [sum(count for at, count in minutes if at == now - ago) for ago in range(59, -1, -1)]
    hour = now // 60
    assert list(found.hours) == [sum(c for at, c in minutes if at // 60 == hour - ago) for ago in range(167, -1, -1)]
    server.flush()
    store.close()


def test_of_more_than_a_thousand_errors_those_go_that_were_not_seen_for_longest(server, store):
    for start in range(0, MOST, MANY):
        note(store, *(noted(f"{n:04x}", at=NOW - MOST + n) for n in range(start, start + MANY)))
    assert len(Failures(store, At())) == MOST

    assert note(store, noted("ffff"), noted("eeee")) == 2

    names = {failure.signature for failure in Failures(store, At())}
    assert len(names) == MOST
    assert {"ffff", "eeee", "0002"} <= names
    assert not {"0000", "0001"} & names
    assert not server.client.keys("mainspring:failure:0000*")


def test_an_error_is_forgotten_after_thirty_days_and_all_its_keys_have_a_lifetime(server, store):
    note(store, noted("ab", at=NOW - KEPT - 1), now=NOW - KEPT - 1)
    assert server.lasting() == set()
    assert 29 * 86400 < server.client.ttl(keys.FAILURES) <= KEPT

    note(store, noted("cd"))

    assert [failure.signature for failure in Failures(store, At())] == ["cd"]


def test_they_come_in_pages_the_last_seen_first(store):
    note(store, *(noted(f"{n:02x}", at=NOW - n) for n in range(25)))
    known = Failures(store, At())

    first = known.page(count=10)
    rest = known.page(first.cursor, 20)

    assert [failure.signature for failure in (*first, *rest)] == [f"{n:02x}" for n in range(25)]
    assert rest.cursor == ""


def test_one_that_is_forgotten_is_new_when_it_comes_again(server, store):
    note(store, noted(count=5, at=NOW - 60))
    known = Failures(store, At())

    assert (known.forget("ab12"), known.forget("ab12"), known.find("ab12")) == (True, False, None)

    assert server.snapshot() == {}
    note(store, noted())
    assert (only(store).count, only(store).first_seen) == (1, NOW)


@pytest.mark.parametrize("wrong", ["", "x", "AB", "ab*", None, "a" * 65])
def test_what_can_be_no_signature_is_refused(store, wrong):
    with pytest.raises(InvalidOption):
        Failures(store, At()).find(wrong)


@pytest.mark.parametrize("wrong", [{"cursor": "x"}, {"count": 0}, {"count": 1001}, {"cursor": -1}])
def test_what_can_be_no_page_is_refused(store, wrong):
    with pytest.raises(InvalidOption):
        Failures(store, At()).page(**wrong)


def test_what_a_stranger_wrote_into_it_breaks_no_page(server, store):
    note(store, noted("ab"), noted("cd"))
    server.client.hset(
        keys.failure("ab"), mapping={"count": "many", "first": "", "minute": "x", "backtrace": "!", "jids": b"\xff"}
    )
    server.client.set(keys.failure_runs("ab"), b"\xff", ex=60)

    found = Failures(store, At()).find("ab")

    assert (found.count, found.backtrace) == (0, [])
    assert len(Failures(store, At()).page().items) == 2


def test_a_group_without_counts_has_none():
    group = Group("ab", {"minute": str(NOW // 60)}, b"")

    assert (sum(group.minutes(NOW)), sum(group.hours(NOW))) == (0, 0)
