"""Endpoints of the JSON API that do something: the pages' own actions, and some that only programs need."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, cast

import msgspec

from mainspring.api.answers import state_of
from mainspring.api.jobs import StoredJob
from mainspring.base.durations import Duration
from mainspring.base.errors import InvalidPayload
from mainspring.web import bodies, shapes
from mainspring.web.asking import asked
from mainspring.web.bodies import Edited, Jid, Jids, JidsAt, Mark, Meant, NewJob
from mainspring.web.endpoint import Call, Endpoint, Failed
from mainspring.web.endpoints import taken, there
from mainspring.web.pages import job_edit
from mainspring.web.routes import ACTIONS
from mainspring.web.view import Act

#: Jobs that one call does something to; for more there are bulk operations.
JOBS: Final = 20
DAY: Final = 86_400.0
#: Seconds for which deploys are remembered, and may be marked afterwards.
MARKED: Final = 90 * DAY


def acted(action: str, call: Call) -> shapes.Outcome:
    """Do what the button of a page does."""
    meant = next(each for each in ACTIONS if each.name == action)
    form = {name: _text(value) for name, value in msgspec.to_builtins(call.body).items()}
    act = Act(
        call.app,
        form.get(meant.resource, ""),
        form,
        {name: [value] for name, value in form.items()},
        call.user,
        call.now,
        call.settings,
    )
    done = meant.run(act)
    if done.has_effect and meant.is_audited:
        call.app.audit.record(call.user.id, action, act.resource, **done.facts)
    return shapes.Outcome(done.said, done.has_effect, done.facts)


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value}s"
    return "" if value is None else str(value)


# --- jobs --------------------------------------------------------------------------------


def enqueue(call: Call) -> shapes.Enqueued:
    """Enqueue a job."""
    new = cast("NewJob", call.body)
    made = call.app.enqueue(new.job, new.args, new.kwargs, queue=new.queue, at=new.at)
    call.app.audit.record(call.user.id, "job.push", new.job[:200], jid=made.jid, queue=made.queue)
    return taken(shapes.Enqueued, made)


def retry(call: Call) -> shapes.Acted:
    """Run jobs again now."""
    return _each(call, "job.retry", cast("Jids", call.body).jids, StoredJob.retry)


def kill(call: Call) -> shapes.Acted:
    """Move jobs to the dead set."""
    return _each(call, "job.kill", cast("Jids", call.body).jids, StoredJob.kill)


def delete(call: Call) -> shapes.Acted:
    """Drop jobs for good."""
    return _each(call, "job.delete", cast("Jids", call.body).jids, StoredJob.delete)


def cancel(call: Call) -> shapes.Acted:
    """Drop jobs that wait, and tell the processes of those that run to end them."""
    return _each(call, "job.cancel", cast("Jids", call.body).jids, lambda job: bool(call.app.cancel(job.jid)))


def edit(call: Call) -> shapes.Acted:
    """Push a job with other arguments, or into another queue."""
    wanted = cast("Edited", call.body)
    job = there(call.app.find(wanted.jid), "job")
    if state_of(job) not in job_edit.STATES:
        raise Failed(409, f"It is {state_of(job)}; what is scheduled, retrying or dead can be edited.")
    args, kwargs = job_edit.restored(call.app, job, call.redactor, wanted.args, wanted.kwargs)
    if not job.requeue(args=args, kwargs=kwargs, queue=wanted.queue):
        raise Failed(409, "It has moved meanwhile, and nothing was changed.")
    call.app.audit.record(call.user.id, "job.edit", wanted.jid)
    return shapes.Acted({wanted.jid: "done"})


def mark(call: Call) -> shapes.Deploy:
    """Mark a deploy."""
    wanted = cast("Mark", call.body)
    if wanted.at is not None and not -MARKED <= wanted.at - call.now <= DAY:
        raise Failed(422, "A deploy is marked for a moment of the last 90 days, or of the next.")
    made = call.app.metrics.mark_deploy(wanted.label, wanted.at)
    call.app.audit.record(call.user.id, "deploy.mark", made.label, at=str(made.at))
    return taken(shapes.Deploy, made)


def reschedule(call: Call) -> shapes.Acted:
    """Let jobs be due at another time."""
    body = cast("JidsAt", call.body)
    return _each(call, "job.reschedule", body.jids, lambda job: job.reschedule(body.at))


def _each(call: Call, action: str, jids: list[str], do: Callable[[StoredJob], bool]) -> shapes.Acted:
    if not 1 <= len(jids) <= JOBS:
        raise Failed(422, f"Name 1 to {JOBS} jobs; for more there are bulk operations.")
    found = {jid: _fate(call, jid, do) for jid in dict.fromkeys(jids)}
    done = [jid for jid, fate in found.items() if fate == "done"]
    if done:
        resource = done[0] if len(jids) == 1 else ""
        call.app.audit.record(call.user.id, action, resource, done=len(done), of=len(found), jids=" ".join(done)[:2000])
    return shapes.Acted(found)


def _fate(call: Call, jid: str, do: Callable[[StoredJob], bool]) -> str:
    job = call.app.find(jid)
    if job is None:
        return "gone"
    try:
        return "done" if do(job) else "unfit"
    except InvalidPayload:
        return "unfit"


# --- bulk operations ---------------------------------------------------------------------


def start(action: str, call: Call) -> shapes.Operation:
    """Begin to do something to all jobs that a filter means."""
    meant = cast("Meant", call.body)
    spread = cast("Duration | None", meant.spread)
    query = asked(meant.q, call.redactor)
    begun = call.app.operations.start(action, query, state=meant.state, by=call.user.id, spread=spread, at=meant.at)
    return taken(shapes.Operation, begun)


# --- the table -----------------------------------------------------------------------------


def _act(path: str, summary: str, action: str, takes: type[msgspec.Struct], resource: str) -> Endpoint:
    run = partial(acted, action)
    return Endpoint("POST", path, summary, action, run, shapes.Outcome, takes, resource=resource)


def _on_jobs(name: str, summary: str, run: Callable[[Call], shapes.Acted], takes: type[msgspec.Struct]) -> Endpoint:
    return Endpoint("POST", f"/jobs/{name}", summary, f"job.{name}", run, shapes.Acted, takes, resource="jids")


def _bulk(name: str, summary: str) -> Endpoint:
    path, run = f"/operations/{name}", partial(start, name)
    return Endpoint("POST", path, summary, f"operation.{name}", run, shapes.Operation, Meant, resource="state")


_ON_JOBS: Final = (
    ("retry", "Run jobs again now", retry, Jids),
    ("kill", "Move jobs to the dead set", kill, Jids),
    ("delete", "Drop jobs for good", delete, Jids),
    ("reschedule", "Let jobs be due at another time", reschedule, JidsAt),
    ("cancel", "Drop jobs that wait, and end those that run", cancel, Jids),
)
_BULK: Final = (
    ("retry", "Retry all jobs that a filter means"),
    ("enqueue", "Enqueue all scheduled jobs that a filter means now"),
    ("reschedule", "Reschedule all jobs that a filter means"),
    ("kill", "Move all jobs that a filter means to the dead set"),
    ("delete", "Delete all jobs that a filter means"),
)
#: What has a button on a page: where, what it does, the action, what it takes, and what that is done to.
_BUTTONS: Final = (
    ("/jobs/duplicate", "Enqueue the same call as a new job", "job.duplicate", Jid, "jid"),
    ("/operations/cancel", "End a bulk operation", "operation.cancel", bodies.Id, "id"),
    ("/queues/pause", "Start no more jobs of a queue", "queue.pause", bodies.Named, "name"),
    ("/queues/resume", "Let the jobs of a queue start again", "queue.resume", bodies.Named, "name"),
    ("/queues/clear", "Drop all that waits in a queue", "queue.clear", bodies.Clearing, "name"),
    ("/queues/target", "Say for how long the jobs of a queue may wait", "queue.target", bodies.Aim, "name"),
    ("/queues/concurrency", "Say how many jobs of a queue run at once", "queue.concurrency", bodies.Most, "name"),
    ("/processes/quiet", "Let a process start no more jobs", "process.quiet", bodies.Named, "name"),
    ("/processes/stop", "Let a process end", "process.stop", bodies.Named, "name"),
    ("/processes/dump", "Let a process write its stacks to its log", "process.dump", bodies.Named, "name"),
    ("/periodic/trigger", "Enqueue the job of a periodic entry now", "entry.run", bodies.Named, "name"),
    ("/periodic/pause", "Pass over the ticks of a periodic entry", "entry.pause", bodies.Named, "name"),
    ("/periodic/resume", "Let the ticks of a periodic entry count again", "entry.resume", bodies.Named, "name"),
    ("/batches/cancel", "Let no more jobs of a batch start", "batch.cancel", bodies.Bid, "bid"),
    ("/limiters/reset", "Forget what was taken of a limiter", "limit.reset", bodies.Named, "name"),
)
_PUSH: Final = Endpoint(
    "POST", "/jobs", "Enqueue a job", "job.push", enqueue, shapes.Enqueued, NewJob, resource="job", role="operator"
)
_EDIT: Final = Endpoint(
    "POST", "/jobs/edit", "Correct a job and push it", "job.edit", edit, shapes.Acted, Edited, resource="jid"
)
_MARK: Final = Endpoint(
    "POST", "/deploys", "Mark a deploy", "deploy.mark", mark, shapes.Deploy, Mark, resource="label", role="operator"
)

DEEDS: Final[tuple[Endpoint, ...]] = (
    _PUSH,
    _EDIT,
    _MARK,
    *tuple(_on_jobs(*row) for row in _ON_JOBS),
    *tuple(_bulk(*row) for row in _BULK),
    *tuple(_act(*row) for row in _BUTTONS),
)
