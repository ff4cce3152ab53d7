"""Endpoints of the JSON API that look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar

import msgspec

from mainspring.api import standings, terms, timetable
from mainspring.api.answers import state_of
from mainspring.api.jobs import StoredJob
from mainspring.api.overview import Overview
from mainspring.api.processes import Process, Running
from mainspring.api.queues import states
from mainspring.api.timetable import Line
from mainspring.base.errors import InvalidOption, UnknownEntry
from mainspring.metrics.query import PERIODS
from mainspring.web import calls, shapes
from mainspring.web.asking import asked
from mainspring.web.endpoint import Call, Endpoint, Failed, Param
from mainspring.web.entrance import SEE
from mainspring.web.view import whole

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

CURSOR: Final = Param("cursor", "The cursor of the page before; nothing for the first")
COUNT: Final = Param("count", "How many, from 1 to 500; 100 without it")
PERIOD: Final = Param("period", "1h without it", tuple(PERIODS))


def taken(kind: type[S], thing: object, **others: object) -> S:
    """Return *thing* in the shape *kind*, by the names of its fields; *others* count before its own."""
    return kind(**{name: others[name] if name in others else getattr(thing, name) for name in kind.__struct_fields__})


def there(found: T | None, what: str) -> T:
    """Return what was found.

    Raises:
        Failed: If nothing was.
    """
    if found is None:
        raise Failed(404, f"There is no such {what}, or none any more.")
    return found


def part(call: Call, all_of_them: Sequence[T]) -> tuple[Sequence[T], str]:
    """Return a page of what is read as a whole, and the cursor of the next."""
    start = whole(call.text("cursor"), 0, 0, 10**9)
    end = start + call.count
    return all_of_them[start:end], str(end) if end < len(all_of_them) else ""


# --- queues and jobs ---------------------------------------------------------------------


def queues(call: Call) -> shapes.Queues:
    """Read a page of the queues."""
    names = [queue.name for queue in call.app.queues]
    chosen, cursor = part(call, names)
    return shapes.Queues(_queues(call, chosen), len(names), cursor)


def queue(call: Call) -> shapes.Queue:
    """Read one queue."""
    name = call.path["name"]
    if name not in call.app.queues:
        raise Failed(404, f"No job was ever pushed to a queue {name!r:.200}.")
    return _queues(call, [name])[0]


def _queues(call: Call, names: Sequence[str]) -> list[shapes.Queue]:
    known = standings.look(call.app.store, (), lambda _: names).standings
    return [
        taken(shapes.Queue, each, target=known[each.name].target, concurrency=known[each.name].concurrency)
        for each in states(call.app.store, call.app.time, names)
    ]


def jobs(call: Call) -> shapes.Jobs:
    """Look for jobs."""
    found = call.app.search(
        asked(call.text("q"), call.redactor),
        state=call.text("state") or None,
        cursor=call.text("cursor"),
        count=call.count,
    )
    return taken(shapes.Jobs, found, jobs=[shape(call, job) for job in found.jobs])


def job(call: Call) -> shapes.Job:
    """Read one job."""
    return shape(call, there(call.app.find(call.path["jid"]), "job"))


def shape(call: Call, job: StoredJob) -> shapes.Job:
    """Return a job as the API shows it, with what is secret in it hidden."""
    error = None
    if job.error_class is not None:
        error = shapes.Error(job.error_class, call.redactor.text(job.error_message or ""), job.signature)
    kwargs = call.redactor.value(dict(job.kwargs))
    return taken(
        shapes.Job,
        job,
        job=job.name,
        title=job.display_name,
        state=state_of(job),
        args=calls.redacted_args(calls.parameters(call.app, job.name), job.args, call.redactor),
        kwargs=kwargs if isinstance(kwargs, Mapping) else {},
        error=error,
    )


# --- processes, entries, batches, limits ---------------------------------------------------


def processes(call: Call) -> shapes.Processes:
    """Read all processes."""
    return shapes.Processes([taken(shapes.Process, each) for each in call.app.processes])


def process(call: Call) -> shapes.ProcessDetail:
    """Read one process, and what it runs."""
    identity = call.path["identity"]
    every: Iterator[Process] = (each for each in call.app.processes if each.identity == identity)
    found = there(next(every, None), "process")
    return taken(shapes.ProcessDetail, found, work=[_run(each) for each in found.work])


def _run(running: Running) -> shapes.Run:
    return taken(shapes.Run, running, jid=running.job.jid, job=running.job.name)


def entries(call: Call) -> shapes.Entries:
    """Read a page of the periodic entries."""
    found = timetable.read(call.app, lambda names: part(call, names)[0])
    return shapes.Entries([_entry(line) for line in found.lines], len(found.names), part(call, found.names)[1])


def entry(call: Call) -> shapes.Entry:
    """Read one periodic entry."""
    name = call.path["name"]
    found = timetable.read(call.app, lambda _: [name]).lines
    if not found:
        raise UnknownEntry(name)
    return _entry(found[0])


def _entry(line: Line) -> shapes.Entry:
    result, times = line.result, {"last": _iso(line.entry.last), "next": _iso(line.next)}
    last = {"last_jid": result.jid if result else None, "last_result": (result.outcome or None) if result else None}
    return taken(shapes.Entry, line.entry, **times, **last)


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def batches(call: Call) -> shapes.Batches:
    """Read a page of the batches."""
    found = call.app.batches.page(call.text("cursor"), call.count)
    return shapes.Batches([taken(shapes.Batch, each) for each in found], found.cursor)


def batch(call: Call) -> shapes.Batch:
    """Read one batch."""
    return taken(shapes.Batch, there(call.app.batches.find(call.path["bid"]), "batch"))


def limiters(call: Call) -> shapes.Limiters:
    """Read all limiters."""
    return shapes.Limiters([taken(shapes.Limiter, each) for each in call.app.limiters.states()])


def gates(call: Call) -> shapes.Gates:
    """Read a page of the gates by which jobs wait."""
    found = call.app.gates.states()
    chosen, cursor = part(call, found)
    return shapes.Gates([taken(shapes.Gate, each) for each in chosen], len(found), cursor)


def gate(call: Call) -> shapes.GateDetail:
    """Read one gate."""
    try:
        found = call.app.gates[call.path["name"]].look()
    except InvalidOption as error:
        raise Failed(404, str(error)) from error
    return taken(
        shapes.GateDetail,
        found.state,
        holders=[taken(shapes.Holder, each) for each in found.holders],
        jobs=[shape(call, each) for each in found.jobs],
    )


# --- failures, metrics, and what was done -------------------------------------------------------


def failures(call: Call) -> shapes.Failures:
    """Read a page of the failures."""
    found = call.app.failures.page(call.text("cursor"), call.count)
    return shapes.Failures([_failure(call, each) for each in found], found.cursor)


def failure(call: Call) -> shapes.Failure:
    """Read one failure."""
    return _failure(call, there(call.app.failures.find(call.path["signature"]), "failure"))


def _failure(call: Call, failure: object) -> shapes.Failure:
    message = str(getattr(failure, "message", ""))
    kind = str(getattr(failure, "error_class", ""))
    return taken(shapes.Failure, failure, type=kind, message=call.redactor.text(message))


def metrics(call: Call) -> shapes.Series:
    """Read the course of a queue, of a job, or of everything."""
    period = call.text("period") or "1h"
    found = call.app.metrics.series(period, queue=call.text("queue") or None, job=call.text("job") or None)
    return taken(
        shapes.Series,
        found,
        run_p50=found.percentile("run", 0.5),
        run_p95=found.percentile("run", 0.95),
        run_p99=found.percentile("run", 0.99),
        wait_p95=found.percentile("wait", 0.95),
    )


def totals(call: Call) -> shapes.AllTotals:
    """Read the jobs that ran most."""
    found = call.app.metrics.jobs(call.text("period") or "1h", call.count)
    return shapes.AllTotals([taken(shapes.Totals, each, job=each.name) for each in found])


def deploys(call: Call) -> shapes.Deploys:
    """Read the deploys of a period."""
    found = call.app.metrics.deploys(call.text("period") or "7d")
    return shapes.Deploys([taken(shapes.Deploy, each) for each in found])


def stats(call: Call) -> shapes.Stats:
    """Read how all is."""
    found = Overview(call.app.store, call.app.time, call.app.namespace).read()
    return taken(shapes.Stats, found, processes=len(found.processes))


def operations(call: Call) -> shapes.Operations:
    """Read a page of the bulk operations."""
    found = call.app.operations.page(call.text("cursor"), call.count)
    return shapes.Operations([taken(shapes.Operation, each) for each in found], found.cursor)


def operation(call: Call) -> shapes.Operation:
    """Read one bulk operation."""
    return taken(shapes.Operation, there(call.app.operations.find(call.path["id"]), "operation"))


def audit(call: Call) -> shapes.AuditEntries:
    """Read a page of the audit log."""
    found = call.app.audit.page(call.text("cursor"), call.count)
    return shapes.AuditEntries([taken(shapes.AuditEntry, each) for each in found], found.cursor)


_Q: Final = Param("q", "A filter, as in the dashboard: queue:low class:Sync* error:Timeout")
_STATE: Final = Param("state", "Only jobs of this state", terms.STATES)
_PAGED: Final = (CURSOR, COUNT)
_SERIES: Final = (PERIOD, Param("queue", "Only this queue"), Param("job", "Only this job, by its name"))
_SINCE: Final = Param("period", "7d without it", tuple(PERIODS))

LOOKS: Final = (
    Endpoint("GET", "/queues", "List queues", SEE, queues, shapes.Queues, params=_PAGED),
    Endpoint("GET", "/queues/{name:path}", "Show a queue", SEE, queue, shapes.Queue),
    Endpoint("GET", "/jobs", "Search jobs", SEE, jobs, shapes.Jobs, params=(_Q, _STATE, *_PAGED)),
    Endpoint("GET", "/jobs/{jid:path}", "Show a job", SEE, job, shapes.Job),
    Endpoint("GET", "/processes", "List processes", SEE, processes, shapes.Processes),
    Endpoint("GET", "/processes/{identity:path}", "Show a process", SEE, process, shapes.ProcessDetail),
    Endpoint("GET", "/periodic", "List periodic entries", SEE, entries, shapes.Entries, params=_PAGED),
    Endpoint("GET", "/periodic/{name:path}", "Show a periodic entry", SEE, entry, shapes.Entry),
    Endpoint("GET", "/batches", "List batches", SEE, batches, shapes.Batches, params=_PAGED),
    Endpoint("GET", "/batches/{bid}", "Show a batch", SEE, batch, shapes.Batch),
    Endpoint("GET", "/limiters", "List limiters", SEE, limiters, shapes.Limiters),
    Endpoint("GET", "/gates", "List gates by which jobs wait", SEE, gates, shapes.Gates, params=_PAGED),
    Endpoint("GET", "/gates/{name:path}", "Show a gate", SEE, gate, shapes.GateDetail),
    Endpoint("GET", "/failures", "List failures", SEE, failures, shapes.Failures, params=_PAGED),
    Endpoint("GET", "/failures/{signature}", "Show a failure", SEE, failure, shapes.Failure),
    Endpoint("GET", "/metrics", "Show a course in time", SEE, metrics, shapes.Series, params=_SERIES),
    Endpoint("GET", "/metrics/jobs", "List what ran most", SEE, totals, shapes.AllTotals, params=(PERIOD, COUNT)),
    Endpoint("GET", "/deploys", "List deploys", SEE, deploys, shapes.Deploys, params=(_SINCE,)),
    Endpoint("GET", "/stats", "Show how all is", SEE, stats, shapes.Stats),
    Endpoint("GET", "/operations", "List bulk operations", SEE, operations, shapes.Operations, params=_PAGED),
    Endpoint("GET", "/operations/{id}", "Show a bulk operation", SEE, operation, shapes.Operation),
    Endpoint("GET", "/audit", "List who did what", SEE, audit, shapes.AuditEntries, params=_PAGED),
)
