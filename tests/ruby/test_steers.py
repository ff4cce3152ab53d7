"""What Ruby does to jobs while a worker of ours runs and forwards: each is done once, and none is lost."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from ruby.crew import Crew, eventually
from ruby.program import FOR_EVER
from scenarios.record import at_length

#: So many that both sides are at it at once.
MANY = at_length(500, 5_000)


def counts(crew: Crew, event: str) -> Counter[int]:
    """Return how often each number was noted with *event*."""
    return Counter(line["number"] for line in crew.runs(event))


def left(crew: Crew) -> int:
    """Count the jobs in queues, sets and hands."""
    return sum(crew.stored().values()) + len(crew.in_flight())


def failing(crew: Crew) -> None:
    """Let many jobs fail, and return when the first is forwarded again; some wait for whoever looks."""
    crew.mainspring(concurrency=10, wait=at_length(1.2, 8), staggered=True).ready()
    crew.app.jobs["Tally"].enqueue_many([(number, True) for number in range(MANY)])
    eventually(lambda: len(crew.runs("start")) > MANY, every=0.002)


def scheduled(crew: Crew) -> None:
    """Schedule many jobs, and return when the first is forwarded; some are for whoever looks."""
    now = crew.server.client.time()[0] + 0.5
    job = crew.app.jobs["Tally"]
    for number in range(MANY):
        # Five each at the same time: Ruby takes all of those out, and puts back all but one.
        five = number // 5
        job.enqueue_at(now + (FOR_EVER if five % 10 == 0 else five * 0.005), number)
    crew.mainspring(concurrency=10).ready()
    eventually(lambda: crew.runs("start"), every=0.002)


# --- against the forwarder ----------------------------------------------------------


def test_retry_all_while_the_forwarder_moves_them_too(crew: Crew):
    failing(crew)

    by_ruby = crew.ruby.ask("retry_all")

    eventually(lambda: len(crew.runs("done")) >= MANY and not left(crew))
    assert 0 < len(by_ruby) < MANY
    assert counts(crew, "start") == dict.fromkeys(range(MANY), 2)
    assert counts(crew, "done") == dict.fromkeys(range(MANY), 1)
    assert crew.app.stats().processed == 2 * MANY


def test_add_to_queue_while_the_forwarder_moves_them_too(crew: Crew):
    scheduled(crew)

    by_ruby = crew.ruby.ask("add_all")

    eventually(lambda: len(crew.runs("done")) >= MANY and not left(crew))
    assert 0 < len(by_ruby) < MANY
    assert counts(crew, "start") == dict.fromkeys(range(MANY), 1)


def test_kill_all_while_the_forwarder_moves_them(crew: Crew):
    failing(crew)

    crew.ruby.ask("kill_all")

    eventually(lambda: len(crew.runs("done")) + crew.app.dead.size >= MANY and not crew.in_flight())
    done, dead = counts(crew, "done"), Counter(job.args[0] for job in crew.app.dead)
    assert done
    assert dead
    assert done + dead == dict.fromkeys(range(MANY), 1)
    assert left(crew) == len(dead)


def test_delete_while_the_forwarder_moves_them(crew: Crew):
    scheduled(crew)

    deleted = crew.ruby.ask("delete_each", "schedule")

    eventually(lambda: len(crew.runs("done")) + len(deleted) >= MANY and not left(crew))
    assert deleted
    assert len(set(deleted)) == len(deleted)
    assert crew.done()
    assert not crew.done() & set(deleted)
    assert max(counts(crew, "start").values()) == 1


def test_both_sides_retry_all_at_once(crew: Crew):
    failing(crew)

    with ThreadPoolExecutor() as pool:
        by_ruby, here = pool.submit(crew.ruby.ask, "retry_all"), pool.submit(crew.app.retries.retry_all)

    eventually(lambda: len(crew.runs("done")) >= MANY and not left(crew))
    assert len(by_ruby.result()) + here.result() <= MANY
    assert counts(crew, "start") == dict.fromkeys(range(MANY), 2)


def test_scheduled_jobs_that_ruby_puts_off_are_not_doubled(crew: Crew):
    crew.mainspring().ready()
    for number in range(200):
        crew.app.jobs["Tally"].enqueue_in(1000, number)
    later = time.time() + 5000

    crew.ruby.ask("each", "schedule", "reschedule", later)

    assert [job.at for job in crew.app.scheduled] == pytest.approx([later] * 200, abs=0.01)
    assert left(crew) == 200
    # Back to now, one after the other, while the forwarder moves them.
    for job in list(crew.app.scheduled):
        assert crew.ruby.ask("act", "schedule", job.jid, "reschedule", time.time()) is True
    eventually(lambda: len(crew.runs("done")) == 200 and not left(crew))
    assert counts(crew, "start") == dict.fromkeys(range(200), 1)


# --- queues --------------------------------------------------------------------------


def test_jobs_that_ruby_takes_from_a_queue_are_gone_and_no_others(crew: Crew):
    for number in range(3):
        crew.app.enqueue("Echo", [number])
    [third, second, first] = crew.ruby.ask("queue", "default")["jobs"]

    assert crew.ruby.ask("find", "default", second["jid"])["value"] == second["value"]
    assert crew.ruby.ask("act", "default", second["jid"], "delete") is True
    assert crew.ruby.ask("act", "default", second["jid"], "delete") is None
    assert [raw.decode() for raw in crew.payloads("queue:default")] == [third["value"], first["value"]]
    crew.ruby.ask("clear", "default")
    assert crew.ruby.ask("queues") == []
    assert list(crew.app.queues) == []


@pytest.mark.parametrize("how", ["delete", "clear"])
def test_a_queue_that_ruby_empties_while_a_worker_does(crew: Crew, how: str):
    # So many that the worker is not done before Ruby begins.
    count = 2 * MANY if how == "delete" else 20 * MANY
    crew.app.jobs["Tally"].enqueue_many([(number,) for number in range(count)])
    crew.mainspring(concurrency=2).ready()
    eventually(lambda: crew.runs("start"), every=0.002)

    deleted = crew.ruby.ask("delete_waiting", "default") if how == "delete" else crew.ruby.ask("clear", "default")

    eventually(lambda: not left(crew))
    assert max(counts(crew, "done").values()) == 1
    assert len(crew.done()) < count
    if deleted is not None:
        assert len(crew.done()) + len(deleted) == count
        assert not crew.done() & set(deleted)


def test_what_a_client_in_ruby_says_reaches_the_job(crew: Crew):
    args = ["ä\u2028</b>\x7f", 2**70, 0.1, {"b": [None, True], "a": {}}, -0.0]
    crew.mainspring(queues=["work"])

    jid = crew.ruby.ask(
        "push", {"class": "Echo", "args": args, "queue": "work", "tags": ["x"], "custom": {"kept": 1.5}}
    )

    eventually(lambda: crew.runs("done", jid))
    [done] = crew.runs("done", jid)
    assert (done["side"], done["args"]) == ("python", args)


# --- processes -----------------------------------------------------------------------


def test_a_worker_that_ruby_quiets_and_stops(crew: Crew):
    worker = crew.mainspring().ready()
    other = crew.mainspring().ready()
    held = crew.app.enqueue("Hold", ["until told"]).jid
    eventually(lambda: crew.runs("start", held))
    quiet = worker if crew.runs("start", held)[0]["pid"] == worker.pid else other
    active = other if quiet is worker else worker
    identity = quiet.identity

    crew.ruby.ask("signal", identity, "quiet!")

    quiet.became("quiet")
    eventually(lambda: {each["identity"]: each["stopping"] for each in crew.ruby.ask("processes")["each"]}[identity])
    # What is pushed now, the other runs; what ran goes on.
    jids = [crew.app.enqueue("Echo", [number]).jid for number in range(20)]
    eventually(lambda: set(jids) <= crew.done())
    assert {line["pid"] for line in crew.runs("done")} == {active.pid}
    crew.ruby.ask("signal", identity, "stop!")
    quiet.became("stopping")
    crew.release("until told")
    assert quiet.wait() == 0
    assert [line["pid"] for line in crew.runs("done", held)] == [quiet.pid]
    assert [each["identity"] for each in crew.ruby.ask("processes")["each"]] == [active.identity]
    assert left(crew) == 0


def test_a_worker_that_ruby_stops_gives_back_what_it_cannot_end(crew: Crew):
    worker = crew.mainspring(timeout=0.5).ready()
    jid = crew.app.enqueue("Hold", ["until told"]).jid
    eventually(lambda: crew.runs("start", jid))

    crew.ruby.ask("signal", worker.identity, "stop!")

    assert worker.wait() == 0
    [job] = crew.ruby.ask("queue", "default")["jobs"]
    assert job["jid"] == jid
    assert left(crew) == 1
    crew.release("until told")
    crew.mainspring().ready()
    eventually(lambda: crew.runs("done", jid) and not left(crew))


def test_a_worker_whose_threads_ruby_wants_to_see(crew: Crew):
    worker = crew.mainspring().ready()
    crew.app.enqueue("Hold", ["until told"])
    eventually(lambda: crew.runs("start"))

    crew.ruby.ask("signal", worker.identity, "dump_threads")

    eventually(lambda: "in hold" in worker.log.read_text())
    crew.release("until told")
    eventually(lambda: not left(crew))


def test_statistics_that_ruby_sets_back_begin_anew_for_both(crew: Crew):
    crew.mainspring().ready()
    crew.app.enqueue("Doomed", ["böse"], retry=0)
    eventually(lambda: crew.app.stats().failed == 1)

    crew.ruby.ask("reset_stats")
    crew.app.enqueue("Echo", [4])

    eventually(lambda: crew.app.stats().processed == 1)
    assert crew.ruby.ask("stats")["processed"] == 1
    assert crew.app.stats().failed == 0
