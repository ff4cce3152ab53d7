"""What needs somebody: small checks over one reading of the store, each with what is wrong and where to look. Pure.

A dashboard shows them, ``mainspring doctor`` prints them, and a health endpoint asks whether one is bad. Texts are
phrases, which the dashboard can say in other languages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias
from urllib.parse import quote

from mainspring.api.failures import Failure
from mainspring.api.health import Reading
from mainspring.api.queues import QueueState
from mainspring.base.phrases import Phrase, duration, joined, phrase, phrases

Severity: TypeAlias = Literal["bad", "warn", "ok"]

#: Seconds within which an error is new, and within which it must have come again to be told of.
_NEW: Final = 86_400.0
_RECENT: Final = 3_600.0
#: Seconds after a deploy within which an error that begins is put down to it.
_BLAMED: Final = 1_800.0
#: Seconds by which scheduled jobs may be late: forwarders look every few seconds.
_OVERDUE: Final = 60.0
#: Seconds after which a process that has not shown itself is stale: it beats every ten at most.
_STALE: Final = 30.0
#: How full the store may be: from here on it is worth a look, and from there on it is urgent.
_FULL, _FULLER = 0.75, 0.9
#: So many dead jobs are kept; beyond nine tenths of them, old ones will fall out soon.
_DEAD: Final = 10_000
#: How many findings of one kind are told one by one.
_MOST: Final = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check has found.

    Attributes:
        check: The check's name, such as ``queue.workers``.
        severity: ``"bad"`` if jobs fail or do not run, ``"warn"`` if they soon may, ``"ok"`` if all is well.
        title: What is so, in a few words.
        text: More of it; may be empty.
        path: The page of the dashboard to look at; empty for none.
        label: What leads there, in a word.
        facts: What it was judged by.
    """

    check: str
    severity: Severity
    title: str
    text: str = ""
    path: str = ""
    label: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)


Check: TypeAlias = Callable[[Reading], Iterator[Finding]]


def judge(reading: Reading) -> list[Finding]:
    """Return what all checks find, what is worst first; a check that finds nothing wrong says that all is well."""
    found = [finding for check in CHECKS for finding in check(reading)]
    order = {"bad": 0, "warn": 1, "ok": 2}
    return sorted(found, key=lambda finding: order[finding.severity])


# --- errors ------------------------------------------------------------------------------


def errors(reading: Reading) -> Iterator[Finding]:
    """Look for errors that are new."""
    now = reading.snapshot.at
    recent = [each for each in reading.failures if now - each.last_seen < _RECENT]
    new = [each for each in recent if now - each.first_seen < _NEW]
    for failure in sorted(new, key=lambda each: -sum(each.series))[:_MOST]:
        yield _started(failure, reading.deploys, now)
    if len(new) > _MOST:
        yield Finding("errors.new", "warn", _more_new(len(new) - _MOST), "", "/failures", phrase("Failures"))
    if not new:
        told = _known_again(len(recent)) if recent else phrase("none came within the hour")
        yield Finding("errors.new", "ok", phrase("No new errors"), told, "/failures", phrase("Failures"))


def _more_new(count: int) -> Phrase:
    return phrases("{n} more error is new", "{n} more errors are new", count)


def _known_again(count: int) -> Phrase:
    return phrases("{n} known one came again within the hour", "{n} known ones came again within the hour", count)


def _started(failure: Failure, deploys: Sequence[tuple[float, str]], now: float) -> Finding:
    last_hour = sum(failure.series)
    parts = [f"{failure.error_class}: {failure.message}".removesuffix(": ")]
    parts.append(phrases("{n} run failed", "{n} runs failed", failure.count))
    before = [(at, label) for at, label in deploys if at - 60 <= failure.first_seen]
    blamed = before[-1] if before else None
    if blamed is not None:
        is_right_after = failure.first_seen - blamed[0] < _BLAMED
        pattern = phrase("right after deploy {label}", label=blamed[1])
        parts.append(pattern if is_right_after else phrase("since deploy {label}", label=blamed[1]))
    return Finding(
        "errors.new",
        "bad",
        phrase("{job} started failing {ago}", job=failure.job.rpartition(".")[2], ago=_ago(now - failure.first_seen)),
        joined(" \N{MIDDLE DOT} ", parts),
        f"/failures/{failure.signature}",
        phrase("Triage"),
        {"job": failure.job, "count": failure.count, "last_hour": last_hour, "deploy": blamed[1] if blamed else None},
    )


# --- queues ------------------------------------------------------------------------------


def listened(reading: Reading) -> Iterator[Finding]:
    """Look for queues that nobody takes jobs from."""
    heard = _heard(reading)
    alone = [queue for queue in reading.snapshot.queues if queue.size and queue.name not in heard]
    for queue in alone[:_MOST]:
        why = phrase("It is paused, too.") if queue.is_paused else phrase("No running process listens to it.")
        title = phrase("Queue {queue} has no worker", queue=queue.name)
        yield _of_queue("queue.workers", "bad", queue, title, joined(" ", [_waiting(queue), why]))
    if len(alone) > _MOST:
        title = phrases("{n} more queue has no worker", "{n} more queues have no worker", len(alone) - _MOST)
        yield Finding("queue.workers", "bad", title, "", "/queues", phrase("Queues"))
    if not alone:
        title = phrase("Every queue with jobs has a worker")
        yield Finding("queue.workers", "ok", title, "", "/queues", phrase("Queues"))


def on_target(reading: Reading) -> Iterator[Finding]:
    """Look for queues whose oldest job waits for longer than it should."""
    # One that nobody listens to, or that is paused, is told of by another check.
    heard = _heard(reading)
    late = [
        (queue, reading.targets[queue.name])
        for queue in reading.snapshot.queues
        if queue.size
        and queue.name in heard
        and not queue.is_paused
        and queue.latency > reading.targets.get(queue.name, float("inf"))
    ]
    for queue, target in late[:_MOST]:
        told = phrase(
            "The oldest of {jobs} waits for {span}; {target} is the target.",
            jobs=_jobs(queue.size),
            span=duration(round(queue.latency)),
            target=duration(target),
        )
        title = phrase("Queue {queue} is behind its target", queue=queue.name)
        yield _of_queue("queue.target", "warn", queue, title, told)
    if not late:
        count = len(reading.targets)
        told = phrases("{n} has one.", "{n} have one.", count) if count else phrase("No queue has a target.")
        title = phrase("No queue is behind its target")
        yield Finding("queue.target", "ok", title, told, "/queues", phrase("Queues"))


def paused(reading: Reading) -> Iterator[Finding]:
    """Look for queues that are paused while jobs wait in them."""
    for queue in [each for each in reading.snapshot.queues if each.is_paused and each.size][:_MOST]:
        yield _of_queue(
            "queue.paused", "warn", queue, phrase("Queue {queue} is paused", queue=queue.name), _waiting(queue)
        )


def _waiting(queue: QueueState) -> Phrase:
    span = duration(round(queue.latency))
    return phrases("{n} job waiting, oldest {span}.", "{n} jobs waiting, oldest {span}.", queue.size, span=span)


def _heard(reading: Reading) -> set[str]:
    return {name for process in reading.snapshot.processes if not process.is_quiet for name in process.queues}


def _of_queue(check: str, severity: Severity, queue: QueueState, title: str, text: str) -> Finding:
    facts = {"queue": queue.name, "size": queue.size, "latency": queue.latency}
    return Finding(check, severity, title, text, f"/queues/{quote(queue.name, safe='')}", phrase("Queue"), facts)


# --- times ------------------------------------------------------------------------------


def forwarded(reading: Reading) -> Iterator[Finding]:
    """Look for scheduled jobs and retries that should have been pushed."""
    now, found = reading.snapshot.at, False
    for path, due in (("/scheduled", reading.due), ("/failures", reading.snapshot.next_retry)):
        if due is not None and now - due > _OVERDUE:
            found = True
            told = phrase("Workers push what is due: is one running?")
            title = _overdue(path, duration(round(now - due)))
            yield Finding("times.overdue", "bad", title, told, path, phrase("Look"), {"seconds": now - due})
    if not found:
        yield Finding("times.overdue", "ok", phrase("What is due is pushed"), "", "/scheduled", phrase("Scheduled"))


def _overdue(path: str, span: Phrase) -> Phrase:
    if path == "/scheduled":
        return phrase("Scheduled jobs are overdue by {span}", span=span)
    return phrase("Retries are overdue by {span}", span=span)


def clocked(reading: Reading) -> Iterator[Finding]:
    """Look for a clock, if there is a schedule, and for ticks that were missed."""
    count, now = reading.snapshot.periodic, reading.snapshot.at
    clocks = [process for process in reading.snapshot.processes if process.role == "clock"]
    if not count:
        return
    entries = phrases("{n} entry", "{n} entries", count)
    if reading.has_clock is False and not clocks:
        told = phrase("{entries} in the schedule, and nothing enqueues their jobs: mainspring clock", entries=entries)
        title = phrase("No clock is running")
        yield Finding("clock.alive", "bad", title, told, "/clock", phrase("Clock"), {"entries": count})
        return
    missed = sorted(name for name, at in reading.missed.items() if now - at < _NEW)
    if missed:
        title = phrases("Ticks of {n} entry were missed", "Ticks of {n} entries were missed", len(missed))
        yield Finding("clock.missed", "warn", title, _some(missed), "/clock", phrase("Clock"), {"entries": missed})
        return
    title = phrase("A clock is running: {host}", host=clocks[0].host) if clocks else phrase("A clock is running")
    told = phrase("{entries}, none missed of late", entries=entries)
    yield Finding("clock.alive", "ok", title, told, "/clock", phrase("Clock"))


def _some(names: Sequence[str]) -> Phrase:
    known, more = ", ".join(names[:_MOST]), len(names) - _MOST
    return (
        phrases("{names} and {n} more", "{names} and {n} more", more, names=known) if more > 0 else joined("", [known])
    )


# --- processes -----------------------------------------------------------------------------


def beating(reading: Reading) -> Iterator[Finding]:
    """Look for processes that have not shown themselves for a while."""
    now = reading.snapshot.at
    stale = [each for each in reading.snapshot.processes if now - each.beat > _STALE]
    for process in stale[:_MOST]:
        ago = _ago(now - process.beat)
        told = phrase("Last seen {ago}; its jobs go to others when its lease has run out.", ago=ago)
        name = f"{process.role.capitalize()} {process.host}:{process.pid}"
        title = phrase("{process} is silent", process=name)
        facts = {"identity": process.identity, "seconds": now - process.beat}
        yield Finding("process.stale", "warn", title, told, "/workers", phrase("Workers"), facts)
    if not stale:
        count = len(reading.snapshot.processes)
        told = phrases("{n} shows itself.", "{n} show themselves.", count) if count else phrase("None shows itself.")
        yield Finding("process.stale", "ok", phrase("No process is silent"), told, "/workers", phrase("Workers"))


def alike(reading: Reading) -> Iterator[Finding]:
    """Look for processes of several versions, as there are during a deploy and should not be after it."""
    versions = Counter(process.version for process in reading.snapshot.processes if process.version)
    if len(versions) > 1:
        told = ", ".join(f"{version}: {count}" for version, count in sorted(versions.items()))
        title = phrase("Processes run different versions")
        yield Finding("process.versions", "warn", title, told, "/workers", phrase("Workers"), dict(versions))
    else:
        title = phrase("All processes run one version")
        yield Finding("process.versions", "ok", title, "".join(versions), "/workers", phrase("Workers"))


# --- the dead, and the store ---------------------------------------------------------------


def dying(reading: Reading) -> Iterator[Finding]:
    """Look for jobs that died of late, and whether there is room for more."""
    dead = reading.snapshot.dead
    if dead > _DEAD * _FULLER:
        told = phrase("{n} of {most} are kept; the oldest fall out.", n=f"{dead:,}", most=f"{_DEAD:,}")
        title = phrase("The dead set is almost full")
        yield Finding("dead.full", "warn", title, told, "/morgue", phrase("Dead"), {"dead": dead})
    if reading.died:
        told = phrases(
            "{n} is dead. It has no retries left and waits for somebody.",
            "{n} are dead. They have no retries left and wait for somebody.",
            dead,
        )
        title = phrases("{n} job died within the hour", "{n} jobs died within the hour", reading.died)
        yield Finding("dead.growing", "warn", title, told, "/morgue", phrase("Dead"), {"died": reading.died})
    elif dead <= _DEAD * _FULLER:
        told = phrases("{n} is dead.", "{n} are dead.", dead)
        yield Finding("dead.growing", "ok", phrase("No job died within the hour"), told, "/morgue", phrase("Dead"))


def room(reading: Reading) -> Iterator[Finding]:
    """Look whether the store has memory left, and throws nothing away for it."""
    limit, used = (_number(reading.server.get(name)) for name in ("maxmemory", "used_memory"))
    policy = reading.server.get("maxmemory_policy", "")
    facts = {"used": used, "limit": limit, "policy": policy}
    if limit and policy not in {"", "noeviction"}:
        told = phrase(
            "Its maxmemory-policy is {policy}: when it is full it throws jobs away. Set noeviction.", policy=policy
        )
        title = phrase("The store may throw jobs away")
        yield Finding("store.eviction", "bad", title, told, "/store", phrase("Store"), facts)
    if limit and used / limit > _FULL:
        severity: Severity = "bad" if used / limit > _FULLER else "warn"
        told = phrase("{used} of {limit} are used; a full store refuses jobs.", used=_mb(used), limit=_mb(limit))
        title = phrase("The store is {share} full", share=f"{used / limit:.0%}")
        yield Finding("store.memory", severity, title, told, "/store", phrase("Store"), facts)
    elif reading.server:
        told = phrase("{used} are used; it has no limit.", used=f"{used / 2**20:,.1f} MB")
        if limit:
            told = phrase("{used} are used of {limit}.", used=f"{used / 2**20:,.1f} MB", limit=_mb(limit))
        yield Finding("store.memory", "ok", phrase("The store has room"), told, "/store", phrase("Store"), facts)


def _mb(size: float) -> str:
    return f"{size / 2**20:,.0f} MB"


def guarded(reading: Reading) -> Iterator[Finding]:
    """Look whether the dashboard lets everybody in."""
    if reading.is_open:
        told = phrase("It was told to believe everybody. Whoever reaches it may do what an administrator may.")
        yield Finding("dashboard.open", "warn", phrase("The dashboard asks nobody who they are"), told)
    elif reading.is_open is False:
        yield Finding("dashboard.open", "ok", phrase("The dashboard asks who somebody is"))


#: All checks, in the order in which what is equally bad is told.
CHECKS: Final[tuple[Check, ...]] = (
    errors,
    listened,
    forwarded,
    clocked,
    on_target,
    paused,
    beating,
    dying,
    room,
    alike,
    guarded,
)


def _jobs(count: int) -> Phrase:
    return phrases("{n} job", "{n} jobs", count)


def _ago(seconds: float) -> Phrase:
    if seconds < 60:
        return phrase("just now")
    if seconds < 3_600:
        return phrase("{time} ago", time=phrase("{n} min", n=int(seconds // 60)))
    size = 3_600 if seconds < 86_400 else 86_400
    return phrase("{time} ago", time=duration(seconds // size * size))


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
