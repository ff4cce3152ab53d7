"""What must stand in the bytes of a job that a filter means, so that the server can pass over all others.

That is a coarse sieve: it lets jobs through that are not meant, and holds none back that
are. So a value is only searched for by what any program writes of it in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mainspring.api.answers import matcher
from mainspring.api.query import Query
from mainspring.api.terms import ANY_OF, SPANS, Term, names_path

_SAFE: Final = re.compile(r"[A-Za-z0-9_.\-]+")
#: Read from elsewhere than the job's bytes, or compared as numbers.
_ELSEWHERE: Final = frozenset({"state", "attempts"}) | SPANS
#: Written in another way than we show it.
_SHOWN_OTHERWISE: Final = frozenset({"True", "False", "None"})
#: One number is written in several ways, unless it is whole.
_NUMBER: Final = re.compile("[-+0-9.eE*]*|nan|inf")


@dataclass(frozen=True, slots=True)
class Sieve:
    """Words, of each group of which one must stand in a job.

    Attributes:
        groups: The words.
        folds: True if the case of ASCII letters does not matter; then they are in lower case.
    """

    groups: Sequence[Sequence[bytes]] = ()
    folds: bool = False


def sieve(query: Query, *, in_queue: bool = False) -> Sieve:
    """Return what must stand in the bytes of what *query* means.

    Args:
        query: The filter.
        in_queue: True for jobs of a queue, which need not name it.
    """
    if query.jid and not query.jid.startswith("raw-"):
        # Ids have no capitals, so that none need be made small.
        return Sieve([[query.jid.encode()]] if _SAFE.fullmatch(query.jid) else ())
    groups: dict[object, list[bytes]] = {}
    folds = False
    skipped: set[object] = set()
    for place, term in enumerate(query.terms):
        if term.is_negated or term.key in _ELSEWHERE or (term.key == "queue" and in_queue):
            continue
        group: object = term.key if term.key in ANY_OF else place
        word = _word(term)
        if not word:
            skipped.add(group)
        groups.setdefault(group, []).append(word.encode())
        folds = folds or term.key in {"word", "text", "message"}
    words = [found for group, found in groups.items() if group not in skipped]
    return Sieve([[word.lower() for word in found] for found in words] if folds else words, folds)


def _word(term: Term) -> str:
    """Return the longest part of a term's value that must stand in a job as it is; empty if there is none."""
    value = term.value
    parts = value.split("*") if term.is_pattern else [value]
    longest = max((run for part in parts for run in _SAFE.findall(part)), key=len, default="")
    return "" if _is_written_otherwise(term, longest) else longest


def _is_written_otherwise(term: Term, word: str) -> bool:
    """Return whether a job can be meant in which *word*, a part of the term's value, does not stand."""
    value = term.value
    if term.key == "queue":
        return matcher(term)("default")
    if term.key == "class":
        return matcher(term)("(unreadable)")
    if term.key in {"word", "jid"}:
        # What has no id or name is shown by the hash of its bytes.
        return term.is_pattern or "raw-".startswith(value.lower()[:4]) or "(unreadable)".startswith(value.lower())
    if term.key == "tag" or names_path(term.key):
        return word in _SHOWN_OTHERWISE or (not value.isdigit() and _NUMBER.fullmatch(value) is not None)
    return False
