"""Whatever happens to the server, an error says whether the call can have had an effect, and the next one works."""

from __future__ import annotations

import threading

import pytest
import redis

from contracts.proxy import Proxy
from mainspring.base.errors import StoreRefused, StoreUnavailable
from mainspring.store import keys, queues, scripts, sets, stats
from mainspring.store.command import blob, plain
from support import until

PUSH = queues.push("default", [b"job"])
QUEUE = keys.queue("default")


@pytest.fixture
def proxy(server):
    # Known scripts are called in one round trip: the answer that is cut off is the call's own.
    for name in ("job_push", "jobs_fetch"):
        server.client.script_load(scripts.load(name).source)
    proxy = Proxy(server.socket_path)
    yield proxy
    proxy.close()


def failure(store, command=PUSH):
    with pytest.raises((StoreUnavailable, StoreRefused)) as caught:
        store.run(command)
    return caught.value


# --- nobody there --------------------------------------------------------------------


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "unix:///nowhere/at/all", "redis://no.such.host.invalid"])
def test_without_a_server_nothing_was_done_and_the_way_out_is_named(connect, url):
    error = failure(connect(url))

    assert isinstance(error, StoreUnavailable)
    assert error.applied is False
    assert url in str(error)
    assert "MAINSPRING_URL" in str(error)


def test_a_lost_server_is_revived_once_by_whoever_can(start, connect):
    server = start(aof=True, fsync="always")
    server.kill9()
    revived = []
    # As the embedded store does it; here it only lets the test's main thread know.
    starter = threading.Event()
    thread = threading.Thread(target=lambda: starter.wait(10) and server.start())
    thread.start()

    def revive():
        revived.append(1)
        starter.set()
        thread.join(10)

    store = connect(server.url, revive=revive)

    assert store.run(PUSH) == 1
    assert store.run(PUSH) == 2
    assert revived == [1]


def test_calls_that_found_no_server_do_not_count_against_later_ones(start, connect):
    server = start()
    store = connect(server.url)
    server.kill9()

    outcomes = {(type(error), error.applied) for error in (failure(store) for _ in range(250))}
    server.start()

    assert outcomes == {(StoreUnavailable, False)}
    assert store.run(PUSH) == 1


# --- a server that says no -------------------------------------------------------------


def test_a_wrong_password_is_named_and_not_shown(start, connect):
    server = start(password="right", tcp=True)

    wrong = failure(connect(server.url.replace("right", "guessed")))
    none = failure(connect(server.url.replace(":right@", "")))

    assert (wrong.code, none.code) == ("WRONGPASS", "NOAUTH")
    assert wrong.applied is none.applied is False
    assert "password is wrong" in str(wrong)
    assert "redis://:PASSWORD@HOST" in str(none)
    assert "guessed" not in f"{wrong} {wrong.__cause__}"
    assert connect(server.url).run(PUSH) == 1


def test_a_user_without_the_right_is_told_so(start, connect):
    server = start(tcp=True)
    server.client.acl_setuser(
        "web", enabled=True, passwords=["+pw"], keys=["*"], categories=["+@all"], commands=["-evalsha"]
    )

    error = failure(connect(server.url.replace("//", "//web:pw@")))

    assert (error.code, error.applied) == ("NOPERM", False)
    assert "ACL" in str(error)


def test_a_replica_refuses_writes_and_names_the_way_out(start, connect):
    server = start()
    server.client.replicaof("127.0.0.1", "1")
    store = connect(server.url)

    for command in (PUSH, sets.add([(1.0, b"a")]), queues.pause("default")):
        error = failure(store, command)
        assert (error.code, error.applied) == ("READONLY", False)
        assert "primary" in str(error)
    assert store.run(queues.size("default")) == 0


def test_a_server_without_room_for_a_connection_did_nothing(start, connect):
    server = start(config={"maxclients": "3"})
    server.client.ping()
    others = [redis.Redis.from_url(server.url, single_connection_client=True) for _ in range(2)]

    error = failure(connect(server.url))

    assert isinstance(error, StoreUnavailable)
    assert error.applied is False
    for other in others:
        other.close()


@pytest.mark.parametrize("tcp", [False, True])
def test_a_server_without_room_is_heard_however_early_it_hangs_up(start, connect, tcp):
    server = start(config={"maxclients": "1"}, tcp=tcp)
    server.client.ping()

    # Each is a race between its words and our first ones.
    for _ in range(50):
        error = failure(connect(server.url))
        assert "max number of clients" in str(error)
        assert error.applied is False


def test_a_server_that_still_loads_did_nothing_and_answers_later(start, connect):
    server = start(aof=True)
    with server.client.pipeline(transaction=False) as pipe:
        for i in range(8000):
            pipe.set(f"k{i}", "x", ex=1000)
        pipe.execute()
    server.stop()
    server.config = {"key-load-delay": "60"}
    starting = threading.Thread(target=server.start)
    starting.start()
    store = connect(server.url)

    error = until(lambda: _loading(store))
    starting.join(20)

    assert error.applied is False
    assert "loading" in str(error)
    assert store.run(PUSH) == 1


def _loading(store):
    try:
        store.run(stats.ping())
    except StoreUnavailable as error:
        return error if "LOADING" in str(error) else None
    return None


# --- between call and answer -----------------------------------------------------------


def test_a_call_whose_answer_is_lost_may_have_had_its_effect(server, proxy, connect):
    store = connect(proxy.url)
    store.run(stats.ping())
    proxy.cut_next_answer()

    error = failure(store)

    assert isinstance(error, StoreUnavailable)
    assert error.applied is None
    assert server.client.llen(QUEUE) == 1


def test_a_call_whose_answer_is_lost_is_not_sent_again(server, proxy, connect):
    store = connect(proxy.url)
    for _ in range(5):
        store.run(stats.ping())
        proxy.cut_next_answer()
        failure(store)

    assert store.run(stats.ping()) is True
    assert server.client.llen(QUEUE) == 5
    assert proxy.connections == 6


def test_a_fetch_whose_answer_is_lost_is_repeated_without_loss(server, proxy, connect):
    store = connect(proxy.url)
    store.run(queues.push("default", [b"a", b"b"]))
    fetch = queues.fetch("default", "me", 2, "1", "_req")
    proxy.cut_next_answer()
    failure(store, fetch)

    assert store.run(fetch).jobs == [(1, b"a"), (2, b"b")]
    assert not server.exists(QUEUE)


def test_a_pipeline_whose_answers_are_lost_is_unknown_as_a_whole(server, proxy, connect):
    store = connect(proxy.url)
    store.run(PUSH)
    proxy.cut_next_answer()

    with pytest.raises(StoreUnavailable) as caught:
        store.pipeline([PUSH, PUSH])

    assert caught.value.applied is None
    assert server.client.llen(QUEUE) == 3


def test_a_server_that_freezes_is_given_up_in_time_and_its_late_answer_is_nobodys(start, connect):
    server = start()
    store = connect(server.url, timeout=0.2)
    store.run(stats.ping())
    server.freeze()

    error = failure(store, plain("ECHO", args=(b"late",), decode=blob))
    server.thaw()

    assert error.applied is None
    assert store.run(plain("ECHO", args=(b"mine",), decode=blob)) == b"mine"


def test_a_server_that_is_killed_in_the_middle_of_a_call_leaves_it_unknown(start, connect):
    server = start()
    store = connect(server.url)
    killer = threading.Thread(target=_kill_when_blocked, args=(server,))
    killer.start()

    error = failure(store, queues.look("default", 10.0))
    killer.join(10)

    assert isinstance(error, StoreUnavailable)
    assert error.applied is None
    assert failure(store).applied is False


def _kill_when_blocked(server):
    until(lambda: server.client.info("clients")["blocked_clients"])
    server.kill9()


def test_a_server_that_was_restarted_is_noticed_before_anything_is_sent(start, connect):
    server = start(aof=True, fsync="always")
    store = connect(server.url)

    for size in range(1, 4):
        assert store.run(PUSH) == size
        server.restart()

    assert store.run(queues.size("default")) == 3


def test_connections_that_the_server_closed_are_noticed_before_anything_is_sent(server, connect):
    store = connect(server.url)

    for size in range(1, 6):
        assert store.run(PUSH) == size
        server.client.client_kill_filter(_type="normal", skipme=True)
