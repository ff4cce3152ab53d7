"""What the JSON API returns. The schemas of its description are made of these types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec


class Shape(msgspec.Struct, frozen=True, omit_defaults=False):
    """Something that the API returns."""


class Outcome(Shape, frozen=True):
    """What an action has done: in words, whether it found anything to do, and facts of it."""

    said: str
    has_effect: bool
    facts: Mapping[str, str]


class Queue(Shape, frozen=True):
    """A queue; times in seconds."""

    name: str
    size: int
    latency: float
    is_paused: bool
    in_lanes: int
    target: float | None
    concurrency: int | None


class Queues(Shape, frozen=True):
    """Some of the queues, by name."""

    queues: Sequence[Queue]
    total: int
    cursor: str


class Error(Shape, frozen=True):
    """The last error of a job."""

    type: str
    message: str
    signature: str | None


class Job(Shape, frozen=True):
    """A job as it is stored; times in unix seconds; secrets in its arguments are hidden."""

    jid: str
    job: str
    title: str
    state: str
    place: str
    queue: str
    args: Sequence[object]
    kwargs: Mapping[str, object]
    tags: Sequence[str]
    at: float | None
    created_at: float | None
    enqueued_at: float | None
    failed_at: float | None
    retry_count: int | None
    error: Error | None
    process: str | None


class Jobs(Shape, frozen=True):
    """A page of jobs: go on with its cursor; it was cut short if it is not complete."""

    jobs: Sequence[Job]
    cursor: str
    searched: int
    total: int
    is_complete: bool
    counts: Mapping[str, int]


class Enqueued(Shape, frozen=True):
    """A job that was enqueued; its id is empty if a middleware stopped it."""

    jid: str
    queue: str
    at: float | None
    duplicate_of: str | None


class Acted(Shape, frozen=True):
    """What became of each job: ``done``, ``gone``, or ``unfit`` where it is."""

    jobs: Mapping[str, str]


class Run(Shape, frozen=True):
    """A job that runs."""

    slot: str
    queue: str
    jid: str
    job: str
    run_at: float


class Process(Shape, frozen=True):
    """A process that shows itself."""

    identity: str
    role: str
    host: str
    pid: int
    tag: str
    labels: Sequence[str]
    version: str
    started_at: float
    beat: float
    queues: Sequence[str]
    busy: int
    concurrency: int
    rss_kb: int
    rtt_us: int
    is_quiet: bool


class ProcessDetail(Process, frozen=True):
    """A process, and what it runs."""

    work: Sequence[Run]


class Processes(Shape, frozen=True):
    """All processes that show themselves."""

    processes: Sequence[Process]


class Entry(Shape, frozen=True):
    """A periodic entry; its times as ISO 8601 with its zone's offset.

    The last result is how the newest job of a tick ended: ``ok``, ``retry``, ``dead``, ``dropped`` or ``snoozed``;
    or ``running``; null as long as no worker has told.
    """

    name: str
    job: str
    schedule: str
    words: str
    tz: str
    description: str | None
    origin: str
    queue: str | None
    is_paused: bool
    last: str | None
    next: str | None
    last_jid: str | None
    last_result: str | None


class Entries(Shape, frozen=True):
    """Some of the periodic entries, by name."""

    entries: Sequence[Entry]
    total: int
    cursor: str


class Batch(Shape, frozen=True):
    """How far a batch is."""

    bid: str
    description: str
    tags: Sequence[str]
    parent: str
    created_at: float
    total: int
    pending: int
    failures: int
    dead: int
    dropped: int
    completed_at: float | None
    succeeded_at: float | None
    died_at: float | None
    cancelled_at: float | None


class Batches(Shape, frozen=True):
    """A page of batches, the newest first."""

    batches: Sequence[Batch]
    cursor: str


class Limiter(Shape, frozen=True):
    """A limiter: how much there is, and how much of it is taken; how often it gave and refused in the last hour.

    The share of those refused is null if nobody asked; the series count each of the 60 minutes, the oldest first.
    """

    name: str
    kind: str
    limit: int
    span: float
    used: float
    waiting: int
    taken: int
    refused: int
    over_limit: float | None
    taken_by_minute: Sequence[int]
    refused_by_minute: Sequence[int]


class Limiters(Shape, frozen=True):
    """All limiters that were used of late."""

    limiters: Sequence[Limiter]


class Gate(Shape, frozen=True):
    """A gate by which jobs wait before they run: what it allows, how many hold it, and how many wait."""

    name: str
    kind: str
    most: int | None
    per: float | None
    held: int
    waiting: int


class Gates(Shape, frozen=True):
    """Some of the gates by which jobs wait, by name."""

    gates: Sequence[Gate]
    total: int
    cursor: str


class Holder(Shape, frozen=True):
    """A job that holds a gate."""

    queue: str
    jid: str
    since: float


class GateDetail(Gate, frozen=True):
    """A gate, with the first hundred that hold it, and the first hundred that wait by it."""

    holders: Sequence[Holder]
    jobs: Sequence[Job]


class Deploy(Shape, frozen=True):
    """A deploy that was marked."""

    at: float
    label: str


class Deploys(Shape, frozen=True):
    """The deploys of a period, the oldest first."""

    deploys: Sequence[Deploy]


class Failure(Shape, frozen=True):
    """Errors of one kind; its series counts those of each minute of the last hour."""

    signature: str
    job: str
    type: str
    message: str
    frame: str
    queue: str
    count: int
    first_seen: float
    last_seen: float
    series: Sequence[int]
    samples: Sequence[str]


class Failures(Shape, frozen=True):
    """A page of failures, the one that was seen last first."""

    failures: Sequence[Failure]
    cursor: str


class Series(Shape, frozen=True):
    """The course of a queue, a job or all: by bucket of ``step`` seconds; durations in milliseconds."""

    step: int
    times: Sequence[int]
    ok: Sequence[int]
    failed: Sequence[int]
    run_p50: Sequence[float | None]
    run_p95: Sequence[float | None]
    run_p99: Sequence[float | None]
    wait_p95: Sequence[float | None]


class Totals(Shape, frozen=True):
    """The sums of one job over a period; durations in milliseconds, its share of all run time from 0 to 1."""

    job: str
    ok: int
    failed: int
    run_seconds: float
    share: float
    run_p50: float | None
    run_p95: float | None
    run_p99: float | None
    wait_p95: float | None


class AllTotals(Shape, frozen=True):
    """The jobs that ran most."""

    jobs: Sequence[Totals]


class Stats(Shape, frozen=True):
    """The cluster at one moment."""

    processed: int
    failed: int
    enqueued: int
    scheduled: int
    retries: int
    dead: int
    processes: int
    busy: int
    capacity: int
    periodic: int
    batches: int


class Operation(Shape, frozen=True):
    """A bulk operation."""

    id: str
    action: str
    query: str
    state: str
    cutoff: float
    by: str
    spread: float | None
    at: float | None
    started_at: float
    ended_at: float | None
    total: int
    looked: int
    done: int
    skipped: int
    status: str
    reason: str


class Operations(Shape, frozen=True):
    """A page of bulk operations, the newest first."""

    operations: Sequence[Operation]
    cursor: str


class AuditEntry(Shape, frozen=True):
    """Something that somebody did."""

    id: str
    at: float
    by: str
    action: str
    resource: str
    facts: Mapping[str, object]


class AuditEntries(Shape, frozen=True):
    """A page of the audit log, the newest first."""

    entries: Sequence[AuditEntry]
    cursor: str


class Problem(Shape, frozen=True):
    """Why something cannot be had or done, as RFC 9457 has it; its instance, if any, finds it in the log."""

    title: str
    status: int
    detail: str
    instance: str
