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

#: Names the gates of one job, by its arguments and its queue.
Names: TypeAlias = Callable[[SimpleNamespace, str], list[str]]

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
        found = names(draft.named(), draft.fields["queue"])
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
    key, fair_by = options.concurrency_key, options.fair_by
    if options.concurrency is None and fair_by is None and not limits:
        return None

    def names(arguments: SimpleNamespace, queue: str) -> list[str]:
        found = {_of_spec(spec) for limit in limits for spec in limit.specs(vars(arguments))}
        if options.concurrency is not None:
            found |= _keyed(gates.of_job(job.name), arguments, key)
        if fair_by is not None:
            found |= _keyed(gates.of_turns(queue), arguments, fair_by)
        # In the order of their names, so that all scripts pass them in the same order.
        return sorted(found)

    return names


def _keyed(base: str, arguments: SimpleNamespace, key: Callable[[Any], object] | None) -> set[str]:
    """Return the gate for the value of *key*; none if that is None."""
    if key is None:
        return {base}
    value = key(arguments)
    return set() if value is None else {gates.keyed(base, value)}


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
