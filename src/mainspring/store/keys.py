"""The name of every key that mainspring reads or writes.

Names in the first part are Sidekiq's own, so that a Ruby process can read and
steer what we write. Names of ours begin with ``mainspring:``, or with the
queue's name in braces, which on a cluster puts them beside the queue itself.
Type, lifetime and owner of each stand in `store/model.py`.
"""

from __future__ import annotations

# --- Sidekiq's -----------------------------------------------------------------

QUEUES = "queues"
SCHEDULE = "schedule"
RETRY = "retry"
DEAD = "dead"
SETS = (SCHEDULE, RETRY, DEAD)
PROCESSES = "processes"
PAUSED = "paused"
PROCESS_CLEANUP = "process_cleanup"
STAT_PROCESSED = "stat:processed"
STAT_FAILED = "stat:failed"

# --- ours ------------------------------------------------------------------------

BELL = "mainspring:bell"
LIMITS = "mainspring:limits"
GATES = "mainspring:gates"
GATES_DUE = "mainspring:gates:due"
TARGETS = "mainspring:targets"
#: The beginning of our keys that belong to no queue, for scripts that make them.
ROOT = "mainspring:"


def slot(queue_name: str) -> str:
    """Return the beginning of our keys that lie beside a queue, for scripts that make them."""
    return f"{{queue:{queue_name}}}:"


def lock(digest: str) -> str:
    """Return the unique lock with a digest: the jid of the job that holds it."""
    return f"mainspring:lock:{digest}"


def cleared(queue_name: str) -> str:
    """Return the list of what waited in a queue when it was cleared, until what hangs on it is settled."""
    return f"{{queue:{queue_name}}}:cleared"


def cleared_set(name: str) -> str:
    """Return the sorted set of what was in the set with the key *name* when it was cleared, likewise."""
    return f"mainspring:cleared:{name}"


def result(jid: str) -> str:
    """Return the list with how the job *jid* ended, kept for whoever asks."""
    return f"mainspring:result:{jid}"


def stat(tally: str) -> str:
    """Return a counter of jobs that were not run: ``expired``."""
    return f"mainspring:stat:{tally}"


def limit(kind: str, name: str) -> str:
    """Return what is taken of the limit *name* of a *kind*: ``concurrent``, ``bucket``, ``window`` ..."""
    return f"mainspring:limit:{kind}:{name}"


def limit_waiting(kind: str, name: str) -> str:
    """Return the sorted set of those that wait for a limit; no kind is named ``waiting``."""
    return f"mainspring:limit:waiting:{kind}:{name}"


def limit_freed(name: str) -> str:
    """Return the list on which those that wait for a concurrent limit listen; no kind is named ``freed``."""
    return f"mainspring:limit:freed:{name}"


def limit_tally(kind: str, name: str) -> str:
    """Return how often a limit gave and refused in the last hour, by the minute; no kind is named ``tally``."""
    return f"mainspring:limit:tally:{kind}:{name}"


def gate(name: str) -> str:
    """Return the sorted set of the jobs that hold a gate, each with its queue; score = since when, in unix ms."""
    return f"mainspring:gate:{name}"


def lane(gate_name: str) -> str:
    """Return the list of the jobs that wait by a gate, each with its queue, id and gates; newest at the head."""
    return f"mainspring:lane:{gate_name}"


def turns(base: str) -> str:
    """Return the set of the gates of those who have jobs that wait for their turn; *base* as in their names."""
    return f"mainspring:turns:{base}"


def lanes(queue_name: str) -> str:
    """Return the hash of the lanes in which jobs of a queue wait: gate -> how many."""
    return f"{{queue:{queue_name}}}:lanes"


def slots(queue_name: str) -> str:
    """Return the sorted set of processes that serve a queue whose jobs take turns, each with its slots."""
    return f"{{queue:{queue_name}}}:slots"


#: Signatures of errors; score = unix seconds at which each was seen last.
FAILURES = "mainspring:failures"
#: Ids of jobs whose attempts are kept; score = unix ms until which.
ATTEMPTS = "mainspring:attempts"
#: Ids of jobs that are done and kept to be looked at; score = unix ms until which.
FINISHED = "mainspring:finished"


def failure(signature: str) -> str:
    """Return the hash of what is known of the errors with a signature."""
    return f"mainspring:failure:{signature}"


def failure_runs(signature: str) -> str:
    """Return how often they came: 60 u32 of minutes, then 168 u32 of hours, each at its number modulo 60 or 168."""
    return f"mainspring:failure:{signature}:runs"


def attempts(jid: str) -> str:
    """Return the list of the attempts of the job *jid*, the newest at the head."""
    return f"mainspring:attempts:{jid}"


def finished(jid: str) -> str:
    """Return how the run of the job *jid* ended, a line, and then the job."""
    return f"mainspring:finished:{jid}"


#: The audit log: a stream of who did what.
AUDIT = "mainspring:audit"
#: Ids of bulk operations; score = unix seconds at which each was started.
OPERATIONS = "mainspring:operations"
#: Ids of those that are not over; score likewise.
OPERATIONS_OPEN = "mainspring:operations:open"


def operation(name: str) -> str:
    """Return the hash of the bulk operation with the id *name*, and how far it is."""
    return f"mainspring:operation:{name}"


def control(identity: str) -> str:
    """Return the list of orders for the process *identity*, such as to cancel a job."""
    return f"mainspring:control:{identity}"


def progress(jid: str) -> str:
    """Return how far the running job *jid* has come, as it says."""
    return f"mainspring:progress:{jid}"


#: Which worker is the leader: its identity.
LEADER = "mainspring:leader"


def cursor(jid: str) -> str:
    """Return how far the iterable job *jid* has come; Sidekiq's own key, so that its pages show it."""
    return f"it-{jid}"


def once(name: str) -> str:
    """Return who did what *name* stands for, which is done once; the owner's token."""
    return f"mainspring:once:{name}"


def throttle(name: str) -> str:
    """Return the sign that what *name* stands for was done lately."""
    return f"mainspring:throttle:{name}"


#: Bids; score = unix seconds until which a batch is remembered.
BATCHES = "mainspring:batches"
#: Bids of which no job shall start; score = unix seconds until which that is remembered.
BATCHES_CANCELLED = "mainspring:batches:cancelled"


def batch(bid: str) -> str:
    """Return the hash of the batch *bid*: how many jobs it has, and how far they are."""
    return f"mainspring:batch:{bid}"


def batch_jobs(bid: str) -> str:
    """Return two bits for each job of a batch: 0 has not run, 1 failed, 2 dead, 3 needs nothing more."""
    return f"mainspring:batch:{bid}:jobs"


def batch_children(bid: str) -> str:
    """Return the hash of the batches in a batch: number -> bid."""
    return f"mainspring:batch:{bid}:children"


def batch_steps(bid: str) -> str:
    """Return the hash of the steps of a workflow that wait for others."""
    return f"mainspring:batch:{bid}:steps"


def batch_pushed(bid: str, token: str) -> str:
    """Return what remembers for some seconds that a batch was written, so that it can be sent again."""
    return f"mainspring:batch:{bid}:pushed:{token}"


def queue(name: str) -> str:
    """Return the list of the queue *name*: payloads, newest at the head."""
    return f"queue:{name}"


def stat_processed_day(day: str) -> str:
    """Return the counter of runs of one UTC *day*, ``YYYY-MM-DD``."""
    return f"stat:processed:{day}"


def stat_failed_day(day: str) -> str:
    """Return the counter of failed runs of one UTC *day*, ``YYYY-MM-DD``."""
    return f"stat:failed:{day}"


def totals(day: str, minute: str) -> str:
    """Return the hash of runs by job of one minute: *day* as ``YYMMDD``, *minute* as ``H:MM``."""
    return f"j|{day}|{minute}"


def run_histogram(name: str, minute: str) -> str:
    """Return the histogram of how long the job *name* ran in one minute, ``D-H:M``."""
    return f"h|{name}-{minute}"


def deploy_marks(day: str) -> str:
    """Return the hash of the deploys of one UTC *day*, ``YYYYMMDD``: minute in ISO 8601 -> label."""
    return f"{day}-marks"


def deploy_lock(label: str) -> str:
    """Return what keeps the deploy of one label from being marked by each process that starts."""
    return f"deploylock-{label}"


#: The releases that were marked as deploys; score = unix seconds when each was seen first.
RELEASES = "mainspring:releases"


def metrics_sampled(minute: int) -> str:
    """Return the sign that all queues were sampled in a minute, unix seconds."""
    return f"mainspring:metrics:sampled:{minute}"


def metrics(family: str, tier: str, start: int) -> str:
    """Return the hash of one bucket of time of a *tier*, from *start* on, unix seconds: name -> record.

    A *family* is ``jobs``, ``queues`` or ``ages``.
    """
    return f"mainspring:metrics:{family}:{tier}:{start}"


def metrics_flushed(token: str) -> str:
    """Return what remembers for some minutes that counts were added, so that they can be sent again."""
    return f"mainspring:metrics:flushed:{token}"


def process(identity: str) -> str:
    """Return the hash in which the process *identity* describes itself."""
    return identity


def work(identity: str) -> str:
    """Return the hash of what *identity* runs, for readers of Sidekiq 6.5 and later."""
    return f"{identity}:work"


def workers(identity: str) -> str:
    """Return the hash of what *identity* runs, for readers of Sidekiq 6.4."""
    return f"{identity}:workers"


def signals(identity: str) -> str:
    """Return the list of signals sent to *identity* through the store."""
    return f"{identity}-signals"


def inflight(queue_name: str, identity: str) -> str:
    """Return the hash of the jobs of one queue that *identity* has fetched and not settled.

    It has no lifetime, ever: a lifetime here would be a way to lose jobs.
    """
    return f"{{queue:{queue_name}}}:p:{identity}"


def pushed(queue_name: str, token: str) -> str:
    """Return what remembers for some seconds that a push was made, so that it can be sent again."""
    return f"{{queue:{queue_name}}}:pushed:{token}"


def relayed(queue_name: str, source: str) -> str:
    """Return the number of the newest batch that the outbox *source* has brought to a queue.

    It has no lifetime: however long a batch waits that was pushed and not deleted, it must be known again.
    """
    return f"{{queue:{queue_name}}}:relayed:{source}"


def fence(queue_name: str) -> str:
    """Return the counter of a queue's deliveries."""
    return f"{{queue:{queue_name}}}:fence"


def lease(queue_name: str, identity: str) -> str:
    """Return the sign of life of *identity* on a queue."""
    return f"{{queue:{queue_name}}}:l:{identity}"


def owners(queue_name: str) -> str:
    """Return the set of identities that may hold jobs of a queue."""
    return f"{{queue:{queue_name}}}:owners"


def suspect(queue_name: str) -> str:
    """Return the hash of identities seen without a lease, and when."""
    return f"{{queue:{queue_name}}}:suspect"


def tomb(queue_name: str, identity: str) -> str:
    """Return the fence of a dead *identity*: where it stands, it is dead for ever."""
    return f"{{queue:{queue_name}}}:tomb:{identity}"


# --- the clock's, one set for each namespace, which holds no colon ---------------


def periodic_names(namespace: str) -> str:
    """Return the sorted set of the names of all entries; score = version of the last change."""
    return f"mainspring:periodic:{namespace}:names"


def periodic_version(namespace: str) -> str:
    """Return the version of the last change of any entry: unix milliseconds, or one more than before."""
    return f"mainspring:periodic:{namespace}:version"


def periodic_entry(namespace: str, name: str) -> str:
    """Return the hash of the entry *name*."""
    return f"mainspring:periodic:{namespace}:entry:{name}"


def periodic_history(namespace: str, name: str) -> str:
    """Return the list of what became of the ticks of the entry *name*, newest at the head."""
    return f"mainspring:periodic:{namespace}:history:{name}"


def periodic_outcomes(namespace: str, name: str) -> str:
    """Return the list of how runs of the entry *name* ended, newest at the head."""
    return f"mainspring:periodic:{namespace}:outcomes:{name}"


def periodic_code(namespace: str) -> str:
    """Return the hash that says whose code's schedule counts, and which were seen."""
    return f"mainspring:periodic:{namespace}:code"


def periodic_alive(namespace: str, digest: str) -> str:
    """Return the sign of life of all clocks whose code's schedule has the *digest*."""
    return f"mainspring:periodic:{namespace}:alive:{digest}"
