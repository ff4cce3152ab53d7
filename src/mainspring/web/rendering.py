"""Templates: strict, escaped, and with the words that all of them use."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from functools import partial
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mainspring.base import durations
from mainspring.web import charts, languages, words
from mainspring.web.redaction import Redactor
from mainspring.web.view import Context


class Templates:
    """Renders pages."""

    def __init__(self, redactor: Redactor) -> None:
        """Load templates from the package, with *redactor* for what they show of jobs."""
        env = Environment(
            loader=PackageLoader("mainspring.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
            auto_reload=False,
        )
        env.filters |= {
            "number": words.number,
            "short": words.short,
            "rate": words.rate,
            "seconds": words.seconds,
            "ms": words.ms,
            "size": words.size,
            "last_part": words.last_part,
            "span": words.span,
            "written": durations.in_words,
            "told": languages.told,
            "redacted": redactor.value,
            "redacted_text": redactor.text,
            "json": pretty,
            "segment": segment,
        }
        env.globals |= {
            "_": languages.in_template,
            "ngettext": languages.counted_in_template,
            "percent": words.percent,
            "charts": charts,
            "translated": translated,
            "words": words,
            "zip": zip,
            "dash": words.NONE,
        }
        env.policies["json.dumps_kwargs"] = {"sort_keys": False}
        self._env = env

    def render(self, name: str, context: Context) -> str:
        """Return the text of the template *name*."""
        return self._env.get_template(name).render(context)


def pretty(value: object) -> str:
    """Write a JSON value for people, over several lines."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def translated(texts: Sequence[str]) -> dict[str, str]:
    """Return what scripts say, with what they say instead in the language that is spoken."""
    return {text: said for text in texts if (said := languages.say(text)) != text}


def segment(text: str) -> str:
    """Write a text as one segment of a path; a slash in it would be taken for two segments, so that it stays coded."""
    return quote(text, safe="")


def linker(base: str) -> Callable[..., str]:
    """Return what makes links within the dashboard that is mounted at *base*."""

    def url(path: str, **query: object) -> str:
        said = {name: str(value) for name, value in query.items() if value not in (None, "")}
        return f"{base}{path}" + (f"?{urlencode(said)}" if said else "")

    return url


def clock(now: float) -> Callable[[float | None], Markup]:
    """Return what writes a time as people say it at *now*, with the exact one where they point at it."""
    return partial(_time, now)


def _time(now: float, at: float | None) -> Markup:
    exact = words.moment(at, UTC)
    if exact is None:
        return Markup('<span class="muted">{}</span>').format(words.NONE)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        exact.isoformat(timespec="seconds"), exact.strftime("%Y-%m-%d %H:%M:%S UTC"), words.ago(at, now)
    )


def merged(*contexts: Mapping[str, object]) -> dict[str, object]:
    """Return all of some contexts; the later ones count."""
    return {name: value for context in contexts for name, value in context.items()}
