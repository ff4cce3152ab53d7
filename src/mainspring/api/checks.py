"""What needs somebody: small checks over one reading of the store, each with what is wrong and where to look. Pure.

A dashboard shows them, ``mainspring doctor`` prints them, and a health endpoint asks whether one is bad.
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
from mainspring.base.durations import in_words

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
        yield Finding("errors.new", "warn", f"{len(new) - _MOST} more errors are new", "", "/failures", "Failures")
    if not new:
        told = f"{len(recent)} known ones came again within the hour" if recent else "none came within the hour"
        yield Finding("errors.new", "ok", "No new errors", told, "/failures", "Failures")


def _started(failure: Failure, deploys: Sequence[tuple[float, str]], now: float) -> Finding:
    last_hour = sum(failure.series)
    parts = [f"{failure.error_class}: {failure.message}".removesuffix(": ")]
    parts.append(f"{failure.count:,} {'run' if failure.count == 1 else 'runs'} failed")
    before = [(at, label) for at, label in deploys if at - 60 <= failure.first_seen]
    blamed = before[-1] if before else None
    if blamed is not None:
        is_right_after = failure.first_seen - blamed[0] < _BLAMED
        parts.append(f"right after deploy {blamed[1]}" if is_right_after else f"since deploy {blamed[1]}")
    return Finding(
        "errors.new",
        "bad",
        f"{failure.job.rpartition('.')[2]} started failing {_ago(now - failure.first_seen)}",
        " \N{MIDDLE DOT} ".join(parts),
        f"/failures/{failure.signature}",
        "Triage",
        {"job": failure.job, "count": failure.count, "last_hour": last_hour, "deploy": blamed[1] if blamed else None},
    )


# --- queues ------------------------------------------------------------------------------


def listened(reading: Reading) -> Iterator[Finding]:
    """Look for queues that nobody takes jobs from."""
    heard = _heard(reading)
    alone = [queue for queue in reading.snapshot.queues if queue.size and queue.name not in heard]
    for queue in alone[:_MOST]:
        why = "It is paused, too." if queue.is_paused else "No running process listens to it."
        told = f"{_jobs(queue.size)} waiting, oldest {in_words(round(queue.latency))}. {why}"
        yield _of_queue("queue.workers", "bad", queue, f"Queue {queue.name} has no worker", told)
    if len(alone) > _MOST:
        yield Finding(
            "queue.workers", "bad", f"{len(alone) - _MOST} more queues have no worker", "", "/queues", "Queues"
        )
    if not alone:
        yield Finding("queue.workers", "ok", "Every queue with jobs has a worker", "", "/queues", "Queues")


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
        told = f"The oldest of {_jobs(queue.size)} waits for {in_words(round(queue.latency))}"
        told += f"; {in_words(target)} is the target."
        yield _of_queue("queue.target", "warn", queue, f"Queue {queue.name} is behind its target", told)
    if not late:
        count = len(reading.targets)
        told = f"{count} {'has' if count == 1 else 'have'} one." if count else "No queue has a target."
        yield Finding("queue.target", "ok", "No queue is behind its target", told, "/queues", "Queues")


def paused(reading: Reading) -> Iterator[Finding]:
    """Look for queues that are paused while jobs wait in them."""
    for queue in [each for each in reading.snapshot.queues if each.is_paused and each.size][:_MOST]:
        told = f"{_jobs(queue.size)} waiting, oldest {in_words(round(queue.latency))}."
        yield _of_queue("queue.paused", "warn", queue, f"Queue {queue.name} is paused", told)


def _heard(reading: Reading) -> set[str]:
    return {name for process in reading.snapshot.processes if not process.is_quiet for name in process.queues}


def _of_queue(check: str, severity: Severity, queue: QueueState, title: str, text: str) -> Finding:
    facts = {"queue": queue.name, "size": queue.size, "latency": queue.latency}
    return Finding(check, severity, title, text, f"/queues/{quote(queue.name, safe='')}", "Queue", facts)


# --- times ------------------------------------------------------------------------------


def forwarded(reading: Reading) -> Iterator[Finding]:
    """Look for scheduled jobs and retries that should have been pushed."""
    now, found = reading.snapshot.at, False
    for name, path, due in (
        ("Scheduled jobs are", "/scheduled", reading.due),
        ("Retries are", "/failures", reading.snapshot.next_retry),
    ):
        if due is not None and now - due > _OVERDUE:
            found = True
            told = "Workers push what is due: is one running?"
            title = f"{name} overdue by {in_words(round(now - due))}"
            yield Finding("times.overdue", "bad", title, told, path, "Look", {"seconds": now - due})
    if not found:
        yield Finding("times.overdue", "ok", "What is due is pushed", "", "/scheduled", "Scheduled")


def clocked(reading: Reading) -> Iterator[Finding]:
    """Look for a clock, if there is a schedule, and for ticks that were missed."""
    count, now = reading.snapshot.periodic, reading.snapshot.at
    clocks = [process for process in reading.snapshot.processes if process.role == "clock"]
    if not count:
        return
    entries = f"{count:,} {'entry' if count == 1 else 'entries'}"
    if reading.has_clock is False and not clocks:
        told = f"{entries} in the schedule, and nothing enqueues their jobs: mainspring clock"
        yield Finding("clock.alive", "bad", "No clock is running", told, "/clock", "Clock", {"entries": count})
        return
    missed = sorted(name for name, at in reading.missed.items() if now - at < _NEW)
    if missed:
        told = ", ".join(missed[:_MOST]) + (f" and {len(missed) - _MOST} more" if len(missed) > _MOST else "")
        title = f"Ticks of {len(missed)} {'entry' if len(missed) == 1 else 'entries'} were missed"
        yield Finding("clock.missed", "warn", title, told, "/clock", "Clock", {"entries": missed})
        return
    who = f": {clocks[0].host}" if clocks else ""
    yield Finding("clock.alive", "ok", f"A clock is running{who}", f"{entries}, none missed of late", "/clock", "Clock")


# --- processes -----------------------------------------------------------------------------


def beating(reading: Reading) -> Iterator[Finding]:
    """Look for processes that have not shown themselves for a while."""
    now = reading.snapshot.at
    stale = [each for each in reading.snapshot.processes if now - each.beat > _STALE]
    for process in stale[:_MOST]:
        told = f"Last seen {_ago(now - process.beat)}; its jobs go to others when its lease has run out."
        title = f"{process.role.capitalize()} {process.host}:{process.pid} is silent"
        facts = {"identity": process.identity, "seconds": now - process.beat}
        yield Finding("process.stale", "warn", title, told, "/workers", "Workers", facts)
    if not stale:
        count = len(reading.snapshot.processes)
        told = f"{count} {'shows itself' if count == 1 else 'show themselves'}." if count else "None shows itself."
        yield Finding("process.stale", "ok", "No process is silent", told, "/workers", "Workers")


def alike(reading: Reading) -> Iterator[Finding]:
    """Look for processes of several versions, as there are during a deploy and should not be after it."""
    versions = Counter(process.version for process in reading.snapshot.processes if process.version)
    if len(versions) > 1:
        told = ", ".join(f"{version}: {count}" for version, count in sorted(versions.items()))
        yield Finding(
            "process.versions", "warn", "Processes run different versions", told, "/workers", "Workers", dict(versions)
        )
    else:
        yield Finding(
            "process.versions", "ok", "All processes run one version", "".join(versions), "/workers", "Workers"
        )


# --- the dead, and the store ---------------------------------------------------------------


def dying(reading: Reading) -> Iterator[Finding]:
    """Look for jobs that died of late, and whether there is room for more."""
    dead = reading.snapshot.dead
    if dead > _DEAD * _FULLER:
        told = f"{dead:,} of {_DEAD:,} are kept; the oldest fall out."
        yield Finding("dead.full", "warn", "The dead set is almost full", told, "/morgue", "Dead", {"dead": dead})
    if reading.died:
        told = f"{dead:,} are dead. They have no retries left and wait for somebody."
        title = f"{_jobs(reading.died)} died within the hour"
        yield Finding("dead.growing", "warn", title, told, "/morgue", "Dead", {"died": reading.died})
    elif dead <= _DEAD * _FULLER:
        yield Finding("dead.growing", "ok", "No job died within the hour", f"{dead:,} are dead.", "/morgue", "Dead")


def room(reading: Reading) -> Iterator[Finding]:
    """Look whether the store has memory left, and throws nothing away for it."""
    limit, used = (_number(reading.server.get(name)) for name in ("maxmemory", "used_memory"))
    policy = reading.server.get("maxmemory_policy", "")
    facts = {"used": used, "limit": limit, "policy": policy}
    if limit and policy not in {"", "noeviction"}:
        told = f"Its maxmemory-policy is {policy}: when it is full it throws jobs away. Set noeviction."
        yield Finding("store.eviction", "bad", "The store may throw jobs away", told, "/store", "Store", facts)
    if limit and used / limit > _FULL:
        severity: Severity = "bad" if used / limit > _FULLER else "warn"
        told = f"{used / 2**20:,.0f} MB of {limit / 2**20:,.0f} MB are used; a full store refuses jobs."
        yield Finding("store.memory", severity, f"The store is {used / limit:.0%} full", told, "/store", "Store", facts)
    elif reading.server:
        told = f"{used / 2**20:,.1f} MB are used" + (f" of {limit / 2**20:,.0f} MB." if limit else "; it has no limit.")
        yield Finding("store.memory", "ok", "The store has room", told, "/store", "Store", facts)


def guarded(reading: Reading) -> Iterator[Finding]:
    """Look whether the dashboard lets everybody in."""
    if reading.is_open:
        told = "It was told to believe everybody. Whoever reaches it may do what an administrator may."
        yield Finding("dashboard.open", "warn", "The dashboard asks nobody who they are", told)
    elif reading.is_open is False:
        yield Finding("dashboard.open", "ok", "The dashboard asks who somebody is")


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


def _jobs(count: int) -> str:
    return f"{count:,} {'job' if count == 1 else 'jobs'}"


def _ago(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now"


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
