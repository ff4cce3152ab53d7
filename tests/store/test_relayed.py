"""A batch of an outbox is pushed once, however often it is sent and however late; older ones are known as well."""

from __future__ import annotations

import pytest

from mainspring.store import flows, keys
from mainspring.store.connection import Store
from mainspring.store.flows import Row
from mainspring.store.ties import Ties

QUEUE = keys.queue("mailers")
#: As relays number them: microseconds, more than six digits of which a float in Lua must keep.
FIRST = 1_795_000_000_000_001


@pytest.fixture
def store(server):
    store = Store(server.url)
    yield store
    store.close()


def rows(*payloads: bytes, at: float | None = None) -> list[Row]:
    return [Row(Ties(payload.decode()), payload, at) for payload in payloads]


def relay(store: Store, number: int, *payloads: bytes, at: float | None = None, source: str = "shop") -> list[str]:
    return store.run(flows.relay("mailers", rows(*payloads, at=at), source=source, number=number))


def test_a_batch_is_pushed_in_its_order_and_its_number_is_kept_for_good(server, store):
    relay(store, FIRST, b"1", b"2")

    assert server.client.lrange(QUEUE, 0, -1) == [b"2", b"1"]
    assert server.client.smembers(keys.QUEUES) == {b"mailers"}
    mark = keys.relayed("mailers", "shop")
    assert (server.client.get(mark), server.client.ttl(mark)) == (b"%d" % FIRST, -1)


def test_a_batch_that_is_sent_again_is_not_pushed_again(server, store):
    relay(store, FIRST, b"1", b"2")

    assert relay(store, FIRST, b"1", b"2") == ["", ""]

    assert server.client.llen(QUEUE) == 2


def test_a_batch_that_comes_after_a_later_one_was_pushed_before_it(server, store):
    relay(store, FIRST, b"1")
    relay(store, FIRST + 1, b"2")

    relay(store, FIRST, b"1")

    assert server.client.lrange(QUEUE, 0, -1) == [b"2", b"1"]
    assert server.client.get(keys.relayed("mailers", "shop")) == b"%d" % (FIRST + 1)


def test_batches_whose_numbers_differ_in_the_last_digit_are_two(server, store):
    for number in range(FIRST, FIRST + 3):
        relay(store, number, str(number).encode())

    assert server.client.llen(QUEUE) == 3


def test_outboxes_and_queues_do_not_know_each_others_numbers(server, store):
    relay(store, FIRST, b"1")

    relay(store, FIRST, b"2", source="stock")
    store.run(flows.relay("low", rows(b"3"), source="shop", number=FIRST))

    assert server.client.lrange(QUEUE, 0, -1) == [b"2", b"1"]
    assert server.client.lrange(keys.queue("low"), 0, -1) == [b"3"]


def test_what_is_for_later_goes_to_the_scheduled_set_once(server, store):
    relay(store, FIRST, b"later", at=4e9)

    server.client.delete(keys.SCHEDULE)
    relay(store, FIRST, b"later", at=4e9)

    assert not server.client.exists(keys.SCHEDULE)


def test_a_batch_that_is_refused_leaves_no_number_behind(server, store):
    server.client.set(QUEUE, "no list")

    with pytest.raises(Exception, match="WRONGTYPE"):
        relay(store, FIRST, b"1")

    assert not server.client.exists(keys.relayed("mailers", "shop"))
    server.client.delete(QUEUE)
