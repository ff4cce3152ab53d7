"""All that can be known of a job's class before one of its jobs comes, so that it costs little when one does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from mainspring.context import JobContext
from mainspring.features import iteration
from mainspring.features.results import Packer
from mainspring.job import Job
from mainspring.middleware import Middleware, around, around_async
from mainspring.options import RunsIn


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """How the jobs of one class are run.

    Attributes:
        job: The job.
        runs_in: Where they run.
        call: Runs one in a thread, middleware included; None for ``async def``.
        acall: Runs one on an event loop; None for ``def``.
        prepare: Converts arguments and sets carried variables; None if there is nothing to do.
        packer: Makes the result that is kept of what the function returned; None if none ever is.
        is_guarded: True if the guards are asked even of a job that carries nothing of flow control.
        timeout: Seconds that a run may take if its record does not say; None for any.
    """

    job: Job[Any, Any]
    runs_in: RunsIn
    call: Callable[[JobContext], object] | None
    acall: Callable[[JobContext], Awaitable[object]] | None
    prepare: Callable[[JobContext], None] | None
    packer: Packer | None = None
    is_guarded: bool = False
    timeout: float | None = None


def plan(
    job: Job[Any, Any],
    middlewares: tuple[Middleware, ...],
    carried: Mapping[str, ContextVar[Any]],
    *,
    packer: Packer | None = None,
    runner: iteration.Runner | None = None,
) -> Plan:
    """Return the plan of *job*.

    Args:
        job: The job.
        middlewares: Links around each run, the first outermost.
        carried: Context variables that travel with jobs, by name.
        packer: Makes the results that are kept; None if none are.
        runner: Runs it item by item; None if it is no iterable job.
    """
    call, acall = _calls(job, middlewares, runner)
    return Plan(
        job,
        job.options.runs_in or ("thread" if acall is None else "async"),
        call,
        acall,
        _preparation(job, carried),
        packer,
        # Else one that says nothing of encryption, though it holds a ciphertext, would get it for an argument.
        is_guarded=bool(job.options.encrypt),
        timeout=job.options.timeout,
    )


def _calls(
    job: Job[Any, Any], middlewares: tuple[Middleware, ...], runner: iteration.Runner | None
) -> tuple[Callable[[JobContext], object] | None, Callable[[JobContext], Awaitable[object]] | None]:
    """Return what runs a job in a thread, or what runs it on an event loop."""
    function = job.function
    if job.is_async:

        async def acall(context: JobContext) -> object:
            return await function(*context.args, **context.kwargs)

        return None, around_async(middlewares, acall if runner is None else runner.acall)

    def call(context: JobContext) -> object:
        return function(*context.args, **context.kwargs)

    return around(middlewares, call if runner is None else runner.call), None


def _preparation(job: Job[Any, Any], carried: Mapping[str, ContextVar[Any]]) -> Callable[[JobContext], None] | None:
    if not carried and job.arguments.is_plain:
        return None

    def prepare(context: JobContext) -> None:
        values = context.carry
        for name, variable in carried.items():
            if name in values:
                variable.set(values[name])
        if not job.arguments.is_plain:
            context.args, context.kwargs = job.arguments.restore(context.args, context.kwargs)

    return prepare
