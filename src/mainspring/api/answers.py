"""How the terms of a filter are answered for a job."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

from mainspring.api.jobs import StoredJob
from mainspring.api.places import InFlight, InLane, InQueue
from mainspring.api.terms import ANY_OF, SPANS, Term, compared, is_index, names_path
from mainspring.base import codec, durations, payload
from mainspring.base.errors import InvalidPayload

#: The parameters of jobs, by the jobs' names.
Names: TypeAlias = Mapping[str, Sequence[str]]

_STATE_OF: Final = {"retry": "retrying", "scheduled": "scheduled", "dead": "dead"}


@dataclass(slots=True)
class Look:
    """One job that is compared, and what counts besides.

    Attributes:
        job: The job.
        now: Unix seconds.
        names: The parameters of jobs.
    """

    job: StoredJob
    now: float
    names: Names


Test: TypeAlias = Callable[[Look], bool]


def tests(terms: Sequence[Term]) -> tuple[Test, ...]:
    """Return what must be true of a job for *terms* to hold, what is cheap first."""
    groups: dict[str, list[Test]] = {}
    alone: list[Test] = []
    for term in terms:
        test = _test(term)
        if term.is_negated:
            alone.append(_not(test))
        elif term.key in ANY_OF:
            groups.setdefault(term.key, []).append(test)
        else:
            alone.append(test)
    return (*map(_any, groups.values()), *alone)


def _not(test: Test) -> Test:
    return lambda look: not test(look)


def _any(found: Sequence[Test]) -> Test:
    return found[0] if len(found) == 1 else lambda look: any(test(look) for test in found)


def _test(term: Term) -> Test:
    if names_path(term.key):
        return _of_argument(term)
    if term.key == "attempts" or term.key in SPANS:
        return _of_amount(term)
    if term.key in {"text", "message"}:
        return _of_text(term)
    if term.key == "word":
        return _of_word(term)
    values, fits = _VALUES[term.key], matcher(term)
    return lambda look: any(map(fits, values(look.job)))


def state_of(job: StoredJob) -> str:
    """Return where *job* is, as one of `STATES`."""
    match job.where:
        case InQueue():
            return "queued"
        case InFlight():
            return "running"
        case InLane():
            return "waiting"
        case _:
            return _STATE_OF[job.place]


def short(name: str) -> str:
    """Return the last part of a name of Python's or Ruby's."""
    return name.rpartition(".")[2].rpartition(":")[2]


def _classes(job: StoredJob) -> Iterator[str]:
    for name in dict.fromkeys((job.display_name, job.name)):
        yield name
        if short(name) != name:
            yield short(name)


def _errors(job: StoredJob) -> Iterator[str]:
    name = job.error_class
    if name:
        yield name
        if short(name) != name:
            yield short(name)


def _batch(job: StoredJob) -> Iterator[str]:
    flow = job.fields.get("flow")
    for bid in (flow.get("bid") if isinstance(flow, dict) else None, job.fields.get("bid")):
        if isinstance(bid, str):
            yield bid


def _signature(job: StoredJob) -> Iterator[str]:
    signature = job.fields.get("error_signature")
    if isinstance(signature, str):
        yield signature


_VALUES: Final[Mapping[str, Callable[[StoredJob], Iterator[str] | Sequence[str]]]] = MappingProxyType(
    {
        "queue": lambda job: (job.queue,),
        "class": _classes,
        "error": _errors,
        "tag": lambda job: job.tags,
        "state": lambda job: (state_of(job),),
        "jid": lambda job: (job.jid,),
        "batch": _batch,
        "signature": _signature,
    }
)


def matcher(term: Term) -> Callable[[str], bool]:
    """Return what tells whether a text is a term's value, or is like it."""
    wanted = term.value
    if not term.is_pattern:
        return lambda value: value == wanted
    first, *middle, last = wanted.split("*")
    return lambda value: _is_like(value, first, middle, last)


def _is_like(value: str, first: str, middle: Sequence[str], last: str) -> bool:
    """Return whether *value* begins with *first*, ends with *last*, and has what is *middle* in between, in order."""
    if len(value) < len(first) + len(last) or not value.startswith(first) or not value.endswith(last):
        return False
    place, end = len(first), len(value) - len(last)
    for part in middle:
        place = value.find(part, place, end)
        if place < 0:
            return False
        place += len(part)
    return True


def _of_word(term: Term) -> Test:
    """Answer what was written without a key: the beginning of an id or of a name, in any case."""
    wanted = term.value.lower()
    if term.is_pattern:
        fits = matcher(Term("word", wanted, is_pattern=True))
        return lambda look: any(fits(value.lower()) for value in _words(look.job))
    return lambda look: any(value.lower().startswith(wanted) for value in _words(look.job))


def _words(job: StoredJob) -> Iterator[str]:
    yield job.jid
    yield from _classes(job)


def _of_text(term: Term) -> Test:
    """Answer what shall stand somewhere in a job, or in its error's text, in any case; as bytes, so of ASCII."""
    parts = [part for part in term.value.split("*") if part] if term.is_pattern else [term.value]
    plain = [part.encode().lower() for part in parts]
    if term.key == "message":
        return lambda look: _follow((look.job.error_message or "").encode("utf-8", "replace").lower(), plain)
    escaped = [codec.encode(part)[1:-1].lower() for part in parts]
    if escaped == plain:
        return lambda look: _follow(look.job.raw.lower(), plain)
    return lambda look: any(_follow(look.job.raw.lower(), form) for form in (plain, escaped))


def _follow(text: bytes, parts: Sequence[bytes]) -> bool:
    place = 0
    for part in parts:
        place = text.find(part, place)
        if place < 0:
            return False
        place += len(part)
    return True


# --- amounts -----------------------------------------------------------------------------


def _of_amount(term: Term) -> Test:
    sign, amount = compared(term.value)
    bound = float(amount) if term.key == "attempts" else durations.seconds(amount)
    measure, compare = _MEASURES[term.key], _COMPARE[sign]

    def test(look: Look) -> bool:
        found = measure(look)
        return found is not None and compare(found, bound)

    return test


_COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = MappingProxyType(
    {
        "": lambda found, bound: found == bound,
        ">": lambda found, bound: found > bound,
        ">=": lambda found, bound: found >= bound,
        "<": lambda found, bound: found < bound,
        "<=": lambda found, bound: found <= bound,
    }
)


def _attempts(look: Look) -> float:
    return 0 if look.job.retry_count is None else look.job.retry_count + 1


def _age(look: Look) -> float | None:
    return None if look.job.created_at is None else look.now - look.job.created_at


def _wait(look: Look) -> float | None:
    since = look.job.enqueued_at or look.job.created_at
    return look.now - since if since is not None and isinstance(look.job.where, InQueue | InLane) else None


def _due(look: Look) -> float | None:
    return None if look.job.at is None or look.job.place == "dead" else look.job.at - look.now


def _failed(look: Look) -> float | None:
    last = failed_at(look.job)
    return None if last is None else look.now - last


def failed_at(job: StoredJob) -> float | None:
    """Return when *job* last failed, in unix seconds; None if it never did."""
    return payload.unix(job.fields.get("retried_at")) or job.failed_at


_MEASURES: Final[Mapping[str, Callable[[Look], float | None]]] = MappingProxyType(
    {"attempts": _attempts, "age": _age, "wait": _wait, "due": _due, "failed": _failed}
)


# --- arguments ---------------------------------------------------------------------------


def _of_argument(term: Term) -> Test:
    _, first, *rest = term.key.split(".")
    fits = matcher(term)

    def test(look: Look) -> bool:
        return any(fits(shown) for start in _starts(look.job, first, look.names) for shown in _within(start, rest))

    return test


def _starts(job: StoredJob, first: str, names: Names) -> Iterator[object]:
    """Yield the arguments that *first* may mean."""
    if is_index(first):
        yield from job.args[int(first) : int(first) + 1]
        return
    if first in job.kwargs:
        yield job.kwargs[first]
    known = names.get(job.name, ())
    if first in known:
        place = known.index(first)
        yield from job.args[place : place + 1]
    # Ruby's jobs have no named arguments, and take one hash in their place.
    yield from (each[first] for each in job.args if isinstance(each, dict) and first in each)


def _within(value: object, path: Sequence[str]) -> Iterator[str]:
    """Yield the texts of what lies at *path* within *value*; of a list those of all that is in it."""
    for part in path:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and is_index(part) and int(part) < len(value):
            value = value[int(part)]
        else:
            return
    for each in value if isinstance(value, list) else (value,):
        yield _shown(each)


def _shown(value: object) -> str:
    if isinstance(value, str):
        return value
    try:
        return codec.encode(value).decode()
    except InvalidPayload:
        return ""
