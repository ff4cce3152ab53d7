"""What jobs ask for of concurrency, limits and turns is kept by real workers, whoever pushed them and however."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections import Counter

import pytest

from mainspring import App, InvalidOption, Snooze
from mainspring.store import gates, keys, queues
from mainspring.worker import Worker
from support import until


@pytest.fixture
def app(server):
    app = App(server.url)
    yield app
    app.close()


class Crowd:
    """What runs, and how many of each kind did so at once, counted by the jobs themselves."""

    def __init__(self):
        self.lock = threading.Lock()
        self.running, self.most, self.ran = Counter(), Counter(), []
        self.gate = threading.Event()

    def run(self, kind, what=None, seconds=0.0):
        with self.lock:
            self.running[kind] += 1
            self.most[kind] = max(self.most[kind], self.running[kind])
        threading.Event().wait(seconds)
        with self.lock:
            self.running[kind] -= 1
            self.ran.append(what)

    def until_ran(self, n):
        until(lambda: len(self.ran) >= n, timeout=30)


@pytest.fixture
def crowd():
    return Crowd()


def left(server):
    words = ("mainspring:gate:", "mainspring:lane:", "mainspring:turns:", "gates:due", "}:lanes")
    return [name for name in server.keys() if any(word in name for word in words)]  # noqa: SIM118


def settled(app, server):
    """Wait until nothing is in flight, and return what gates have left in the store."""
    until(lambda: not any(client_holds(server)))
    return left(server)


def client_holds(server):
    for key in server.client.scan_iter("{queue:*}:p:*"):
        yield any(field.isdigit() for field in server.client.hkeys(key))


# --- concurrency -------------------------------------------------------------------


def test_no_more_jobs_of_a_key_run_at_once_than_were_asked_for(app, server, crowd):
    @app.job(concurrency=2, concurrency_key=lambda a: a.tenant)
    def sync(tenant, n):
        crowd.run(tenant, n, 0.01)

    with Worker(app, concurrency=8):
        sync.enqueue_many(itertools.product("ab", range(15)))
        crowd.until_ran(30)

        assert dict(crowd.most) == {"a": 2, "b": 2}
        assert settled(app, server) == []


def test_two_workers_keep_one_limit(app, server, crowd):
    @app.job(concurrency=3)
    def sync(n):
        crowd.run("all", n, 0.005)

    with Worker(app, concurrency=5), Worker(app, concurrency=5):
        sync.enqueue_many((n,) for n in range(40))
        crowd.until_ran(40)

    assert crowd.most["all"] == 3
    assert Counter(crowd.ran) == Counter(range(40))
    assert left(server) == []


def test_jobs_that_wait_for_a_gate_do_not_hold_up_others(app, server, crowd):
    @app.job(concurrency=1)
    def slow():
        crowd.run("slow")
        crowd.gate.wait(20)

    quick = app.job(name="quick")(lambda n: crowd.run("quick", n))
    slow.enqueue_many(() for _ in range(20))
    quick.enqueue_many((n,) for n in range(20))

    with Worker(app, concurrency=2):
        until(lambda: crowd.most["slow"] == 1)
        until(lambda: {*crowd.ran} >= {*range(20)})
        crowd.gate.set()
        crowd.until_ran(40)

    assert crowd.most["slow"] == 1


def test_a_job_that_fails_or_snoozes_leaves_its_gate_and_passes_it_anew(app, server, crowd):
    snoozed = []

    @app.job(concurrency=1)
    def sync(n):
        crowd.run("all", n)
        if n == 0 and not snoozed:
            snoozed.append(n)
            raise Snooze(0.05)

    with Worker(app, concurrency=4):
        sync.enqueue_many((n,) for n in range(5))
        crowd.until_ran(6)
        assert settled(app, server) == []

    assert crowd.most["all"] == 1
    assert Counter(crowd.ran) == Counter([0, 0, 1, 2, 3, 4])


@pytest.mark.parametrize("how", ["plainly", "by name", "scheduled", "with a flow of its own"])
def test_what_comes_otherwise_is_limited_too(app, server, crowd, how):
    @app.job(name="sync", concurrency=2, concurrency_key=lambda a: a.tenant)
    def sync(tenant, n):
        crowd.run(tenant, n, 0.01)

    for n in range(12):
        if how == "scheduled":
            sync.enqueue_in(0.05, "acme", n)
        elif how == "by name":
            app.enqueue("sync", ["acme", n])
        else:
            record = {"class": "sync", "args": ["acme", n], "jid": f"{n:024x}", "queue": "default"}
            more = {"flow": {"timeout": 30}} if how != "plainly" else {}
            app.store.run(queues.push("default", [json.dumps(record | more).encode()]))
    with Worker(app, concurrency=6):
        crowd.until_ran(12)
        assert settled(app, server) == []

    assert dict(crowd.most) == {"acme": 2}


def test_a_queues_concurrency_holds_for_all_its_jobs_once_it_is_set(app, server, crowd):
    job = app.job(name="any")(lambda n: crowd.run("all", n, 0.01))
    app.queue("reports").concurrency = 2
    job.using(queue="reports").enqueue_many((n,) for n in range(20))

    with Worker(app, concurrency=8, queues=["reports"]):
        crowd.until_ran(20)
        assert settled(app, server) == []

    assert crowd.most["all"] == 2


def test_coroutines_pass_gates_as_functions_do(app, server, crowd):
    @app.job(concurrency=2)
    async def sync(n):
        crowd.running["all"] += 1
        crowd.most["all"] = max(crowd.most["all"], crowd.running["all"])
        await asyncio.to_thread(threading.Event().wait, 0.01)
        crowd.running["all"] -= 1
        crowd.ran.append(n)

    with Worker(app, concurrency=8):
        sync.enqueue_many((n,) for n in range(20))
        crowd.until_ran(20)
        assert settled(app, server) == []

    assert crowd.most["all"] == 2


def test_gates_lie_behind_the_apps_prefix(server, crowd):
    app = App(server.url, prefix="shop:")
    app.job(name="sync", concurrency=1)(lambda n: crowd.run("all", n))
    app.job(name="call", limits=[app.limiter.window("partner", 2, "100ms")])(lambda n: crowd.run("call", n))
    app.job(name="work", fair_by=lambda a: a.n % 2)(lambda n: crowd.run("turn", n))

    with Worker(app, concurrency=4):
        for job in app.jobs.values():
            job.enqueue_many((n,) for n in range(5))
        crowd.until_ran(15)
    app.close()

    assert crowd.most["all"] == 1
    assert [name for name in server.keys() if not name.startswith("shop:")] == []  # noqa: SIM118
    server.flush()


def test_a_job_whose_key_says_none_has_no_gate(app, server):
    @app.job(concurrency=1, concurrency_key=lambda a: a.tenant)
    def sync(tenant): ...

    sync.enqueue_many([(None,), (None,)])

    assert left(server) == []
    assert b'"flow"' not in server.client.lindex(keys.queue("default"), 0)


def test_an_id_that_no_lane_could_hold_is_a_strangers_and_runs(app, server, crowd):
    app.job(name="sync", concurrency=1)(lambda: crowd.run("all"))
    for n in range(3):
        raw = json.dumps({"class": "sync", "args": [], "jid": f"a\nb{n}", "queue": "default"})
        app.store.run(queues.push("default", [raw.encode()]))

    with Worker(app, concurrency=2):
        crowd.until_ran(3)
        assert settled(app, server) == []


# --- limits ------------------------------------------------------------------------


def test_jobs_start_no_faster_than_their_limiter_allows(app, server):
    began = []

    @app.job(limits=[app.limiter.window("partner", 5, "250ms")])
    def call(n):
        began.append(app.time.monotonic())

    with Worker(app, concurrency=4):
        call.enqueue_many((n,) for n in range(18))
        until(lambda: len(began) == 18, timeout=30)
        assert settled(app, server) == []

    # A start comes a moment after the store has let it: that moment differs from job to job.
    assert all(later - sooner > 0.25 - 0.1 for sooner, later in zip(began, began[5:], strict=False))


def test_a_limiter_for_each_key_limits_each_by_itself(app, server, crowd):
    @app.job(limits=[app.limiter.window("sync", 1, "1h").by(lambda a: a.tenant)])
    def sync(tenant):
        crowd.run(tenant, tenant)

    with Worker(app, concurrency=4):
        sync.enqueue_many([("a",), ("a",), ("b",), ("b",)])
        crowd.until_ran(2)
        until(lambda: sum(state.waiting for state in app.gates.states()) == 2)

    assert sorted(crowd.ran) == ["a", "b"]
    assert [state.name for state in app.gates.states()] == ["window:sync:a", "window:sync:b"]


def test_code_and_jobs_share_a_limiter(app, server, crowd):
    limiter = app.limiter.window("partner", 3, "1h", wait=0)

    @app.job(limits=[limiter])
    def call(n):
        crowd.run("all", n)

    with limiter(cost=2):
        pass
    with Worker(app, concurrency=4):
        call.enqueue_many((n,) for n in range(3))
        crowd.until_ran(1)
        until(lambda: len(app.gates["window:partner"]) == 2)

    assert len(crowd.ran) == 1


@pytest.mark.parametrize("limits", [["window"], [3], [object()]])
def test_what_cannot_limit_a_job_is_refused_where_it_is_defined(app, limits):
    with pytest.raises(InvalidOption, match="give limiters"):
        app.job(name="call", limits=limits)(lambda: None)


def test_what_takes_several_at_once_is_no_option_of_a_job(app):
    limiter = app.limiter.window("partner", 10, "1s")

    for odd in (limiter(cost=2), app.limiter.all(limiter)):
        with pytest.raises(InvalidOption, match="passed together"):
            app.job(name="call", limits=[odd])(lambda: None)


def test_an_unlimited_limiter_leaves_a_job_plain(app, server):
    job = app.job(name="call", limits=[app.limiter.unlimited()])(lambda: None)

    job.enqueue()

    assert b'"flow"' not in server.client.lindex(keys.queue("default"), 0)


def test_a_new_release_changes_a_limit_for_those_who_wait_too(app, server, crowd):
    app.job(name="sync", concurrency=1)(lambda n: crowd.run("all", n, 0.02))
    with Worker(app, concurrency=8):
        pass
    app.jobs["sync"].enqueue_many((n,) for n in range(20))
    newer = App(server.url)
    newer.job(name="sync", concurrency=4)(lambda n: crowd.run("all", n, 0.02))

    with Worker(newer, concurrency=8):
        crowd.until_ran(20)
    newer.close()

    assert crowd.most["all"] == 4


def test_a_beat_defines_again_what_the_store_has_lost_and_nothing_else(app, server):
    app.job(name="sync", concurrency=2)(lambda: None)

    with Worker(app, concurrency=1) as worker:
        app.store.run(gates.define({"c:sync": "7"}))
        worker._was_beaten()
        assert app.gates.defined() == {"c:sync": "7"}
        server.client.delete(keys.GATES)
        worker._was_beaten()

        assert app.gates.defined() == {"c:sync": "2"}


# --- turns -------------------------------------------------------------------------


def test_a_small_tenant_does_not_wait_behind_a_big_ones_jobs(app, server, crowd):
    @app.job(fair_by=lambda a: a.tenant)
    def work(tenant, n):
        crowd.run(tenant, (tenant, n), 0.001)

    with Worker(app, concurrency=2):
        until(lambda: "t:default" in app.gates.defined())
        work.enqueue_many(("big", n) for n in range(300))
        crowd.until_ran(10)
        before = len(crowd.ran)
        work.enqueue_many(("small", n) for n in range(5))
        until(lambda: sum(tenant == "small" for tenant, _ in crowd.ran) == 5)
        last = max(place for place, (tenant, _) in enumerate(crowd.ran) if tenant == "small")
        crowd.until_ran(305)
        assert settled(app, server) == []

    # Five of its own, as many of the other's, and what was under way; not the three hundred.
    assert last - before < 60


def test_keys_take_turns_one_by_one_where_there_is_one_slot(app, server, crowd):
    @app.job(fair_by=lambda a: a.tenant)
    def work(tenant, n):
        crowd.run(tenant, f"{tenant}{n}")

    with Worker(app, concurrency=1):
        pass
    work.enqueue_many([("a", n) for n in range(4)] + [("b", n) for n in range(4)])
    with Worker(app, concurrency=1):
        crowd.until_ran(8)

    assert crowd.ran == ["a0", "b0", "a1", "b1", "a2", "b2", "a3", "b3"]
