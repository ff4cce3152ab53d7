"""Which gates a job passes before it runs: its class's concurrency, its limiters, and the turns of its key.

The gates stand in the job's record, so that the store can let it wait in a lane at the
push; what each allows is stored apart from it, by the workers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Protocol, TypeAlias, cast

from mainspring.base.errors import InvalidOption
from mainspring.base.flow import MOST_GATES
from mainspring.job import Draft, Job, Tie
from mainspring.store import gates
from mainspring.store.limiters import read_spec

#: Names the gates of one job, by its arguments, which are made if they are needed, and its queue.
Names: TypeAlias = Callable[[Callable[[], SimpleNamespace], str], list[str]]

_Keyed: TypeAlias = Callable[[SimpleNamespace, str], set[str]]

# A name is cut to this by limiters of a key that is too long to be part of it.
_CUT = 100


class Limits(Protocol):
    """A limiter, or one for each key, as an option of a job."""

    def specs(self, arguments: Mapping[str, object]) -> tuple[str, ...]:
        """Return the specs of what limits a job with these *arguments*."""


def tie(job: Job[Any, Any]) -> Tie | None:
    """Return what writes the names of the job's gates into its records; None if it has none.

    Raises:
        InvalidOption: If ``limits`` holds what cannot limit a job.
    """
    names = of(job)
    if names is None:
        return None

    def write(draft: Draft) -> None:
        found = names(draft.named, draft.fields["queue"])
        if found:
            draft.flow["gates"] = found

    return write


def of(job: Job[Any, Any]) -> Names | None:
    """Return what names the gates of the jobs of one class; None if they have none.

    Raises:
        InvalidOption: If ``limits`` holds what cannot limit a job.
    """
    options = job.options
    limits = [_checked(limit, job.name) for limit in options.limits]
    # What each job of the class passes, whatever its arguments are; and what these decide.
    always = {_of_spec(spec) for limit in limits if not _is_keyed(limit) for spec in limit.specs({})}
    keys: list[_Keyed] = [_limits_by(limit) for limit in limits if _is_keyed(limit)]
    if options.concurrency is not None and options.concurrency_key is None:
        always.add(gates.of_job(job.name))
    elif options.concurrency is not None and options.concurrency_key is not None:
        keys.append(_base_by(lambda _: gates.of_job(job.name), options.concurrency_key))
    if options.fair_by is not None:
        keys.append(_base_by(gates.of_turns, options.fair_by))
    if not keys:
        # In the order of their names, so that all scripts pass them in the same order.
        fixed = sorted(always)
        return (lambda _arguments, _queue: fixed.copy()) if fixed else None

    def names(arguments: Callable[[], SimpleNamespace], queue: str) -> list[str]:
        given = arguments()
        return sorted(always.union(*(key(given, queue) for key in keys)))

    return names


def _is_keyed(limit: Limits) -> bool:
    return hasattr(limit, "limiter")


def _limits_by(limit: Limits) -> _Keyed:
    return lambda arguments, _queue: {_of_spec(spec) for spec in limit.specs(vars(arguments))}


def _base_by(base: Callable[[str], str], key: Callable[[Any], object]) -> _Keyed:
    """Return what gives the gate for the value of *key*; none if that is None."""

    def gate(arguments: SimpleNamespace, queue: str) -> set[str]:
        value = key(arguments)
        return set() if value is None else {gates.keyed(base(queue), value)}

    return gate


def definitions(job: Job[Any, Any]) -> dict[str, str]:
    """Return what the gates of the job's class allow, by name or by what the names have in common."""
    found = {}
    if job.options.concurrency is not None:
        found[gates.of_job(job.name)] = str(job.options.concurrency)
    for limit in job.options.limits:
        # Of a limiter for each key the one without.
        whole = cast("Limits", getattr(limit, "limiter", limit))
        for known in filter(None, map(read_spec, whole.specs({}))):
            found[f"{known.kind}:{known.name}"] = gates.allows(known)
            found[f"{known.kind}:{known.name[:_CUT]}"] = gates.allows(known)
    return found


def _of_spec(spec: str) -> str:
    limit = read_spec(spec)
    if limit is None:
        raise InvalidOption(f"limits: {spec!r} describes no limiter")
    return gates.of_limit(limit)


def _checked(limit: object, name: str) -> Limits:
    if not callable(getattr(limit, "specs", None)):
        raise InvalidOption(
            f"limits= of {name} holds {limit!r}: give limiters, such as app.limiter.window(...), or limiter.by(...);"
            f" several of them are passed together, {MOST_GATES} at most"
        )
    return cast("Limits", limit)
