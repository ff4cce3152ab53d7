"""Ruby's Sidekiq and our workers share queues, retries and the schedule, and every job runs once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from ruby.crew import Crew, Program, eventually
from scenarios.record import at_length

QUEUES = ("default", "mailers")
#: Each so-many-th job fails once.
EVERY = 10
JOBS = 10_000
PROCESSES = at_length(1, 2)


@dataclass(frozen=True)
class Tally:
    """What became of the numbers that were pushed.

    Attributes:
        lost: Pushed and never done.
        surplus: Done, or started, more often than they should be.
        renamed: Run under more than one jid.
        by_ruby: Runs in `sidekiq`; the rest ran here.
        of_other: Numbers that the other language had pushed, by who ran them.
        forwarded: What Ruby moved out of each set.
        left: What is left in queues, sets and hands.
    """

    done: int
    lost: int
    surplus: int
    renamed: int
    by_ruby: int
    of_other: dict[str, int]
    forwarded: dict[str, int]
    left: int


def test_ten_thousand_jobs_of_both_languages_run_once_each_on_both(crew: Crew):
    half = JOBS // 2
    clients = [crew.pusher(1, half // 2, EVERY)]
    ours(crew, range(half // 2 + 1, half + 1))
    # Alone at first: once ours is there, it moves each job at its very moment, and Ruby would find none.
    ruby = [sidekiq(crew) for _ in range(PROCESSES)]
    eventually(lambda: {"retry", "schedule"} <= forwarded(crew).keys())
    here = [crew.mainspring(queues=QUEUES) for _ in range(PROCESSES)]
    for process in here:
        process.ready()
    clients.append(crew.pusher(half + 1, half + half // 2, EVERY))
    ours(crew, range(half + half // 2 + 1, JOBS + 1))

    assert [client.wait() for client in clients] == [0, 0]
    found = judge(crew, JOBS, [*ruby, *here])

    failures = JOBS // EVERY
    assert (found.done, found.lost, found.surplus, found.renamed, found.left) == (JOBS, 0, 0, 0, 0)
    assert 0 < found.by_ruby < JOBS + failures
    assert min(found.of_other["ruby"], found.of_other["python"]) > 0
    assert 0 < found.forwarded["retry"] < failures
    assert 0 < found.forwarded["schedule"] < JOBS * 2 // 5
    stats = crew.ruby.ask("stats")
    assert (stats["processed"], stats["failed"]) == (JOBS + failures, failures)


def test_the_checker_finds_what_a_forwarder_that_asks_nobody_doubles(crew: Crew):
    sidekiq(crew).ready()
    # Ruby may take all before one of ours looks; two of ours wake at the same moment.
    for _ in range(2):
        crew.mainspring(queues=QUEUES, mutant="push_all").ready()
    due = crew.server.client.time()[0] + 2
    for number in range(1, 601):
        crew.app.jobs["Tally"].enqueue_at(due, number, fails(number))

    assert judge(crew, 600, []).surplus > 0


def sidekiq(crew: Crew) -> Program:
    """Start a `sidekiq` on both queues."""
    return crew.sidekiq("-q", "default", "-q", "mailers")


def ours(crew: Crew, some: Sequence[int]) -> None:
    """Push numbers in every way that we have; as `push.rb` does it in Ruby's."""
    job, fifth = crew.app.jobs["Tally"], len(some) // 5
    for number in some[:fifth]:
        job.enqueue(number, fails(number))
    for number in some[fifth : 2 * fifth]:
        job.using(queue=QUEUES[number % 2], retry=5).enqueue(number, fails(number))
    job.using(queue="mailers").enqueue_many([(number, fails(number)) for number in some[2 * fifth : 3 * fifth]])
    for number in some[3 * fifth : 4 * fifth]:
        job.enqueue_in(timedelta(seconds=0.5 + number % 50 * 0.03), number, fails(number))
    now = crew.server.client.time()[0]
    for number in some[4 * fifth :]:
        job.enqueue_at(now + 1 + number % 5 * 0.5, number, fails(number))


def fails(number: int) -> bool:
    """Return whether *number* is told to fail once."""
    return number % EVERY == 0


def numbers(crew: Crew, event: str) -> Counter[int]:
    """Return how often each number was noted with *event*."""
    return Counter(line["number"] for line in crew.runs(event))


def forwarded(crew: Crew) -> Counter[str]:
    """Return how many jobs Ruby moved out of each set."""
    return Counter(line["set"] for line in crew.runs("forwarded"))


def judge(crew: Crew, count: int, processes: Sequence[Program]) -> Tally:
    """Wait until all is done, end *processes* as an operator would, and say what became of the numbers."""
    eventually(lambda: len(numbers(crew, "done")) == count, every=0.05)
    for process in processes:
        process.popen.terminate()
    for process in processes:
        assert process.wait() == 0
    starts, dones = crew.runs("start"), crew.runs("done")
    times = Counter(line["number"] for line in starts)
    here = {line["number"] for line in dones if line["side"] == "python"}
    by_ruby = {number for number in range(1, count + 1) if (number - 1) // (count // 4) % 2 == 0}
    found = Tally(
        done=len(dones),
        lost=count - len(numbers(crew, "done")),
        surplus=len(dones)
        - len(here | {line["number"] for line in dones})
        + sum(abs(times[number] - 1 - fails(number)) for number in range(1, count + 1)),
        renamed=len({(line["number"], line["jid"]) for line in starts}) - count,
        by_ruby=sum(line["side"] == "ruby" for line in starts),
        of_other={"python": len(here & by_ruby), "ruby": len(numbers(crew, "done").keys() - here - by_ruby)},
        forwarded=dict(forwarded(crew)),
        left=sum(crew.stored().values()) + len(crew.in_flight()),
    )
    print(json.dumps({"scenario": "ruby"} | asdict(found)))  # noqa: T201 - pytest shows it with a failure, and with -s
    return found
