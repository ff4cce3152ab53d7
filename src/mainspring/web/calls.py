"""The arguments of a job as people see them: by name where the App knows its parameters, and without secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from mainspring.app import App
from mainspring.base.sealed import SHOWN, is_sealed
from mainspring.web.languages import say
from mainspring.web.redaction import HIDDEN, Redactor
from mainspring.web.view import Unable

#: Characters of a call that stand in a row.
LONGEST: Final = 160


def parameters(app: App, name: str) -> Sequence[str]:
    """Return the names of what the job *name* takes by position; none if the App does not know it."""
    job = app.jobs.get(name)
    return () if job is None else job.arguments.positional


def named(
    names: Sequence[str], args: Sequence[object], kwargs: Mapping[str, object], redactor: Redactor
) -> dict[str, object]:
    """Return the arguments of a call by name, or by place where they have none, without what is secret in them."""
    places = [*names[: len(args)], *map(str, range(len(names), len(args)))]
    pairs = {**dict(zip(places, args, strict=True)), **kwargs}
    return {name: _shown(value, name, redactor) for name, value in pairs.items()}


def in_short(call: Mapping[str, object]) -> str:
    """Write a call in one line."""
    parts = []
    for name, value in call.items():
        text = json.dumps(value, ensure_ascii=False, default=str) if not _is_word(value) else str(value)
        text = text.replace(HIDDEN, HIDDEN.partition(" ")[0])
        parts.append(text if name.isdigit() else f"{name}={text}")
        if sum(map(len, parts)) > LONGEST:
            break
    line = ", ".join(parts)
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}"


def redacted_args(names: Sequence[str], args: Sequence[object], redactor: Redactor) -> list[object]:
    """Return positional arguments without what is secret in them."""
    places = [*names[: len(args)], *("" for _ in args[len(names) :])]
    return [redactor.value(value, name) for name, value in zip(places, args, strict=True)]


def restored(edited: object, old: object, shown: object) -> object:
    """Return what a person has edited, with the secrets that the person was not shown.

    Args:
        edited: What came back.
        old: What was stored.
        shown: What the person was shown of it.

    Raises:
        Unable: If a placeholder stands where nothing was hidden.
    """
    if _written(edited) == _written(shown):
        return old
    if isinstance(edited, dict):
        olds, shows = _mapping(old), _mapping(shown)
        return {key: restored(value, olds.get(key), shows.get(key, HIDDEN * 2)) for key, value in edited.items()}
    if isinstance(edited, list):
        pairs = zip(_padded(old, edited), _padded(shown, edited), strict=True)
        return [restored(value, *pair) for value, pair in zip(edited, pairs, strict=True)]
    if isinstance(edited, str) and HIDDEN in edited:
        text = say(
            "{sign} stands for what you may not see: leave it where it was, or write something else.", sign=HIDDEN
        )
        raise Unable(text)
    return edited


def _written(value: object) -> str:
    # As JSON, in which 1 and true are two things.
    return json.dumps(value, sort_keys=True, default=str)


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _padded(value: object, edited: Sequence[object]) -> list[object]:
    found = list(value) if isinstance(value, list) else []
    # What nobody was shown equals nothing.
    return [*found[: len(edited)], *(HIDDEN * 2 for _ in edited[len(found) :])]


def _shown(value: object, name: str, redactor: Redactor) -> object:
    return SHOWN if is_sealed(value) else redactor.value(value, name)


def _is_word(value: object) -> bool:
    return value in (HIDDEN, SHOWN)
