"""The filter language: which jobs are meant, in one line that a person types.

``queue:low class:Sync* error:HTTPError args.contact_id:50008 attempts:>3 age:>10m "free text"``

All terms are to hold, and ``-`` before one turns it round. Of several values for one of
``queue``, ``class``, ``error``, ``state``, ``jid``, ``batch`` and ``signature`` any will do. No term is a regular
expression, and a job is compared in a time that grows with its length and no faster.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from mainspring.api import answers, terms
from mainspring.api.answers import Look, Names, Test
from mainspring.api.jobs import StoredJob
from mainspring.api.terms import Term
from mainspring.base.errors import InvalidFilter
from mainspring.base.phrases import phrase
from mainspring.job import Job

#: The longest text, in characters, and the most terms in it.
LONGEST: Final = 2_000
MOST_TERMS: Final = 20

_JID: Final = re.compile("[0-9a-f]{24}")
_NOBODY: Final[Names] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Query:
    """Which jobs are meant; all of them, if it has no terms. Two that mean the same by the same words are equal.

    Attributes:
        terms: What must hold, in the order in which it was written.
    """

    terms: tuple[Term, ...] = ()
    _tests: tuple[Test, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make ready to compare many jobs."""
        object.__setattr__(self, "_tests", answers.tests(self.terms))

    def __str__(self) -> str:
        """Return the text that `parse` reads as this query."""
        return " ".join(map(str, self.terms))

    def __bool__(self) -> bool:
        """Return False if it means every job."""
        return bool(self.terms)

    def matches(self, job: StoredJob, now: float, *, names: Names = _NOBODY) -> bool:
        """Return whether *job* is meant.

        Args:
            job: A job, as it was read.
            now: Unix seconds, for ages.
            names: The parameters of jobs by the jobs' names, so that ``args.contact_id`` finds what was passed by
                position as well.
        """
        look = Look(job, now, names)
        return all(test(look) for test in self._tests)

    def without(self, key: str | Term) -> Query:
        """Return this query without the terms of *key*, or without one term."""
        return Query(tuple(term for term in self.terms if key not in {term, term.key}))

    def values(self, key: str) -> tuple[str, ...]:
        """Return what is asked of *key*, as it was written, less what is asked not to be."""
        return tuple(term.value for term in self.terms if term.key == key and not term.is_negated)

    def may_be_in(self, queue: str) -> bool:
        """Return whether jobs that wait in *queue* can be meant, so far as its name says."""
        wanted = [term for term in self.terms if term.key == "queue" and not term.is_negated]
        refused = (term for term in self.terms if term.key == "queue" and term.is_negated)
        is_wanted = not wanted or any(answers.matcher(term)(queue) for term in wanted)
        return is_wanted and not any(answers.matcher(term)(queue) for term in refused)

    @property
    def jid(self) -> str | None:
        """The id of the one job that is meant, if that is all that is asked for; else None."""
        if len(self.terms) != 1 or self.terms[0].is_negated or self.terms[0].is_pattern:
            return None
        term = self.terms[0]
        return term.value if term.key == "jid" or (term.key == "word" and _JID.fullmatch(term.value)) else None


def parse(text: str) -> Query:
    """Read a filter.

    Raises:
        InvalidFilter: If it is too long, has a key that there is none of, or a value that the key cannot have; the
            text names the key and lists those that there are.
    """
    if not isinstance(text, str):
        raise InvalidFilter("", phrase("a filter is a text, not {type}", type=type(text).__name__))
    if len(text) > LONGEST:
        raise InvalidFilter("", phrase("a filter has at most {n} characters", n=f"{LONGEST:,}"))
    if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
        raise InvalidFilter("", phrase("a filter has no half of a surrogate pair"))
    found: list[Term] = []
    place = _blank(text, 0)
    while place < len(text):
        term, place = _term(text, place)
        found.append(term)
        if len(found) > MOST_TERMS:
            raise InvalidFilter("", phrase("a filter has at most {n} terms", n=MOST_TERMS))
        place = _blank(text, place)
    return Query(tuple(found))


def as_query(query: str | Query) -> Query:
    """Return *query*, read if it is a text.

    Raises:
        InvalidFilter: As for `parse`.
    """
    return query if isinstance(query, Query) else parse(query)


def parameters(query: Query, jobs: Mapping[str, Job[Any, Any]]) -> dict[str, list[str]]:
    """Return the parameters that *jobs* take by position, of those alone in which *query* asks for one by its name."""
    asked = {term.key.split(".")[1] for term in query.terms if terms.names_argument(term.key)}
    found = {name: list(job.arguments.positional) for name, job in jobs.items()} if asked else {}
    return {name: names for name, names in found.items() if not asked.isdisjoint(names)}


def _blank(text: str, place: int) -> int:
    while place < len(text) and text[place].isspace():
        place += 1
    return place


def _term(text: str, place: int) -> tuple[Term, int]:
    is_negated = text[place] == "-"
    start = place + is_negated
    end = start
    while end < len(text) and not text[end].isspace() and text[end] != '"':
        end += 1
    word = text[start:end]
    if end < len(text) and text[end] == '"':
        value, end = _quoted(text, end)
        if word and not word.endswith(":"):
            why = phrase('a quote begins a value, as in error:"no route", and not within {word}', word=repr(word))
            raise InvalidFilter("", why)
        return terms.make(word[:-1] if word else "text", value, is_quoted=True, is_negated=is_negated), end
    if not word:
        raise InvalidFilter("", phrase("a - stands before what is not wanted, without a blank"))
    key, colon, value = word.partition(":")
    if not colon or (value.startswith(":") and key not in terms.KEYS):
        # Foo::Bar is the name of a class.
        return terms.make("word", word, is_negated=is_negated), end
    return terms.make(key, value, is_negated=is_negated), end


def _quoted(text: str, place: int) -> tuple[str, int]:
    """Return what stands between the quote at *place* and its like, and where that ends."""
    found, end = [], place + 1
    while end < len(text) and text[end] != '"':
        end += text[end] == "\\" and text[end + 1 : end + 2] in {'"', "\\"}
        found.append(text[end])
        end += 1
    if end == len(text):
        raise InvalidFilter(
            "", phrase("the quote before {text} is not closed", text=repr(text[place + 1 : place + 31]))
        )
    if end + 1 < len(text) and not text[end + 1].isspace():
        raise InvalidFilter("", phrase("a blank stands between a quote that is closed and the next term"))
    return "".join(found), end + 1


def of_ids(jids: Sequence[str]) -> Query:
    """Return the filter that means the jobs with some ids."""
    return Query(tuple(terms.make("jid", jid, is_quoted=True) for jid in jids))
