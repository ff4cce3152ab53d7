"""The terms of a filter: what may be asked of a job, and how it is written."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NoReturn

from mainspring.base import durations
from mainspring.base.errors import InvalidDuration, InvalidFilter
from mainspring.base.phrases import phrase

#: Where a job can be, in the order in which all of them are listed.
STATES: Final = ("running", "queued", "waiting", "retrying", "scheduled", "dead")
_STATES_ALSO: Final = {"retry": "retrying", "enqueued": "queued", "busy": "running"}

#: The keys, and what each asks, for people. ``word`` and ``text`` stand for what has no key.
KEYS: Final = MappingProxyType(
    {
        "queue": phrase("the queue it is in, or will be pushed to"),
        "class": phrase("its job's name, full or short"),
        "error": phrase("the class of its last error, full or short"),
        "message": phrase("what stands in the text of its last error"),
        "tag": phrase("one of its tags"),
        "state": ", ".join(STATES),
        "jid": phrase("its id"),
        "batch": phrase("the id of its batch"),
        "signature": phrase("the signature of its last error"),
        "args": phrase("args.NAME or args.0: an argument; args.user.id: what lies within"),
        "attempts": phrase("how many runs of it have failed: attempts:3, attempts:>3"),
        "age": phrase("for how long it has existed: age:>10m"),
        "wait": phrase("for how long it has waited in its queue: wait:>1m"),
        "due": phrase("in how long it is due: due:<1h"),
        "failed": phrase("how long ago it last failed: failed:<1h"),
    }
)
#: Of several values for one of these, any will do.
ANY_OF: Final = frozenset({"queue", "class", "error", "state", "jid", "batch", "signature"})
SPANS: Final = frozenset({"age", "wait", "due", "failed"})
_SIGNS: Final = (">=", "<=", ">", "<")


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that is asked of a job.

    Attributes:
        key: What of the job is meant; ``word`` or ``text`` if none was written.
        value: What it must be.
        is_pattern: True if the value's ``*`` stand for anything.
        is_negated: True if it must not be so.
    """

    key: str
    value: str
    is_pattern: bool = False
    is_negated: bool = False

    def __str__(self) -> str:
        """Return it as it is written."""
        sign = "-" if self.is_negated else ""
        if self.key == "word":
            return f"{sign}{self.value}"
        if self.key == "text" and not self.is_pattern:
            return f"{sign}{_quoted(self.value)}"
        is_plain = self.is_pattern or (self.value and not _needs_quotes(self.value))
        return f"{sign}{self.key}:{self.value if is_plain else _quoted(self.value)}"


def _needs_quotes(value: str) -> bool:
    return any(sign.isspace() or sign in '"*' for sign in value)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def make(key: str, value: str, *, is_quoted: bool = False, is_negated: bool = False) -> Term:
    """Return a term of what was written.

    Raises:
        InvalidFilter: If there is no such key, or it cannot have that value.
    """
    base = key.partition(".")[0] if key.startswith("args.") else key
    if (base not in KEYS or key == "args") and key not in {"word", "text"}:
        _unknown(key)
    if base == "args" and not all(key.split(".")):
        raise InvalidFilter(
            key, phrase("{key}: write args.NAME, args.0, or args.user.id for what lies within", key=key)
        )
    if not value and not is_quoted:
        why = phrase('{key}: says nothing; write {key}:VALUE, or {key}:"" for what is empty', key=key)
        raise InvalidFilter(key, why)
    if key == "state":
        value = _state(value)
    elif key == "attempts":
        value = _number(value)
    elif key in SPANS:
        value = _span(key, value)
    is_pattern = "*" in value and not is_quoted
    return Term(key, value, is_pattern, is_negated)


def _unknown(key: str) -> NoReturn:
    known = ", ".join("args.NAME" if each == "args" else each for each in KEYS)
    why = phrase(
        'there is no key {key}; known are {known}. Put what is no key in quotes: "{text}:..."',
        key=repr(key[:50]),
        known=known,
        text=key[:50],
    )
    raise InvalidFilter(key, why)


def _state(value: str) -> str:
    found = _STATES_ALSO.get(value, value)
    if found not in STATES:
        why = phrase("state:{value} is none of {states}", value=value[:50], states=", ".join(STATES))
        raise InvalidFilter("state", why)
    return found


def _number(value: str) -> str:
    sign, amount = compared(value)
    if not (amount.isascii() and amount.isdigit() and len(amount) <= 9):
        why = phrase("attempts:{value} is no number; write attempts:3 or attempts:>3", value=value[:50])
        raise InvalidFilter("attempts", why)
    return f"{sign}{int(amount)}"


def _span(key: str, value: str) -> str:
    sign, amount = compared(value)
    if not sign:
        why = phrase("{key}:{value} does not say which way; write {key}:>10m or {key}:<10m", key=key, value=value[:50])
        raise InvalidFilter(key, why)
    try:
        durations.seconds(amount)
    except InvalidDuration as error:
        raise InvalidFilter(key, f"{key}:{value[:50]}: {error}") from error
    return sign + "".join(amount.split())


def compared(value: str) -> tuple[str, str]:
    """Return the sign that an amount begins with, such as ``>``, and the rest."""
    sign = next((sign for sign in _SIGNS if value.startswith(sign)), "")
    return sign, value[len(sign) :].strip()


def names_path(key: str) -> bool:
    """Return whether a key asks for an argument."""
    return key.startswith("args.")


def names_argument(key: str) -> bool:
    """Return whether a key asks for an argument by its name."""
    return names_path(key) and not is_index(key.split(".")[1])


def is_index(name: str) -> bool:
    """Return whether a part of a path is a place in a list."""
    return name.isascii() and name.isdigit() and len(name) <= 6
