"""One job, wherever it is: its story, its error, its arguments, and what can be done with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from mainspring.api.answers import state_of
from mainspring.api.attempts import FinishedJob
from mainspring.api.cancel import identity_of
from mainspring.api.jobs import StoredJob
from mainspring.api.query import of_ids
from mainspring.base.sealed import is_sealed
from mainspring.web import calls, frames, story, ticked
from mainspring.web.languages import say
from mainspring.web.redaction import Redactor
from mainspring.web.settings import Link, Settings
from mainspring.web.ticked import Shown
from mainspring.web.view import Ask, Context, Gone, Moved, Page

_TRACE: Final = re.compile("[0-9a-f]{32}")
_PLACEHOLDERS: Final = ("{jid}", "{trace_id}", "{class}")
#: Characters of a payload that is no JSON, and of a field of one that is.
_LONGEST: Final = 10_000
#: Shown elsewhere, and unreadable as they are stored.
_SHOWN_ABOVE: Final = ("error_backtrace",)


@dataclass(frozen=True, slots=True)
class Belongs:
    """What a job belongs to, and what holds it.

    Attributes:
        batch: The id of its batch; empty without.
        entry: The periodic entry whose tick it is for; likewise.
        lock: The digest of its unique lock; likewise.
        until: Until when that holds: ``start`` or ``success``.
        gates: The limits that it passes before it runs.
        process: The identity of the process that runs it; empty if none does.
    """

    batch: str
    entry: str
    lock: str
    until: str
    gates: tuple[str, ...]
    process: str


def one(ask: Ask) -> Context:
    """Read a job in any state, or what is kept of one that is done."""
    jid, shown = ask.path["jid"], Shown.of(ask.query)
    found, kept = ticked.story(ask.app, jid, shown)
    job: StoredJob | FinishedJob | None = found.jobs[0] if found.jobs else None
    job, attempts = job or kept.finished, list(kept.attempts)
    if job is None and not attempts:
        if not found.is_complete:
            raise Moved("/jobs", q=str(of_ids([jid])), cursor=found.cursor, searched=str(found.searched))
        raise Gone(_nowhere(jid, found.total))
    state = state_of(job) if isinstance(job, StoredJob) else "gone" if job is None else "done"
    started_at = found.started.get(jid) if state == "running" else None
    return {
        "jid": jid,
        "job": job,
        "stored": job if isinstance(job, StoredJob) else None,
        "state": state,
        "shown": shown,
        "tick": ticked.tick(job) if isinstance(job, StoredJob) else "",
        "attempts": attempts,
        "story": story.told(job, state, attempts, started_at, ask.now),
        "error": _error(job, attempts),
        "overdue": _overdue(job, state, ask.now),
        "progress": kept.progress if state == "running" else None,
        **_facts(ask, job, jid),
    }


def _nowhere(jid: str, total: int) -> str:
    return say(
        "There is no job {jid}. Looked at all {n} jobs that run, wait, are scheduled, are retried or are dead, and at"
        " what is kept of jobs that are done. It is done, was deleted, or never was.",
        jid=jid[:100],
        n=f"{total:,}",
    )


def _facts(ask: Ask, job: StoredJob | FinishedJob | None, jid: str) -> dict[str, object]:
    redactor = Redactor(ask.settings.redact)
    fields: Mapping[str, object] = job.fields if job is not None else {}
    names = calls.parameters(ask.app, job.name) if job is not None else ()
    return {
        "call": calls.named(names, job.args, job.kwargs, redactor) if job is not None else {},
        "is_sealed": job is not None and any(map(is_sealed, (*job.args, *job.kwargs.values()))),
        "belongs": belongs(fields, job.process if isinstance(job, StoredJob) else None),
        "flow": _mapping(fields.get("flow")),
        "most": most_attempts(fields.get("retry")),
        "links": links(ask.settings, fields, jid),
        "raw": raw(job, names, redactor) if job is not None else None,
    }


def _error(job: StoredJob | FinishedJob | None, attempts: object) -> dict[str, object] | None:
    """Return the last error: what the job says of it, else its newest attempt."""
    last = next((each for each in attempts if each.error_class), None) if isinstance(attempts, list) else None
    if isinstance(job, StoredJob) and job.error_class:
        lines = job.backtrace or (last.backtrace if last is not None else ())
        name, message, signature = job.error_class, job.error_message or "", job.signature
    elif last is not None:
        name, message, signature, lines = last.error_class, last.error_message or "", last.signature, last.backtrace
    else:
        return None
    return {"name": name, "message": message, "signature": signature, "frames": frames.folded(lines)}


def _overdue(job: StoredJob | FinishedJob | None, state: str, now: float) -> float:
    if not isinstance(job, StoredJob) or job.at is None or state not in {"scheduled", "retrying"}:
        return 0.0
    return now - job.at if now - job.at > 60 else 0.0


def belongs(fields: Mapping[str, object], holder: str | None) -> Belongs:
    """Return what a job belongs to, by its fields, which strangers may have written."""
    flow, periodic = _mapping(fields.get("flow")), _mapping(fields.get("periodic"))
    gates = flow.get("gates")
    return Belongs(
        batch=_text(flow.get("bid")),
        entry=_text(periodic.get("name")),
        lock=_text(flow.get("lock")),
        until=_text(flow.get("until")) or "success",
        gates=tuple(gate for gate in gates if isinstance(gate, str))[:16] if isinstance(gates, list) else (),
        process=identity_of(holder) if holder and "." in holder.rpartition(":")[2] else holder or "",
    )


def most_attempts(retry: object) -> int | None:
    """Return how many attempts a job has at most; None if it does not say."""
    if isinstance(retry, bool):
        return 26 if retry else 1
    return retry + 1 if isinstance(retry, int) and retry >= 0 else None


def links(settings: Settings, fields: Mapping[str, object], jid: str) -> list[Link]:
    """Return the links out that are about one job, with what it has filled in; none that lacks something."""
    trace = _trace(fields)
    values = {"{jid}": jid, "{trace_id}": trace, "{class}": _text(fields.get("class"))}
    found = []
    for link in settings.links:
        used = [name for name in _PLACEHOLDERS if name in link.url]
        if used and all(values[name] for name in used):
            url = link.url
            for name in used:
                url = url.replace(name, quote(values[name].encode("utf-8", "replace"), safe=""))
            found.append(Link(link.title, url))
    return found


def _trace(fields: Mapping[str, object]) -> str:
    carry = _mapping(fields.get("carry"))
    for said in (fields.get("trace_id"), fields.get("traceparent"), carry.get("trace_id"), carry.get("traceparent")):
        found = _TRACE.search(said) if isinstance(said, str) else None
        if found:
            return found[0]
    return ""


def raw(job: StoredJob | FinishedJob, names: object, redactor: Redactor) -> object:
    """Return a job's record as it is stored, without what is secret in it."""
    if not job.fields:
        return redactor.text(job.raw[:_LONGEST].decode("utf-8", "replace"))
    known = names if isinstance(names, tuple | list) else ()
    kept = {name: value for name, value in job.fields.items() if name not in {"args", *_SHOWN_ABOVE}}
    record = redactor.value(kept)
    args = calls.redacted_args(known, job.args, redactor)
    return {**record, "args": args} if isinstance(record, dict) else record


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


PAGES: Final = (Page("/jobs/{jid:path}", "job.html", one, area="/jobs", every=5.0),)
