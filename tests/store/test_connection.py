"""Threads, forks and interrupts may share a store: each call gets its own answer, and no socket serves two."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis.connection import UnixDomainSocketConnection

from mainspring.base.errors import StoreUnavailable
from mainspring.store import sets, stats
from mainspring.store.command import Command, blob, plain
from mainspring.store.connection import Store
from support import until


@pytest.fixture
def store(server):
    store = Store(server.url)
    yield store
    store.close()


def echo(value: bytes) -> Command[bytes]:
    return plain("ECHO", args=(value,), decode=blob)


def in_child(work) -> bytes:
    """Run *work* in a forked child, and return what it returned; empty if it raised."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writing, work())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(pid, 0)
    with os.fdopen(reading, "rb") as pipe:
        return pipe.read()


def client_ids(server) -> set[str]:
    return {row["id"] for row in server.client.client_list(_type="normal") if row["name"] == "mainspring"}


def test_numbers_are_text_before_the_c_code_packs_them():
    """It ends the process with a segmentation fault if Ctrl-C comes while it asks a number for its text."""
    verbs = [
        plain("ZRANGE", "schedule", args=(0, -1, 1.5, 2**70), decode=blob),
        sets.add([(1_790_000_000.25, b"{}")], queue="default", token="t"),
    ]

    words = [Store("redis://localhost")._words(verb, whole=whole) for verb in verbs for whole in (True, False)]

    assert {type(word) for each in words for word in each} == {str, bytes}
    assert words[0] == ("ZRANGE", "schedule", "0", "-1", "1.5", str(2**70))
    assert "1790000000.25" in words[2]


# --- when it connects ----------------------------------------------------------------


def test_nothing_is_connected_until_the_first_call(server):
    store = Store(server.url)
    assert client_ids(server) == set()

    store.run(stats.ping())

    assert len(client_ids(server)) == 1
    store.close()


def test_a_closed_store_has_no_connection_and_may_be_used_again(server, store):
    store.run(stats.ping())

    store.close()

    assert until(lambda: not client_ids(server))
    assert store.run(stats.ping()) is True


def test_a_connection_in_use_while_its_store_is_closed_is_closed_after_its_call(server, store):
    asked = store.ask([stats.ping()])
    store.close()

    assert asked.answers() == [True]

    assert until(lambda: not client_ids(server))
    assert store.run(stats.ping()) is True
    assert len(client_ids(server)) == 1


def test_a_call_whose_answer_nobody_wants_leaves_no_connection(server, store):
    store.ask([stats.ping()]).give_up()

    assert until(lambda: not client_ids(server))


def test_the_server_shows_the_name_of_the_client(server):
    store = Store(server.url, name="mainspring")
    store.run(stats.ping())

    assert "mainspring" in {row["name"] for row in server.client.client_list()}
    store.close()


def test_the_client_library_is_imported_with_the_first_connection():
    code = "import sys, mainspring; mainspring.App('redis://x'); print('redis' in sys.modules)"

    assert (
        subprocess.check_output([sys.executable, "-c", code], text=True, env={"PYTHONPATH": "src"}).strip() == "False"
    )


# --- threads -------------------------------------------------------------------------


def test_each_of_many_threads_gets_its_own_answers(store):
    def ask(thread: int) -> bool:
        own = [b"%d:%d" % (thread, i) for i in range(200)]
        return [store.run(echo(value)) for value in own[:150]] + store.pipeline([echo(v) for v in own[150:]]) == own

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(8)))


def test_there_are_no_more_connections_than_calls_at_once(server, store):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: store.run(echo(b"%d" % i)), range(400)))

    assert 1 <= len(client_ids(server)) <= 4


def test_threads_whose_server_dies_all_end_with_an_error_and_go_on_with_the_next(private_server):
    server = private_server(aof=True)
    store = Store(server.url, timeout=2)

    def ask(i: int) -> bool:
        try:
            return store.run(echo(b"%d" % i)) == b"%d" % i
        except StoreUnavailable:
            return True

    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(ask, range(2000))
        server.restart()
        assert all(answers)
    assert store.run(echo(b"after")) == b"after"
    store.close()


# --- forks ---------------------------------------------------------------------------


def test_a_forked_child_makes_a_connection_of_its_own(server, store):
    store.run(stats.ping())
    before = client_ids(server)

    child = in_child(lambda: b"%d" % store.run(plain("CLIENT", args=("ID",), decode=int)))

    assert child
    assert child.decode() not in before
    assert client_ids(server) >= before


def test_parent_and_child_both_go_on_after_a_fork(store):
    store.run(stats.ping())

    for i in range(5):
        value = b"child %d" % i
        assert in_child(lambda value=value: store.run(echo(value))) == value
        assert store.run(echo(b"parent")) == b"parent"


def test_children_that_work_beside_their_parent_never_get_its_answers(server, store):
    store.run(stats.ping())
    pids = []
    for child in range(3):
        pid = os.fork()
        if pid == 0:
            own = all(store.run(echo(b"%d:%d" % (child, i))) == b"%d:%d" % (child, i) for i in range(300))
            os._exit(0 if own else 1)
        pids.append(pid)

    parent = all(store.run(echo(b"p%d" % i)) == b"p%d" % i for i in range(300))

    assert parent
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0, 0, 0]


# --- interrupts ----------------------------------------------------------------------


def test_a_call_that_is_interrupted_leaves_no_answer_for_the_next(server, store, monkeypatch):
    store.run(stats.ping())
    with monkeypatch.context() as patch:
        patch.setattr(UnixDomainSocketConnection, "read_response", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            store.run(echo(b"lost"))

    assert store.run(echo(b"mine")) == b"mine"
    assert until(lambda: len(client_ids(server)) == 1)


def _interrupt(*_, **__):
    # As a signal's handler raises it in the middle of a read.
    raise KeyboardInterrupt


def test_an_interrupt_while_connecting_leaves_no_connection(server, store, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(UnixDomainSocketConnection, "read_response", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            store.run(echo(b"lost"))

    assert until(lambda: not client_ids(server))
    assert store.run(echo(b"mine")) == b"mine"


def test_a_connection_with_an_answer_too_many_is_not_used_again(server, store):
    store.run(stats.ping())
    # What a library's bug, or a server's, would leave behind.
    connection = store._free[-1]._connection
    connection.send_command("ECHO", "stale")
    poller = select.poll()
    poller.register(connection._sock, select.POLLIN)
    assert poller.poll(5000)

    assert store.run(echo(b"mine")) == b"mine"


def test_more_can_be_asked_before_the_first_answer_is_read(server, store):
    asked = store.ask([echo(b"one"), echo(b"two")])
    asked.more([echo(b"three")])
    asked.more([])

    assert asked.answers() == [b"one", b"two", b"three"]
    assert len(client_ids(server)) == 1


def test_what_is_asked_of_a_store_that_is_gone_is_not_answered(server, store):
    store.run(stats.ping())
    asked = store.ask([echo(b"one")])
    server.client.client_kill_filter(_type="normal", skipme=True)

    def ask_more() -> None:
        asked.more([echo(b"two")])
        asked.answers()

    with pytest.raises(StoreUnavailable):
        ask_more()
    assert store.run(echo(b"mine")) == b"mine"
