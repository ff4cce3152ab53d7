"""The data model: type, lifetime and owner of every key that `store/keys.py` names.

The docs page is made from `TABLE`, and tests fail on keys that stay longer than it says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """One row of the data model."""

    pattern: str
    type: str
    ttl: str
    owner: str
    meaning: str


FOREVER = "-"

TABLE = (
    Key("queues", "set", FOREVER, "Sidekiq", "names of queues ever pushed to"),
    Key("queue:NAME", "list", FOREVER, "Sidekiq", "payloads; pushed at the head, taken at the tail"),
    Key("schedule", "zset", FOREVER, "Sidekiq", "jobs for later; score = unix seconds when due"),
    Key("retry", "zset", FOREVER, "Sidekiq", "failed jobs; score = unix seconds of the next try"),
    Key("dead", "zset", FOREVER, "Sidekiq", "jobs out of retries; score = unix seconds of death"),
    Key("paused", "set", FOREVER, "Sidekiq Pro", "names of paused queues"),
    Key("processes", "set", FOREVER, "Sidekiq", "identities of processes"),
    Key("process_cleanup", "string", "60 s", "Sidekiq", "guards the pruning of dead identities"),
    Key("stat:processed", "string", FOREVER, "Sidekiq", "runs, failed ones included"),
    Key("stat:failed", "string", FOREVER, "Sidekiq", "failed runs"),
    Key("stat:processed:DAY", "string", "5 y", "Sidekiq", "runs of one UTC day"),
    Key("stat:failed:DAY", "string", "5 y", "Sidekiq", "failed runs of one UTC day"),
    Key("j|DAY|MINUTE", "hash", "8 h, 72 h", "Sidekiq 8", "JOB|p, JOB|f, JOB|ms: runs, failed ones, milliseconds"),
    Key("h|JOB-MINUTE", "bitfield", "8 h", "Sidekiq 8", "26 u16: how long JOB ran"),
    Key("DAY-marks", "hash", "90 d", "Sidekiq", "minute in ISO 8601 -> label of a deploy"),
    Key("deploylock-NAME", "string", "60 s", "Sidekiq", "a deploy of that label was marked"),
    Key("mainspring:releases", "zset", "90 d", "mainspring", "labels of deploys; score = when each was seen first"),
    Key(
        "mainspring:metrics:KIND:NAME:MINUTE",
        "hash",
        "48 h, 14 d, 90 d, 400 d",
        "mainspring",
        "job or queue -> counts and histograms, or age of its oldest job, of a minute up to a week",
    ),
    Key("mainspring:metrics:flushed:JID", "string", "10 min", "mainspring", "counts were added, and need not be again"),
    Key("mainspring:metrics:sampled:MINUTE", "string", "2 min", "mainspring", "the ages of this minute are sampled"),
    Key("IDENTITY", "hash", "60 s", "Sidekiq", "info, busy, beat, rtt_us, quiet, rss, concurrency"),
    Key("IDENTITY:work", "hash", "60 s", "Sidekiq 6.5+", "slot -> what it runs"),
    Key("IDENTITY:workers", "hash", "60 s", "Sidekiq 6.4", "the same, under its older name"),
    Key("IDENTITY-signals", "list", "60 s", "Sidekiq", "TSTP, TERM, TTIN sent through the store"),
    Key("{queue:NAME}:p:IDENTITY", "hash", FOREVER, "mainspring", "jobs in flight; seq -> payload"),
    Key("{queue:NAME}:pushed:JID", "string", "60 s", "mainspring", "a push was made, and need not be made again"),
    Key("{queue:NAME}:relayed:DIGEST", "string", FOREVER, "mainspring", "newest batch of an outbox that was pushed"),
    Key("{queue:NAME}:fence", "string", FOREVER, "mainspring", "deliveries of the queue so far"),
    Key("{queue:NAME}:l:IDENTITY", "string", "30 s", "mainspring", "lease: sign of life"),
    Key("{queue:NAME}:owners", "set", FOREVER, "mainspring", "identities that may hold jobs"),
    Key("{queue:NAME}:suspect", "hash", FOREVER, "mainspring", "identity -> ms when first seen without a lease"),
    Key("{queue:NAME}:tomb:IDENTITY", "string", "24 h", "mainspring", "the fence of a dead identity"),
    Key("mainspring:periodic:NS:names", "zset", FOREVER, "mainspring", "periodic entries; score = last change"),
    Key("mainspring:periodic:NS:version", "string", FOREVER, "mainspring", "of the last change of periodic entries"),
    Key("mainspring:periodic:NS:entry:NAME", "hash", FOREVER, "mainspring", "a periodic entry, and how far it has run"),
    Key("mainspring:periodic:NS:history:NAME", "list", FOREVER, "mainspring", "what became of its newest 100 ticks"),
    Key("mainspring:periodic:NS:outcomes:NAME", "list", "180 d", "mainspring", "how its newest 100 runs ended"),
    Key("mainspring:periodic:NS:code", "hash", FOREVER, "mainspring", "whose code's schedule counts; codes seen"),
    Key("mainspring:periodic:NS:alive:DIGEST", "string", "45 s", "mainspring", "a clock with that code lives"),
    Key("mainspring:lock:DIGEST", "string", "unique_for", "mainspring", "a unique lock; the jid of its holder"),
    Key("{queue:NAME}:cleared", "list", FOREVER, "mainspring", "was cleared, and is dropped part by part"),
    Key("mainspring:cleared:NAME", "zset", FOREVER, "mainspring", "likewise of the scheduled, retry or dead set"),
    Key("mainspring:stat:NAME", "string", FOREVER, "mainspring", "jobs that were not run, for one reason: expired"),
    Key("mainspring:result:JID", "list", "result_ttl", "mainspring", "how a job ended; a list of one"),
    Key("mainspring:control:IDENTITY", "list", "60 s", "mainspring", "orders for a process, such as to cancel a job"),
    Key("mainspring:failures", "zset", "30 d", "mainspring", "signatures of errors; score = when seen last"),
    Key("mainspring:failure:DIGEST", "hash", "30 d", "mainspring", "errors of one signature: what, where, how many"),
    Key("mainspring:failure:DIGEST:runs", "bitfield", "7 d", "mainspring", "u32: how many in 60 minutes, 168 hours"),
    Key("mainspring:attempts", "zset", "180 d", "mainspring", "jobs whose attempts are kept; score = ms until when"),
    Key("mainspring:attempts:JID", "list", "24 h, 180 d", "mainspring", "the newest 25 attempts of a job that failed"),
    Key("mainspring:finished", "zset", "180 d", "mainspring", "jobs that are done and kept; score = ms until when"),
    Key("mainspring:finished:JID", "string", "history", "mainspring", "a job that is done, and its last attempt"),
    Key("mainspring:progress:JID", "string", "60 s", "mainspring", "how far a running job has come, as it says"),
    Key("it-JID", "hash", "1 d, 30 d", "Sidekiq", "an iterable job: ex (runs), c (cursor), rt (seconds), cancelled"),
    Key("mainspring:leader", "string", "45 s", "mainspring", "which worker hears of `leader`"),
    Key("mainspring:once:NAME", "string", "ttl", "mainspring", "was done, by whom"),
    Key("mainspring:throttle:NAME", "string", "every", "mainspring", "was done lately"),
    Key(
        "mainspring:limits",
        "zset",
        "7 d",
        "mainspring",
        "the limits in use, by spec; score = ms until when",
    ),
    Key("mainspring:limit:KIND:NAME", "zset, string", "its span", "mainspring", "what is taken of a limit, and when"),
    Key(
        "mainspring:limit:waiting:KIND:NAME",
        "zset",
        "wait",
        "mainspring",
        "who waits; score = us until when",
    ),
    Key("mainspring:limit:freed:NAME", "list", "2 s", "mainspring", "wakes those that wait for a slot"),
    Key("mainspring:limit:tally:KIND:NAME", "bitfield", "61 min", "mainspring", "u32: takes, refusals of 60 minutes"),
    Key("mainspring:batches", "zset", "90 d, 24 h", "mainspring", "bids; score = until when each is remembered"),
    Key("mainspring:batches:cancelled", "zset", "90 d", "mainspring", "bids of which no job shall start any more"),
    Key("mainspring:batch:BID", "hash", "90 d, 24 h", "mainspring", "a batch, and how far it is"),
    Key("mainspring:batch:BID:jobs", "bitfield", "90 d, 24 h", "mainspring", "two bits for each of its jobs"),
    Key("mainspring:batch:BID:children", "hash", "90 d, 24 h", "mainspring", "number -> bid of the batches in it"),
    Key("mainspring:batch:BID:steps", "hash", "90 d, 24 h", "mainspring", "steps of a workflow that wait for others"),
    Key("mainspring:batch:BID:pushed:JID", "string", "60 s", "mainspring", "likewise, for the jobs of a batch"),
    Key("mainspring:gates", "hash", FOREVER, "mainspring", "gate, or all of a base -> what it allows"),
    Key("mainspring:gates:due", "zset", FOREVER, "mainspring", "gates by which jobs wait; score = when to look"),
    Key("mainspring:targets", "hash", FOREVER, "mainspring", "queue -> seconds for which its jobs may wait"),
    Key("mainspring:gate:NAME", "zset", FOREVER, "mainspring", "QUEUE LF JID of the jobs that hold a gate; score = ms"),
    Key("mainspring:lane:NAME", "list", FOREVER, "mainspring", "QUEUE LF JID LF GATES LF payload of jobs that wait"),
    Key("mainspring:turns:NAME", "set", FOREVER, "mainspring", "gates of those who have jobs that wait for their turn"),
    Key("{queue:NAME}:lanes", "hash", FOREVER, "mainspring", "gate -> how many jobs of the queue wait by it"),
    Key("{queue:NAME}:slots", "zset", "30 s", "mainspring", "SLOTS IDENTITY of those who serve it; score = ms"),
    Key("mainspring:audit", "stream", "180 d", "mainspring", "who did what; about the newest 10,000 entries"),
    Key("mainspring:operations", "zset", "30 d", "mainspring", "ids of bulk operations; score = when each was started"),
    Key("mainspring:operations:open", "zset", "30 d", "mainspring", "ids of those that are not over; score likewise"),
    Key("mainspring:operation:NAME", "hash", "30 d", "mainspring", "a bulk operation, and how far it is"),
    Key("mainspring:bell", "list", "60 s", "mainspring", "wakes a forwarder when the next due time moves forward"),
)

_PLACEHOLDER = re.compile(r"NAME|KIND|DAY|MINUTE|JOB|IDENTITY|JID|BID|DIGEST")


def is_permanent(key: str) -> bool:
    """Return True if the data model lets *key* stand without a lifetime."""
    return any(row.ttl == FOREVER and _matches(row.pattern, key) for row in TABLE)


def _matches(pattern: str, key: str) -> bool:
    # A namespace may be empty; everything else has a name.
    expression = _PLACEHOLDER.sub(".+", re.escape(pattern)).replace("NS", "[^:]*")
    return re.fullmatch(expression, key) is not None
