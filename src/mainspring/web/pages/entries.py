"""Entries that a person writes: the form, and what takes it. What is refused is refused by the API, in its words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from mainspring.base.durations import in_words, seconds
from mainspring.base.errors import InvalidSchedule
from mainspring.web import words
from mainspring.web.languages import say, told
from mainspring.web.pages.clock import REFUSALS, line_of, path_of
from mainspring.web.view import Act, Action, Ask, Context, Done, Page

#: The fields of the form that are texts, as the API calls them.
TEXTS: Final = (
    *("name", "job", "every", "cron", "at", "tz", "queue", "missed", "overlap", "dst"),
    *("grace", "jitter", "start", "end", "description"),
)
#: Those that hold several, each on a line of its own.
LISTS: Final = ("at", "exclude")
SWITCHES: Final = ("skip_first_run", "paused")
#: Those that hold JSON.
DOCUMENTS: Final = ("args", "kwargs")
_CHOICES: Final = {
    "missed": ("once", "all", "skip"),
    "overlap": ("allow", "skip", "buffer"),
    "dst": ("vixie", "skip", "both"),
}
#: A form that was refused comes back with what was written, if the link to it is not longer.
_LONGEST: Final = 6_000


def form(ask: Ask) -> Context:
    """Read what stands in the form: what was written and refused, else the entry as it is, else nothing."""
    edited, is_refused = ask.text("entry"), "refused" in ask.query
    values = dict(ask.query) if is_refused else _written(ask, edited) if edited else {}
    return {
        "values": {name: str(values.get(name, "")) for name in (*TEXTS, "exclude", *DOCUMENTS, *SWITCHES)},
        "edited": edited,
        "problem": ask.text("refused"),
        "jobs": sorted(ask.app.jobs),
        "choices": _CHOICES,
    }


def put(act: Act) -> Done:
    """Define an entry, or change it."""
    try:
        entry = act.app.periodic.put_row(_row(act.form))
    except REFUSALS as error:
        return Done(say("Not saved: {why}", why=told(error)), to=_back(act.form, told(error)), has_effect=False)
    facts = {"schedule": entry.schedule, "job": entry.job}
    return Done(say("{entry} is saved.", entry=entry.name), to=path_of(entry.name), facts=facts)


def _row(form: Mapping[str, str]) -> Mapping[str, object]:
    said: dict[str, object] = {name: form[name].strip() for name in TEXTS if form.get(name, "").strip()}
    for name in LISTS:
        lines = [line.strip() for line in form.get(name, "").splitlines() if line.strip()]
        if lines:
            said[name] = lines
    for name in DOCUMENTS:
        if form.get(name, "").strip():
            said[name] = _document(name, form[name])
    said |= {name: True for name in SWITCHES if form.get(name)}
    return said


def _document(name: str, text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        example = "[42]" if name == "args" else '{"customer": 42}'
        raise InvalidSchedule(text[:200], f"{name}: write JSON, such as {example}; {error}") from error


def _written(ask: Ask, name: str) -> Mapping[str, object]:
    """Return the fields of an entry as it is."""
    found = line_of(ask, name).entry.definition
    moments = {key: words.moment(getattr(found, key)) for key in ("start", "end")}
    spans = {"every": found.every, "grace": found.grace, "jitter": found.jitter or None}
    return {
        **{key: getattr(found, key) or "" for key in ("name", "job", "cron", "tz", "queue", "description")},
        **{key: getattr(found, key) for key in _CHOICES},
        **{key: "" if span is None else _exact(span) for key, span in spans.items()},
        **{key: "" if moment is None else moment.isoformat() for key, moment in moments.items()},
        "at": "\n".join(found.at),
        "exclude": "\n".join(found.exclude),
        "args": json.dumps(found.args) if found.args else "",
        "kwargs": json.dumps(found.kwargs) if found.kwargs else "",
        "skip_first_run": "1" if found.skip_first_run else "",
    }


def _exact(span: float) -> str:
    said = in_words(span)
    return said if seconds(said) == span else f"{span:g}s"


def _back(form: Mapping[str, str], why: str) -> str:
    """Return the form again, filled with what was written; what is far too long for a link is left out."""
    fields = (*TEXTS, "exclude", *DOCUMENTS, *SWITCHES, "entry")
    said = {name: form[name] for name in fields if form.get(name)}
    while said and len(urlencode(said)) > _LONGEST:
        del said[max(said, key=lambda name: len(said[name]))]
    return "/entry-form?" + urlencode({**said, "refused": why[:1_000]})


PAGES: Final = (Page("/entry-form", "entry_form.html", form, area="/clock"),)
ACTIONS: Final = (Action("entry.put", put),)
