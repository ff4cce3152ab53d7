"""A call gives its own answer, whichever store makes it and whatever the server forgot in between."""

from __future__ import annotations

import pytest

from mainspring.base.errors import StoreRefused
from mainspring.store import keys, processes, queues, sets, stats
from mainspring.store.command import Command, blob, integer, plain

ME = "host:1:aaaaaaaaaaaa"
DAY = "2026-11-21"
WRONG = plain("LPUSH", "wrong", args=("x",), decode=integer)


def echo(value: bytes) -> Command[bytes]:
    return plain("ECHO", args=(value,), decode=blob)


def scripts(server):
    """Return how often the server refused a script that it did not know."""
    errors = server.client.info("errorstats")
    return errors.get("errorstat_NOSCRIPT", {"count": 0})["count"]


def test_an_answer_is_decoded(store):
    assert store.run(stats.ping()) is True
    assert store.run(stats.counters()) == [0, 0]
    assert store.run(queues.push("default", [b"a", b"b"])) == 2


@pytest.mark.parametrize("value", [b"", b"\x00\xff\r\n", "ä 雪".encode(), b"x" * 3_000_000])
def test_bytes_travel_unchanged(store, value):
    assert store.run(echo(value)) == value


def test_a_pipeline_gives_each_call_its_own_answer(store):
    values = [b"%d" % i for i in range(2000)]

    assert store.pipeline([echo(value) for value in values]) == values


def test_an_empty_pipeline_does_not_ask_the_server(connect):
    assert connect("redis://127.0.0.1:1").pipeline([]) == []


def test_an_error_stands_in_the_place_of_its_answer(server, store):
    server.client.set("wrong", "a text", ex=60)

    first, error, last = store.pipeline([echo(b"1"), WRONG, echo(b"2")])

    assert (first, last) == (b"1", b"2")
    assert isinstance(error, StoreRefused)
    assert error.code == "WRONGTYPE"


def test_an_error_answer_does_not_spoil_the_connection(server, store):
    server.client.set("wrong", "a text", ex=60)
    store.run(stats.ping())
    before = len(server.client.client_list())

    for _ in range(3):
        with pytest.raises(StoreRefused):
            store.run(WRONG)
        assert store.run(echo(b"next")) == b"next"

    assert len(server.client.client_list()) == before


def test_a_decoder_that_fails_does_not_spoil_the_connection(server, store):
    with pytest.raises(TypeError):
        store.run(plain("ECHO", args=(b"x",), decode=sets.due().decode))

    assert store.run(echo(b"next")) == b"next"


def test_a_value_that_cannot_be_sent_does_not_spoil_the_connection(store):
    with pytest.raises(Exception, match=r"str, int, float|Invalid input"):
        store.run(plain("ECHO", args=(object(),), decode=blob))  # type: ignore[arg-type]  # what a caller must not do

    assert store.run(echo(b"next")) == b"next"


def test_calls_one_after_the_other_share_a_connection(server, store):
    before = server.client.info("stats")["total_connections_received"]

    for i in range(10):
        store.run(echo(b"%d" % i))

    assert server.client.info("stats")["total_connections_received"] - before == 1


def test_a_blocking_call_may_take_longer_than_an_answer(server, connect):
    patient = connect(server.url, timeout=0.3)

    assert patient.run(queues.look("default", 0.6)) is False


# --- scripts that the server forgot --------------------------------------------------


def test_a_script_that_the_server_forgot_is_sent_again_and_runs_once(server, store):
    for size in (1, 2, 3):
        server.client.script_flush()
        assert store.run(queues.push("default", [b"job"])) == size


def test_a_script_that_the_server_knows_is_called_by_its_hash(server, store):
    store.run(queues.push("default", [b"job"]))
    before = scripts(server)
    calls = server.client.info("commandstats")["cmdstat_eval"]["calls"] if before else 0

    for _ in range(5):
        store.run(queues.push("default", [b"job"]))

    assert scripts(server) == before
    assert not before or server.client.info("commandstats")["cmdstat_eval"]["calls"] == calls


def test_scripts_that_the_server_forgot_run_in_a_pipeline_too_in_their_order(server, store):
    store.run(queues.push("default", [b"a", b"b", b"c"]))
    server.client.script_flush()

    answers = store.pipeline(
        [
            echo(b"between"),
            queues.fetch("default", ME, 2, "1", "_req"),
            queues.done("default", ME, [1], DAY),
            sets.size(keys.DEAD),
            queues.give_back("default", ME, [2]),
        ]
    )

    assert answers[0] == b"between"
    assert answers[1].jobs == [(1, b"a"), (2, b"b")]
    assert answers[2:] == [[1], 0, [1]]
    assert server.client.lrange(keys.queue("default"), 0, -1) == [b"c", b"b"]


def test_the_server_may_forget_some_scripts_of_a_pipeline(server, store):
    server.client.script_flush()
    store.run(queues.push("default", [b"a"]))

    pushed, fetched, again = store.pipeline(
        [queues.push("default", [b"b"]), queues.fetch("default", ME, 1, "1", "_req"), queues.push("default", [b"c"])]
    )

    assert (pushed, again) == (2, 3)
    assert fetched.jobs == [(1, b"a")]


# --- a prefix ----------------------------------------------------------------------


def test_a_prefix_stands_before_every_key(server, connect):
    store = connect(server.url, prefix="shop:")

    store.run(queues.push("default", [b"a", b"b"]))
    store.run(processes.register("default", ME, 1000))
    store.run(queues.fetch("default", ME, 1, "1", "_req"))
    store.run(queues.pause("default"))
    store.run(sets.add([(1.0, b"later")]))
    found = server.keys()
    server.flush()

    assert found
    assert all(key.startswith("shop:") for key in found)


def test_stores_with_different_prefixes_do_not_meet(server, connect):
    one, other = connect(server.url, prefix="one:"), connect(server.url, prefix="other:")
    one.run(queues.push("default", [b"a"]))

    sizes = [store.run(queues.size("default")) for store in (one, other)]
    server.flush()

    assert sizes == [1, 0]
