"""Correct what a job is called with and try it again; make a copy of it; cancel it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final
from urllib.parse import urlencode

from mainspring.api.answers import state_of
from mainspring.api.attempts import FinishedJob
from mainspring.api.copies import copy
from mainspring.api.jobs import StoredJob
from mainspring.app import App
from mainspring.base.errors import (
    InvalidName,
    InvalidOption,
    InvalidPayload,
    PayloadTooLarge,
    PushAmbiguous,
    PushFailed,
    WrongArguments,
)
from mainspring.web import calls, steering, ticked
from mainspring.web.languages import mark, say, told
from mainspring.web.redaction import Redactor
from mainspring.web.rendering import pretty, segment
from mainspring.web.ticked import Shown, Verb
from mainspring.web.view import Act, Action, Ask, Context, Done, Gone, Page, Unable

#: Characters of a refused form that are carried back to it.
_LONGEST: Final = 4_000
#: Where a job has to be, to be edited.
STATES: Final = frozenset({"scheduled", "retrying", "dead"})
_REFUSALS: Final = (
    InvalidName,
    InvalidOption,
    InvalidPayload,
    PayloadTooLarge,
    WrongArguments,
    PushFailed,
    PushAmbiguous,
)


def form(ask: Ask) -> Context:
    """Read a job's arguments into a form, and what was written into it before, if that was refused."""
    jid, shown = ask.text("jid"), Shown.of(ask.query)
    found = ticked.look_for(ask.app, jid, shown) if jid else None
    if found is None or not found.jobs:
        raise Gone(say("There is no job {jid} any more: it is done, or was deleted.", jid=jid[:100]))
    job = found.jobs[0]
    args, kwargs = seen(ask.app, job, Redactor(ask.settings.redact))
    return {
        "job": job,
        "state": state_of(job),
        "fits": state_of(job) in STATES,
        "shown": shown,
        "tick": ask.text("job") or ticked.tick(job),
        "args": ask.query.get("args") or pretty(args),
        "kwargs": ask.query.get("kwargs") or pretty(kwargs),
        "queue": ask.text("queue") or job.queue,
        "names": calls.parameters(ask.app, job.name),
        "refused": ask.text("refused"),
    }


def seen(app: App, job: StoredJob, redactor: Redactor) -> tuple[list[object], dict[str, object]]:
    """Return a job's arguments as a person may see them."""
    names = calls.parameters(app, job.name)
    return calls.redacted_args(names, job.args, redactor), {
        name: redactor.value(value, name) for name, value in job.kwargs.items()
    }


def edit(act: Act) -> Done:
    """Push a job with other arguments; what is refused comes back to its form."""
    (wanted, *_), shown = ticked.ticks(act.many.get("job", ())), Shown.of(act.form)
    found = ticked.look_for(act.app, wanted.jid, shown)
    job = found.jobs[0] if found.jobs else None
    try:
        verb = Verb("edit", mark("edited"), STATES, _requeue(act, job) if job is not None else StoredJob.retry)
        outcome = ticked.act(verb, wanted, job)
    except (Unable, *_REFUSALS) as error:
        why = told(error)
        to = _back(act.form, wanted.jid, why)
        return Done(say("Nothing was done: {why}", why=why), to=to, has_effect=False)
    if outcome == "done":
        return Done(say("{jid} was pushed with these arguments.", jid=wanted.jid), to=f"/jobs/{segment(wanted.jid)}")
    to = "/jobs" if job is None else f"/jobs/{segment(wanted.jid)}"
    return Done(steering.why_not(wanted.jid, outcome, job, verb), has_effect=False, to=to)


def _requeue(act: Act, job: StoredJob) -> Callable[[StoredJob], bool]:
    args, kwargs = _json(act.form, "args", "[]"), _json(act.form, "kwargs", "{}")
    if not isinstance(args, list):
        raise Unable(say("args must be a list in [ ]"))
    if not isinstance(kwargs, dict):
        raise Unable(say("kwargs must be an object"))
    whole = restored(act.app, job, Redactor(act.settings.redact), args, kwargs)
    queue = act.form.get("queue", "").strip() or None

    def requeue(each: StoredJob) -> bool:
        return each.requeue(args=whole[0], kwargs=whole[1], queue=queue)

    return requeue


def restored(
    app: App, job: StoredJob, redactor: Redactor, args: list[object] | None, kwargs: dict[str, object] | None
) -> tuple[list[object], dict[str, object]]:
    """Return what a job shall be called with, where what was hidden and not touched is what it was.

    Args:
        app: Knows the names of parameters.
        job: As it is stored.
        redactor: Hides secrets.
        args: As they came back; None for what they were.
        kwargs: Likewise.

    Raises:
        Unable: If a placeholder stands where nothing was hidden.
    """
    old_args, old_kwargs = seen(app, job, redactor)
    whole = list(job.args) if args is None else _list(calls.restored(args, list(job.args), old_args))
    return whole, dict(job.kwargs) if kwargs is None else _mapping(calls.restored(kwargs, dict(job.kwargs), old_kwargs))


def _json(form: Mapping[str, str], name: str, default: str) -> object:
    try:
        return json.loads(form.get(name, "").strip() or default)
    except (ValueError, RecursionError) as error:
        raise Unable(say("{name} is no JSON: {why}", name=name, why=error)) from error


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _back(form: Mapping[str, str], jid: str, why: str) -> str:
    kept = {name: form.get(name, "") for name in ("job", "args", "kwargs", "queue", "state", "cursor")}
    said = {"jid": jid, **kept, "refused": why[:500]}
    if len(urlencode(said)) > _LONGEST:
        said = {"jid": jid, "refused": why[:500]}
    return "/job-edit?" + urlencode(said)


def duplicate(act: Act) -> Done:
    """Enqueue the same call as a new job."""
    found = ticked.look_for(act.app, act.resource, Shown.of(act.form))
    job: StoredJob | FinishedJob | None = found.jobs[0] if found.jobs else act.app.finished(act.resource)
    if job is None:
        raise Gone(say("Nothing was done: {jid} is gone, and so are its arguments.", jid=act.resource))
    try:
        made = act.app.client.enqueue_raw(copy(job.fields, now=act.now))
    except _REFUSALS as error:
        raise Unable(say("Nothing was done: {why}", why=told(error))) from error
    if not made.jid:
        raise Unable(say("Nothing was done: a middleware of the App refused it."))
    return Done(
        say("Enqueued again, as {jid}.", jid=made.jid), to=f"/jobs/{segment(made.jid)}", facts={"made": made.jid}
    )


def cancel(act: Act) -> Done:
    """Drop a job that waits, or tell the process that runs it to end it."""
    (wanted, *_) = ticked.ticks(act.many.get("job", ()))
    found = ticked.look_for(act.app, wanted.jid, Shown.of(act.form))
    job = found.jobs[0] if found.jobs else None
    verb = Verb("cancel", mark("cancelled"), frozenset(steering.PLACES) - {"dead"}, partial(_cancelled, act.app))
    outcome = ticked.act(verb, wanted, job)
    if outcome != "done":
        to = steering.after(act.form, is_gone=job is None)
        return Done(steering.why_not(wanted.jid, outcome, job, verb), has_effect=False, to=to)
    if job is not None and state_of(job) == "running":
        return Done(say("{jid} runs, and its process was told to end it.", jid=wanted.jid))
    return Done(say("{jid} was cancelled.", jid=wanted.jid), to=steering.after(act.form, is_gone=True))


def _cancelled(app: App, job: StoredJob) -> bool:
    found = app.cancel(job.jid)
    if not found and state_of(job) == "running":
        text = say(
            "Nothing was done: {jid} has just ended, or runs in a Ruby process, which cannot be told.", jid=job.jid
        )
        raise Unable(text)
    return bool(found)


PAGES: Final = (Page("/job-edit", "job_edit.html", form, area="/jobs"),)
ACTIONS: Final = (
    Action("job.edit", edit, resource="jid"),
    Action("job.duplicate", duplicate, resource="jid"),
    Action("job.cancel", cancel, role="admin", resource="jid"),
)
