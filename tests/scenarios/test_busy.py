"""Long jobs do not hold up short ones, and no job can hold up the worker's own work."""

from __future__ import annotations

from benchmarks.waiting import Run, Watch, idle, needless

from scenarios.harness import Office, check, eventually
from scenarios.program import boot_time
from scenarios.record import at_length, record

#: Short jobs beside each long one; and how long one may be held while a slot is free: a second by the protocol, and
#: what a loaded machine may add.
SHORT = at_length(400, 1000)
LONGEST = 2.5


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


def held_while_a_slot_was_free(office: Office, rounds: int, seconds: float, mutant: str = "") -> dict[str, float]:
    """Run long jobs among short ones on two workers, and return how long each short one was held needlessly."""
    workers = [office.start(mutant, concurrency=1).ready() for _ in range(2)]
    longs = set()
    with Watch(office.server.client, boot_time) as watch:
        for _ in range(rounds):
            # Many enough before it that workers fetch ahead, and behind it that some are held.
            place = office.rng.randrange(SHORT // 4, 3 * SHORT // 4)
            office.push_many("work", [(1,)] * place)
            longs.add(office.push("sleeper", seconds, seconds))
            office.push_many("work", [(1,)] * (SHORT - place))
            office.until_done(timeout=seconds + 30)
    ended = {line["jid"]: line["at"] for line in office.runs("done")}
    runs = [Run(line["jid"], line["pid"], line["at"], ended[line["jid"]]) for line in office.runs("start")]
    held = needless(watch.holds(), runs, idle(runs, {worker.pid: 1 for worker in workers}))
    return {jid: waited for jid, waited in held.items() if jid not in longs}


def test_no_short_job_waits_behind_a_long_one_while_a_slot_is_free_anywhere(office):
    rounds, seconds = at_length((2, 4.0), (20, 10.0))

    held = held_while_a_slot_was_free(office, rounds, seconds)

    found = check(office, "mixed")
    longest = max(held.values())
    record(
        "mix",
        f"{SHORT} short jobs to one of {seconds:.0f} s, {rounds} times, two workers of one slot",
        "none held over 1 s while a slot is free",
        short=SHORT * rounds,
        longest_s=round(longest, 2),
    )
    assert longest < LONGEST
    assert (found.done, found.lost, found.dup, found.rerun) == (rounds * (SHORT + 1), 0, 0, 0)


def test_the_checker_finds_short_jobs_that_are_kept_behind_a_long_one(office):
    held = held_while_a_slot_was_free(office, 1, 4.0, mutant="mutants_busy.keep_ahead")

    assert max(held.values()) > LONGEST


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
