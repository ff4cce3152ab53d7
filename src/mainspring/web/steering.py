"""What can be done to jobs, one or many at once; the actions of all pages that show jobs."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final

from mainspring.api import terms
from mainspring.api.answers import state_of
from mainspring.api.jobs import StoredJob
from mainspring.app import App
from mainspring.base import durations
from mainspring.base.errors import InvalidDuration, InvalidPayload
from mainspring.web import ticked
from mainspring.web.languages import counted, mark, say, told
from mainspring.web.ticked import Outcome, Shown, Tick, Verb
from mainspring.web.view import Act, Action, Done, Role, Unable

#: What each verb needs, which its bulk operation needs too: what destroys is an admin's.
ROLES: Final[Mapping[str, Role]] = {
    "retry": "operator",
    "enqueue": "operator",
    "reschedule": "operator",
    "kill": "operator",
    "delete": "admin",
}
_WAITS: Final = frozenset({"queued", "waiting", "scheduled", "retrying", "dead"})
#: What a state is called, where it stands in a sentence.
_STATES: Final[Mapping[str, str]] = {
    "queued": mark("queued"),
    "running": mark("running"),
    "scheduled": mark("scheduled"),
    "retrying": mark("retrying"),
    "dead": mark("dead"),
    "waiting": mark("waiting"),
}
#: The longest time over which retries are spread, in seconds.
LONGEST_SPREAD: Final = 7 * 86400.0
#: Where a job is, for people.
PLACES: Final[Mapping[str, str]] = {
    "queued": mark("waiting in its queue"),
    "running": mark("running"),
    "scheduled": mark("scheduled"),
    "retrying": mark("waiting for its next attempt"),
    "dead": mark("dead"),
    "waiting": mark("waiting for a limit"),
}


def verb_of(name: str, form: Mapping[str, str], app: App) -> Verb:
    """Return what the action ``job.NAME`` does to each job.

    Raises:
        Unable: If its form says a time that is none.
    """
    if name in {"retry", "enqueue"}:
        return _again(name, form, app)
    if name == "reschedule":
        at = moment(form.get("when", ""), app.time.now())
        return Verb(name, mark("rescheduled"), _WAITS, lambda job: job.reschedule(at))
    if name == "kill":
        return Verb(name, mark("moved to dead"), _WAITS - {"dead"}, StoredJob.kill)
    return Verb(name, mark("deleted"), _WAITS, StoredJob.delete)


def _again(name: str, form: Mapping[str, str], app: App) -> Verb:
    spread = span(form.get("spread", ""))
    states = frozenset({"scheduled", "retrying", "dead"})
    if not spread:
        return Verb(name, mark("retried") if name == "retry" else mark("enqueued"), states, _retry)
    return Verb(name, mark("spread"), states, partial(_later, app.time.now(), spread, app.rng))


def _retry(job: StoredJob) -> bool:
    try:
        return job.retry()
    except InvalidPayload as error:
        text = say("{jid} is no JSON object, so that nobody knows its queue: all one can do is delete it.", jid=job.jid)
        raise Unable(text) from error


def _later(now: float, spread: float, rng: random.Random, job: StoredJob) -> bool:
    return job.reschedule(now + rng.uniform(0, spread))


# --- what forms say ------------------------------------------------------------------------


def span(said: str) -> float:
    """Return the seconds that ``10m`` or ``1h30m`` says; 0 for an empty text.

    Raises:
        Unable: If it is no time span, or longer than a week.
    """
    if not said.strip():
        return 0.0
    try:
        found = durations.seconds(said.strip())
    except InvalidDuration as error:
        raise Unable(say("Nothing was done: {why}", why=told(error))) from error
    if found > LONGEST_SPREAD:
        raise Unable(say("Nothing was done: spread over a week at most."))
    return found


def moment(said: str, now: float) -> float:
    """Return the unix seconds of ``10m`` (from now), or of ``2026-11-22 14:00`` (UTC, unless it says another zone).

    Raises:
        Unable: If it is neither.
    """
    text = said.strip()
    try:
        return now + durations.seconds(text)
    except InvalidDuration:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        why = say("Nothing was done: {text} is no time: write 10m, or 2026-11-22 14:00 (UTC).", text=repr(text[:50]))
        raise Unable(why) from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


# --- doing -----------------------------------------------------------------------------------


def on_jobs(name: str, act: Act) -> Done:
    """Do something to the jobs that a form names."""
    wanted, shown = ticked.ticks(act.many.get("job", ())), Shown.of(act.form)
    verb = verb_of(name, act.form, act.app)
    if len(wanted) == 1:
        return _on_one(verb, act, wanted[0], shown)
    jobs = ticked.look_again(act.app, wanted, shown)
    found = Counter(ticked.act(verb, each, jobs.get(each)) for each in wanted)
    facts = {"done": str(found["done"]), "of": str(len(wanted)), "jids": " ".join(each.jid for each in wanted)[:2000]}
    return Done(summary(verb.past, found), has_effect=found["done"] > 0, facts=facts)


def _on_one(verb: Verb, act: Act, wanted: Tick, shown: Shown) -> Done:
    found = ticked.look_for(act.app, wanted.jid, shown)
    job = found.jobs[0] if found.jobs else None
    outcome = ticked.act(verb, wanted, job)
    if outcome == "done":
        text = say("{jid} was {done}.", jid=wanted.jid, done=say(verb.past))
        return Done(text, to=after(act.form, is_gone=verb.name == "delete"))
    if outcome == "moved" and job is not None and ticked.mark(job) == wanted.mark:
        # Somebody else was quicker by a moment.
        again = ticked.look_for(act.app, wanted.jid)
        job = again.jobs[0] if again.jobs else None
    said = why_not(wanted.jid, outcome, job, verb)
    return Done(said, has_effect=False, to=after(act.form, is_gone=job is None))


def after(form: Mapping[str, str], *, is_gone: bool) -> str:
    """Return which page comes next: not that of a job that is gone; empty for the one that the form stood on."""
    if not is_gone or "/jobs/" not in form.get("back", "").partition("?")[0]:
        return ""
    state = Shown.of(form).state
    return f"/jobs?state={state}" if state else "/jobs"


def why_not(jid: str, outcome: Outcome, job: StoredJob | None, verb: Verb) -> str:
    """Say why nothing was done to the job *jid*, and where it is now."""
    if job is None:
        return say("Nothing was done: {jid} is gone. It is done, or was deleted.", jid=jid)
    where = say(PLACES[state_of(job)])
    if outcome == "unfit":
        return say(
            "Nothing was done: {jid} is {where}, and only what is {states} can be {done}.",
            jid=jid,
            where=where,
            states=_either(verb.states),
            done=say(verb.past),
        )
    return say("Nothing was done: {jid} has moved on since you saw it. It is now {where}.", jid=jid, where=where)


def summary(past: str, found: Mapping[Outcome, int]) -> str:
    """Say what became of many: ``12 retried, 1 was gone``."""
    done = say(past)
    parts = [say("{n} {done}", n=found["done"], done=done) if found["done"] else say("None was {done}", done=done)]
    if found["gone"]:
        parts.append(counted("{n} was gone", "{n} were gone", found["gone"]))
    if found["moved"]:
        parts.append(say("{n} had moved on", n=found["moved"]))
    if found["unfit"]:
        parts.append(counted("{n} cannot be where it is", "{n} cannot be where they are", found["unfit"]))
    return ", ".join(parts) + "."


def _either(states: frozenset[str]) -> str:
    ordered = [say(_STATES[state]) for state in terms.STATES if state in states]
    if not ordered[1:]:
        return ordered[0]
    return say("{some} or {last}", some=", ".join(ordered[:-1]), last=ordered[-1])


def _action(name: str, role: Role, run: Callable[[Act], Done]) -> Action:
    return Action(f"job.{name}", run, role=role, resource="jid")


ACTIONS: Final[Sequence[Action]] = tuple(_action(name, role, partial(on_jobs, name)) for name, role in ROLES.items())
