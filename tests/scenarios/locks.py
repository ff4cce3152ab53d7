"""Unique jobs while workers are killed with -9, connections cut and clocks put wrong, and people delete what waits.

The judge looks at the whole store in one step, some twenty times a second, by a script of its own: each lock must
belong to a job that waits, is in flight, or is scheduled; and of each kind at most one job may be there. In the end
there must be no lock any more.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from mainspring import App, PushAmbiguous, PushFailed
from mainspring.api.jobs import StoredJob
from mainspring.store import keys
from scenarios import program
from scenarios.harness import Office, Process, eventually
from scenarios.proxy import Proxy
from servers import Server

#: How many kinds of jobs there are: few, so that there are many duplicates.
KINDS = 25
#: The share of all chunks, either way, in the midst of which a connection is cut.
CUTS = 0.03
#: Seconds between two looks, and between two pushes.
LOOK, PUSH = 0.05, 0.004

#: Everything that bears on locks, at one moment.
_SNAPSHOT = """
local locks, jobs = {}, {}
for _, key in ipairs(redis.call("KEYS", "mainspring:lock:*")) do
  locks[#locks + 1] = { key, redis.call("GET", key) }
end
for _, key in ipairs(redis.call("KEYS", "queue:*")) do
  for _, job in ipairs(redis.call("LRANGE", key, 0, -1)) do jobs[#jobs + 1] = job end
end
for _, key in ipairs(redis.call("KEYS", "{queue:*}:p:*")) do
  local flat = redis.call("HGETALL", key)
  for i = 1, #flat, 2 do if tonumber(flat[i]) then jobs[#jobs + 1] = flat[i + 1] end end
end
for _, key in ipairs({ "schedule", "retry" }) do
  for _, job in ipairs(redis.call("ZRANGE", key, 0, -1)) do jobs[#jobs + 1] = job end
end
return { locks, jobs }
"""


@dataclass
class Judge:
    """Looks at the store again and again.

    Attributes:
        looks: How often it looked.
        orphans: Locks seen whose job was gone.
        doubles: Kinds seen of which there was more than one job.
        held: The most locks at once.
    """

    server: Server
    looks: int = 0
    orphans: set[tuple[str, str]] = field(default_factory=set)
    doubles: set[tuple[str, ...]] = field(default_factory=set)
    held: int = 0

    def look(self) -> None:
        """Look once."""
        locks, jobs = self.server.client.eval(_SNAPSHOT, 0)  # type: ignore[no-untyped-call]
        living: defaultdict[str, list[str]] = defaultdict(list)
        alive = set()
        for raw in jobs:
            record = json.loads(raw)
            alive.add(record["jid"])
            if record["class"] == "only":
                living[record["flow"]["lock"]].append(record["jid"])
        self.looks += 1
        self.held = max(self.held, len(locks))
        self.orphans |= {(key.decode(), jid.decode()) for key, jid in locks if jid.decode() not in alive}
        self.doubles |= {tuple(sorted(jids)) for jids in living.values() if len(jids) > 1}


@dataclass
class Account:
    """What those who pushed and those who deleted were told."""

    stored: dict[str, str] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    duplicates: int = 0
    deleted: set[str] = field(default_factory=set)

    def push(self, app: App, rng: random.Random) -> None:
        """Push one job, perhaps some at once, and write down what became of it."""
        name = rng.choice(("only", "only", "until_start"))
        calls = [(rng.randrange(KINDS), rng.uniform(0, 5)) for _ in range(rng.choice((1, 1, 1, 5)))]
        try:
            made = app.jobs[name].enqueue_many(calls)
        except PushAmbiguous as error:
            self.unknown |= set(error.jids)
        except PushFailed:
            return
        else:
            self.stored |= {each.jid: name for each in made if each.duplicate_of is None}
            self.duplicates += sum(each.duplicate_of is not None for each in made)

    def delete(self, app: App, rng: random.Random) -> None:
        """Delete a job that waits, is scheduled or retried, or kill it."""
        place = rng.choice((app.queue("default"), app.scheduled, app.retries))
        jobs: Sequence[StoredJob] = [*place]
        if jobs:
            job = rng.choice(jobs)
            if job.kill() if rng.random() < 0.3 else job.delete():
                self.deleted.add(job.jid)


@contextmanager
def again_and_again(period: float, act: Callable[[], object]) -> Iterator[None]:
    """Let a thread *act* every *period* seconds; what it raises is raised in the end."""
    told, troubles = threading.Event(), []

    def run() -> None:
        try:
            while not told.wait(period):
                act()
        except BaseException as error:  # noqa: BLE001 - raised below
            troubles.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        told.set()
        thread.join()
    if troubles:
        raise troubles[0]


@dataclass(frozen=True)
class Found:
    """What came out, in numbers; the first five shall be 0.

    Attributes:
        orphans: Locks seen whose job was gone.
        doubles: Pairs of jobs of one kind seen at one moment.
        leaks: Locks that were left in the end.
        lost: Confirmed jobs that are neither done nor dead nor were deleted.
        overlaps: Runs of one kind at a time, by two jobs.
    """

    orphans: int
    doubles: int
    leaks: int
    lost: int
    overlaps: int
    pushed: int
    duplicates: int
    ambiguous: int
    deleted: int
    kills: int
    cut: int
    jumps: int
    looks: int
    locks_at_once: int


def lock_under_fire(
    office: Office, proxy: Proxy, *, kills: int, jump: Callable[[], object] | None = None, mutant: str = ""
) -> Found:
    """Kill one of two workers *kills* times while all the rest happens."""
    judge, account = Judge(office.server), Account()
    rng = random.Random(office.seed)
    pusher = program.make(proxy.url)
    workers = [office.start(mutant).ready() for _ in range(2)]
    proxy.cut_connections(CUTS)
    jumps = Counter[str]()

    def jumped() -> None:
        if jump is not None:
            jump()
            jumps["made"] += 1

    with (
        again_and_again(LOOK, judge.look),
        again_and_again(PUSH, lambda: account.push(pusher, rng)),
        again_and_again(0.1, lambda: account.delete(office.app, rng)),
        again_and_again(0.3, jumped),
    ):
        for _ in range(kills):
            _kill_one(office, proxy, workers, mutant)
    proxy.be_good()
    with again_and_again(LOOK, judge.look):
        _drain(office, account, is_sound=not mutant)
    pusher.close()
    return _found(office, judge, account, kills=kills, cut=proxy.cut, jumps=jumps["made"])


def _kill_one(office: Office, proxy: Proxy, workers: list[Process], mutant: str) -> None:
    seen = len(office.lines())
    eventually(lambda: sum(line["event"] == "start" for line in office.lines()[seen:]) > 20, 30)
    victim = office.rng.randrange(len(workers))
    workers[victim].kill9(with_pacemaker=office.rng.random() < 0.2)
    # A worker that cannot register ends at its boot, as it shall.
    proxy.be_good()
    workers[victim] = office.start(mutant).ready()
    proxy.cut_connections(CUTS)


def _drain(office: Office, account: Account, *, is_sound: bool) -> None:
    """Let run what a wrong clock has put off, until all is done."""
    client = office.server.client

    def is_over() -> bool:
        now = time.time()
        for job in (*office.app.scheduled, *office.app.retries):
            if (job.at or 0.0) > now + 5:
                job.reschedule(now)
        return not (
            client.llen("queue:default") or office.in_flight() or client.zcard("retry") or client.zcard("schedule")
        )

    eventually(is_over, 60)
    if is_sound:
        with suppress(AssertionError):
            eventually(lambda: not _lost(office, account), 10)


def _lost(office: Office, account: Account) -> set[str]:
    return set(account.stored) - office.done() - account.deleted - set(office.dead())


def _found(office: Office, judge: Judge, account: Account, **more: int) -> Found:
    found = Found(
        orphans=len(judge.orphans),
        doubles=len(judge.doubles),
        leaks=sum(1 for _ in office.server.client.scan_iter(keys.lock("*"), count=1000)),
        lost=len(_lost(office, account)),
        overlaps=_overlaps(office),
        pushed=len(account.stored),
        duplicates=account.duplicates,
        ambiguous=len(account.unknown),
        deleted=len(account.deleted),
        looks=judge.looks,
        locks_at_once=judge.held,
        **more,
    )
    print(json.dumps({"scenario": "locks", "seed": office.seed} | found.__dict__))  # noqa: T201
    return found


def _overlaps(office: Office) -> int:
    """Count runs of a kind that began while a run of another job of the same kind was under way, in a living process."""
    lines = [line for line in office.lines() if line.get("name") == "only"]
    deaths: Mapping[int, float] = {line["pid"]: line["at"] for line in office.runs("killed")}
    ends: dict[tuple[str, int], list[float]] = defaultdict(list)
    for line in lines:
        if line["event"] != "start":
            ends[line["jid"], line["pid"]].append(line["at"])
    running: dict[int, tuple[float, str]] = {}
    count = 0
    for line in sorted((line for line in lines if line["event"] == "start"), key=lambda line: line["at"]):
        until, jid = running.get(line["key"], (0.0, ""))
        count += line["jid"] != jid and line["at"] < until
        own = [at for at in ends[line["jid"], line["pid"]] if at >= line["at"]]
        running[line["key"]] = min([*own, deaths.get(line["pid"], float("inf"))]), line["jid"]
    return count
