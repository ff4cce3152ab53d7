"""A user whose ACL forbids a part of a script is refused the whole of it, and a worker before it holds a job."""

from __future__ import annotations

import queue
import re
from collections.abc import Iterator

import pytest

from house.source import PACKAGE, ROOT
from mainspring import App, PushFailed
from mainspring.base.errors import StoreRefused
from mainspring.clock import Clock
from mainspring.store import (
    attempts,
    audit,
    batches,
    cursors,
    entries,
    failures,
    flows,
    gates,
    keys,
    limiters,
    operations,
    periodic,
    processes,
    queues,
    scripts,
    sets,
)
from mainspring.store.command import Command
from mainspring.store.connection import Store
from mainspring.store.cursors import State
from mainspring.store.entries import Definition
from mainspring.store.failures import Noted
from mainspring.store.flows import Row
from mainspring.store.limiters import Limit
from mainspring.store.operations import Held, Part
from mainspring.store.periodic import Attempt, Ended, TickJob
from mainspring.store.queues import Settlement
from mainspring.store.ties import Ties, Trace
from mainspring.worker import Worker
from support import until

PAGE = (ROOT / "docs/store.md").read_text()
FOLDER = ROOT / PACKAGE / "store/lua"
ME, Q, DAY, NOW = "host:1:aaaaaaaaaaaa", "default", "2026-11-21", 1_790_000_000.5
#: A job on which everything hangs that can.
TIES = Ties("a", "one", 1000, "b1", 0, "c:x")
TIED = b'{"jid":"a","queue":"default","flow":{"lock":"one","unique_for":1,"bid":"b1","n":0,"gates":["c:x"]}}'
#: A job that waits in a lane, and limits.
LANE = b"\n".join((Q.encode(), b"c", b"c:x", TIED.replace(b'"a"', b'"c"')))
HELD = Held("op1", NOW, {"fence": "1"})
WINDOW, SLOTS = Limit("window", 5, 1_000_000, "x"), Limit("concurrent", 1, 1_000_000, "x")
REPORT, SWEEP = Definition("report", "1", "1", b"{}"), Definition("sweep", "1", "1", b"{}")


def tick(number: int, job: TickJob, **runs: object) -> Command[periodic.Claim]:
    """Return the claim of a tick of an entry that `store` prepares."""
    attempt = Attempt("report", "1", f"{4_000_000_000 + number}.000", 0.0, job, b"{}", **runs)
    return periodic.claim_tick("", attempt)


#: A call of each script, on what `store` prepares. Those of one name differ in the branch that they take.
CALLS = {
    "job_push": [queues.push(Q, [b"new"], token="t")],
    "set_add": [sets.add([(1.0, b"new")], queue=Q, token="t")],
    "jobs_fetch": [queues.fetch(Q, ME, 1, "2", "_req")],
    "jobs_done": [queues.done(Q, ME, [1, 2], DAY)],
    "jobs_return": [queues.give_back(Q, ME, [1, 2])],
    "job_mark": [queues.mark(Q, ME, 1)],
    "job_settle": [
        queues.settle(Q, ME, 1, Settlement(keys.RETRY, 1.0, b"x", fails=True), now=NOW, day=DAY),
        queues.settle(Q, ME, 1, Settlement(keys.DEAD, NOW, b"x", fails=True), now=NOW, day=DAY),
        queues.settle(Q, ME, 2, Settlement(keys.DEAD, NOW, b"x", what="dead", ties=TIES), now=NOW, day=DAY),
        queues.settle(Q, ME, 1, Settlement(trace=Trace("a", b"[1]", 1000)), now=NOW, day=DAY),
    ],
    "set_forward": [
        sets.forward(keys.SCHEDULE, Q, [(b"kept", b"new")]),
        sets.forward(keys.DEAD, Q, [(TIED, TIED)]),
    ],
    "set_move": [
        sets.move(keys.DEAD, keys.RETRY, TIED, b"new", 1.0),
        sets.move(keys.SCHEDULE, keys.RETRY, b"kept", b"new", 1.0),
    ],
    "set_remove": [sets.remove(keys.DEAD, [TIED]), sets.remove(keys.SCHEDULE, [b"kept"])],
    "set_sweep": [sets.sweep(keys.RETRY)],
    "queue_move": [queues.move(Q, keys.SCHEDULE, TIED, score=1.0), queues.move(Q, keys.SCHEDULE, b"three", score=1.0)],
    "queue_drop": [queues.drop(Q, [(3, TIED)], died=NOW), queues.drop(Q, [(1, b"three")], died=NOW)],
    "queue_remove": [queues.remove(Q, TIED), queues.remove(Q, b"three")],
    "queue_clear": [queues.clear(Q)],
    "queue_sweep": [queues.sweep("cleared")],
    "jobs_enter": [
        flows.enter(Q, [Row(TIES, TIED)], token="t"),
        flows.enter(Q, [Row(TIES, TIED, 1.0)]),
    ],
    "jobs_finish": [flows.finish(Q, ME, [(1, TIES)], DAY)],
    "periodic_claim": [
        tick(1, TickJob(Q, b"new"), runs=["aaaa"]),
        tick(2, TickJob(Q, b"new", at=3.0), expected=["aaaa"]),
    ],
    "ends_note": [periodic.note_ends(":report", [Ended(NOW, "ok", "a")])],
    "periodic_push": [
        periodic.push_run("", "report", TickJob(Q, b"new"), record=b"{}", run="aaaa", token="t"),
        periodic.push_run("", "report", TickJob(Q, b"new", at=3.0), record=b"{}"),
    ],
    "periodic_enter": [periodic.enter("", "new", ""), periodic.enter("", "old", "new")],
    "periodic_define": [entries.define("", [REPORT, Definition("sweep", "2", "2", b"{}")], origin="api")],
    "periodic_remove": [entries.remove("", ["sweep"], origin="api")],
    "periodic_pause": [entries.pause("", "report"), entries.resume("", "report")],
    "batch_number": [batches.number("b1", 3)],
    "batch_write": [
        batches.write([batches.Jobs("b1", Q, [b"new"]), batches.Seal("b1")], token="t"),
        batches.write([batches.Job("b1", Q, Row(TIES, TIED))], token="u"),
    ],
    "batch_cancel": [batches.cancel("b1"), batches.cancel("b1")],
    "gate_define": [gates.define({"c:y": "3", "c:x": ""}), gates.define({"c:y": "4"})],
    "gate_enter": [gates.enter(Q, ME, {"c:x": [(1, "b")]}), gates.enter(Q, ME, {"c:z": [(2, "d")]})],
    "gate_open": [gates.open_due(["c:x"]), gates.open_due(["c:z"])],
    "gate_slots": [gates.serve(Q, ME, 3)],
    "lane_take": [gates.take("c:x", LANE, "dropped"), gates.take("c:x", b"gone", "dropped")],
    "lane_clear": [gates.clear("c:x", Q, 0)],
    "failures_note": [failures.note([Noted("ab", ("job", "E", "m", "f", Q, ""), 1, NOW, NOW, ["a"])], now=NOW)],
    "runs_note": [attempts.note([Trace("a", b"[1]", 1000, b"[1]", 1000)])],
    "limiter_take": [limiters.take([(WINDOW, 1.0)], "me"), limiters.take([(SLOTS, 1.0)], "me", 1.0)],
    "limiter_release": [limiters.release(SLOTS, "it"), limiters.release(SLOTS, "gone")],
    "limiter_renew": [limiters.renew(SLOTS, "it"), limiters.renew(SLOTS, "gone")],
    "limiter_adjust": [limiters.adjust(Limit("points", 5, 1_000_000, name), 1.0) for name in "xy"],
    "cursor_save": [cursors.save(Q, ME, 1, "b1c2", State(b"7", 1, 0.5))],
    "audit_record": [audit.record("ann", "look", "x", b"{}")],
    "operation_start": [operations.start("op2", {"action": "delete"}, cutoff=None, by="ann", facts=b"{}")],
    "operation_claim": [operations.claim("me"), operations.claim("another")],
    "operation_slice": [
        operations.do(Part(HELD, 1), keys.DEAD, keys.SCHEDULE, "move", "again", [(TIED, TIED, 1.0)]),
        operations.do(Part(HELD, 1), keys.SCHEDULE, keys.SCHEDULE, "push", "", [(b"kept", b"kept", Q)]),
    ],
    "operation_take": [
        operations.take(Part(HELD, 1), Q, [(0, TIED)], died=NOW),
        operations.take(Part(HELD, 1), Q, [(9, b"gone")], died=None),
    ],
    "operation_end": [operations.end("op1", "cancelled")],
    "process_register": [processes.register(Q, ME, 30_000)],
    "process_beat": [processes.beat(Q, ME, 30_000)],
    "process_leave": [processes.leave(Q, ME)],
    "process_reclaim": [
        processes.reclaim(Q, ME, grace_ms=0, now=NOW),
        processes.reclaim(Q, ME, grace_ms=0, now=NOW, certain=True, changes=[(b"1", "dead", b"x")]),
    ],
}
#: Those that make one write at most, or none that a job hangs on.
HARMLESS = {
    *("process_show", "process_suspect", "queue_position", "set_due"),
    *("periodic_poll", "periodic_read", "once_release", "leader_claim", "lock_release", "set_clear"),
    *("failures_read", "limiter_read", "process_tell", "metrics_add", "jobs_survey", "jobs_grep", "jobs_running"),
}
OF_THE_WORKER = (
    "jobs_fetch", "jobs_done", "jobs_return", "job_mark", "job_settle", "set_due", "set_forward", "set_move",
    "jobs_finish", "failures_note", "runs_note", "lock_release", "ends_note",
    "queue_sweep", "set_sweep", "gate_enter", "gate_open", "gate_define", "gate_slots",
    "process_register", "process_beat", "process_suspect", "process_leave", "process_reclaim",
)  # fmt: skip


def commands(name: str) -> Iterator[str]:
    """Return the words of the server that a script uses, its included files' too."""
    text = scripts.load(name).source.decode()
    return iter(sorted(set(re.findall(r'redis\.p?call\("([A-Z]+)"', text)) - {"TIME"}))


def refusal(store: Store, call: Command[object]) -> bool:
    """Make *call*, and return whether it was forbidden."""
    try:
        store.run(call)
    except StoreRefused as error:
        return error.code == "NOPERM"
    return False


@pytest.fixture
def store(server):
    store = Store(server.url)
    prepare(server, store)
    yield store
    store.close()


def prepare(server, store):
    """Put there what the calls of `CALLS` need, and nothing else."""
    server.flush()
    store.run(processes.register(Q, ME, 30_000))
    store.run(queues.push(Q, [b"one", b"two", b"three", b"four", TIED]))
    store.run(queues.fetch(Q, ME, 2, "1", "_req"))
    store.run(sets.add([(1.0, b"kept")]))
    server.client.zadd(keys.DEAD, {TIED: 1.0})
    store.run(batches.write([batches.Open("b1", 2, 60.0, 60.0)], token="b"))
    store.run(gates.define({"c:x": "1"}))
    holder = Ties("a", gates="c:x")
    store.run(flows.enter(Q, [Row(holder, TIED), Row(Ties("c", gates="c:x"), TIED.replace(b'"a"', b'"c"'))]))
    store.run(limiters.take([(SLOTS, 1.0)], "it"))
    server.client.rpush(keys.cleared("cleared"), TIED)
    server.client.zadd(keys.cleared_set(keys.RETRY), {TIED: 1.0})
    server.client.delete(keys.BELL, keys.lease(Q, ME))
    store.run(processes.suspect(Q, ME))
    store.run(operations.start("op1", {"action": "delete"}, cutoff=None, by="ann", facts=b"{}"))
    store.run(operations.claim("me"))
    store.pipeline([periodic.enter("", "old", ""), entries.define("", [REPORT, SWEEP], origin="api")])


@pytest.fixture
def limited(server):
    """Return a URL of a user with the given ACL."""

    def make(*rules: str) -> str:
        server.client.execute_command("ACL", "SETUSER", "limited", "reset", "on", ">secret", "&*", *rules)
        return server.url.replace("://", "://limited:secret@", 1)

    yield make
    server.client.execute_command("ACL", "DELUSER", "limited")


def test_every_script_is_tried_or_known_to_be_harmless():
    assert {path.stem for path in FOLDER.glob("*.lua")} == set(CALLS) | HARMLESS


@pytest.mark.parametrize("name", CALLS)
def test_a_script_of_which_a_part_is_forbidden_writes_nothing(server, store, limited, name):
    for command in commands(name):
        before, was_changed = server.snapshot(), False
        other = Store(limited("~*", "+@all", f"-{command}"))
        for call in CALLS[name]:
            if refusal(other, call):
                assert server.snapshot() == before, command
            else:
                assert len(CALLS[name]) > 1, f"{command}: only another branch may do without it"
                before, was_changed = server.snapshot(), True
        other.close()
        if was_changed:
            prepare(server, store)


@pytest.mark.parametrize("key", [keys.RETRY, keys.QUEUES, keys.fence(Q), keys.inflight(Q, ME), "stat:*"])
def test_a_key_that_is_forbidden_costs_no_job_either(server, store, limited, key):
    patterns = [f"~{row}" for row in ("queue:*", "queues", "schedule", "retry", "dead", "paused", "mainspring:*")]
    patterns += ["~{queue:default}:[^fp]*", f"~{keys.fence(Q)}", f"~{keys.inflight(Q, ME)}", "~stat:*"]
    other = Store(limited("+@all", *(pattern for pattern in patterns if pattern != f"~{key}")))

    with pytest.raises(StoreRefused, match="NOPERM"):
        other.run(processes.register(Q, ME, 30_000))

    other.close()


@pytest.mark.parametrize("command", sorted({word for name in OF_THE_WORKER for word in commands(name)}))
def test_a_worker_that_may_not_do_all_that_workers_do_is_refused_at_its_registration(server, limited, command):
    other = Store(limited("~*", "+@all", f"-{command}"))

    with pytest.raises(StoreRefused, match=rf"(?i)NOPERM.*docs/store\.md.*{command}"):
        other.run(processes.register(Q, ME, 30_000))

    assert server.snapshot() == {}
    other.close()


def test_a_worker_of_a_forbidden_user_ends_its_boot_and_leaves_the_jobs_alone(server, limited):
    queues_before = Store(server.url)
    queues_before.run(queues.push(Q, [b"one", b"two"]))
    app = App(limited("~*", "+@all", "-hset"))

    with pytest.raises(StoreRefused, match="it may not run HSET"):
        Worker(app).start()

    assert server.client.lrange(keys.queue(Q), 0, -1) == [b"two", b"one"]
    assert server.keys() == {keys.queue(Q), keys.QUEUES}
    queues_before.close()
    app.close()


def test_a_full_server_lets_a_worker_register(private_server):
    server = private_server()
    store = Store(server.url)
    server.client.config_set("maxmemory", "1mb")

    assert store.run(processes.register(Q, ME, 30_000)) == 1
    store.close()


def test_a_producer_who_may_not_do_all_of_a_push_is_told_so_and_nothing_is_stored(server, limited):
    app = App(limited("~*", "+@all", "-sadd"))

    with pytest.raises(PushFailed, match="it may not run SADD on queues"):
        app.enqueue("x")

    assert server.snapshot() == {}
    app.close()


# --- what the page says ------------------------------------------------------------


@pytest.fixture
def documented(limited):
    """Return an App of a user with the ACL that the page lists for its kind."""
    apps: list[App] = []

    def make(kind: str) -> App:
        (rules,) = re.findall(rf"^ACL SETUSER {kind} +on >PASSWORD (.+)$", PAGE, re.MULTILINE)
        apps.append(App(limited(*rules.split())))
        return apps[-1]

    yield make
    for app in apps:
        app.close()


def test_the_pages_worker_runs_schedules_fails_and_steers_jobs(server, documented):
    app, ran = documented("worker"), queue.SimpleQueue()

    @app.job(name="add")
    def add(n):
        ran.put(n)

    fail = app.job(name="fail", retry=0)(lambda: 1 / 0)
    app.every("1d", add, args=[3])
    clock = Clock(app)

    with Worker(app):
        add.enqueue(1)
        add.enqueue_in(0.01, 2)
        fail.enqueue()
        clock.start()
        assert {ran.get(timeout=20) for _ in range(3)} == {1, 2, 3}
        until(lambda: len(app.dead))
    assert clock.stop()
    later = app.job_named("add").enqueue_in("1h", 4)

    assert app.dead.clear() == 1
    assert app.scheduled.delete(later.jid)
    assert app.stats().processed >= 4
    assert app.queue("default").clear() == 0
    assert app.periodic.pause("add")
    assert app.periodic.put("hourly", add, every="1h", args=[5]).delete() is None


def test_the_pages_producer_enqueues_and_may_not_look(server, documented):
    app = documented("producer")
    job = app.job(name="add")(lambda n: None)

    job.enqueue(1)
    job.enqueue_in("1h", 2)
    job.enqueue_many([(3,), (4,)])

    assert server.client.llen(keys.queue("default")) == 3
    assert server.client.zcard(keys.SCHEDULE) == 1
    with pytest.raises(StoreRefused, match="NOPERM"):
        app.dead.clear()


def test_the_pages_producer_of_jobs_with_flow_control_enqueues_those_too(server, documented):
    app = documented("orderer")
    unique = app.job(name="unique", unique_for="1h", limits=[app.limiter.window("w", 1, "1h")])(lambda n: None)

    assert unique.enqueue(1).duplicate_of is None
    assert unique.enqueue(1).duplicate_of is not None
    with app.batch("letters"):
        unique.enqueue(2)
    assert app.unlock(unique, 1)

    with pytest.raises(StoreRefused, match="NOPERM"):
        app.dead.clear()


def test_the_pages_reader_sees_everything_and_changes_nothing(server, documented, store):
    server.client.zadd(keys.DEAD, {b'{"class":"x","jid":"aaaaaaaaaaaaaaaaaaaaaaaa","args":[]}': 1.0})
    store.run(processes.show(ME, {"busy": 1}, {}))
    store.run(processes.show("gone:1:cccccccccccc", {"busy": 1}, {}))
    server.client.delete(keys.process("gone:1:cccccccccccc"))
    before = server.snapshot()
    app = documented("reader")

    assert [process.identity for process in app.processes] == [ME]
    assert [waiting.name for waiting in app.queues] == [Q]
    assert app.stats().dead == 2
    assert [job.jid for job in app.dead] == ["a", "a" * 24]
    assert app.find("a" * 24) is not None
    assert [job.jid for job in app.search("class:x").jobs] == ["a" * 24]
    assert (app.counts()["dead"], len(app.audit.page())) == (2, 1)
    assert [each.id for each in app.operations] == ["op1"]
    assert len(app.queue(Q).jobs().items) == 4
    assert sorted(app.periodic) == ["report", "sweep"]
    assert app.periodic["report"].history() == []
    with pytest.raises(StoreRefused, match="NOPERM"):
        app.periodic.pause("report")
    with pytest.raises(StoreRefused, match="NOPERM"):
        app.dead.clear()
    with pytest.raises(PushFailed, match="NOPERM"):
        app.enqueue("x")

    assert server.snapshot() == before
