"""Long jobs do not hold up short ones, and no job can hold up the worker's own work."""

from __future__ import annotations

from scenarios.harness import check, eventually


def returns(office) -> int:
    """Count the calls of jobs_return that any worker made so far."""
    # Only that script and the reclaiming of the dead push to the right, and here nobody dies.
    stats = office.server.client.info("commandstats")
    return int(stats.get("cmdstat_rpush", {}).get("calls", 0))


def test_what_was_fetched_ahead_of_a_long_job_is_run_by_another_worker_within_moments(office):
    first = office.start(concurrency=1).ready()
    # Short ones make the worker fetch ahead; then comes a long one.
    office.push_many("work", [(1,)] * 400)
    long = office.push("sleeper", 6)
    rest = office.push_many("work", [(1,)] * 30)
    second = office.start(concurrency=1)
    eventually(lambda: office.runs("start", long))
    second.ready()

    holder = office.runs("start", long)[0]
    office.until_done_but({long}, timeout=5)

    ended = max(line["at"] for line in office.runs("done") if line["jid"] in rest)
    assert ended - holder["at"] < 5
    before = returns(office)
    more = office.push_many("work", [(1,)] * 100)
    office.until_done_but({long}, timeout=5)
    assert {office.runs("done", jid)[0]["pid"] for jid in more} == {({first.pid, second.pid} - {holder["pid"]}).pop()}
    assert returns(office) - before <= 5
    office.until_done()
    found = check(office, "long-and-short", returned=before, returned_later=returns(office) - before)
    assert (found.lost, found.dup, found.rerun) == (0, 0, 0)


def test_a_blocked_loop_and_busy_threads_do_not_stop_the_heartbeat(office):
    worker = office.start(concurrency=4).ready()
    other = office.start(concurrency=1, queues=["elsewhere"]).ready()
    (identity,) = (each for each in office.server.client.smembers("processes") if str(worker.pid).encode() in each)
    jids = [office.push("blocker", 6), *office.push_many("burn", [(6,)] * 2)]
    eventually(lambda: {line["jid"] for line in office.runs("start")} >= set(jids))

    beats = set()
    while not office.done() >= set(jids):
        beats.add(office.server.client.hget(identity, "beat"))
        eventually(lambda: office.server.client.exists("{queue:default}:l:" + identity.decode()), 5)

    found = check(office, "blocked", beats=len(beats))
    assert len(beats) >= 6
    assert (found.rerun, found.overlap) == (0, 0)
    assert not worker.events("process.late")
    assert other.popen.poll() is None
