"""Builds what runs the jobs of an App: the same in a worker as in the processes that it lets some jobs run in."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from mainspring.context import Holding
from mainspring.features import iteration
from mainspring.job import Job
from mainspring.worker.cancellations import Cancellations
from mainspring.worker.executor import Executor, Guard, Trust
from mainspring.worker.guards import guards, packer
from mainspring.worker.host import Host
from mainspring.worker.judge import Judge
from mainspring.worker.plan import Plan, plan
from mainspring.worker.report import Reporter
from mainspring.worker.watch import Limits


def executor(
    app: Host,
    *,
    outer: Sequence[Guard] = (),
    holding: Callable[[str], Holding],
    cancellations: Cancellations,
    limits: Limits | None,
    lease: Trust,
    reporter: Reporter,
    is_stopping: Callable[[], bool],
    rng: random.Random,
    memory: int = 0,
) -> Executor:
    """Return what runs the jobs of *app*; see `Executor` and `Judge` for the arguments.

    Raises:
        EncryptionUnavailable: If the arguments of a job are encrypted, and there is no key or no library.
    """
    # First, since it looks whether there are keys for all.
    asked = (*outer, *guards(app))
    judge = Judge(
        handlers=app.handlers,
        cancelled=cancellations.asked,
        is_stopping=is_stopping,
        time=app.time,
        rng=rng,
        memory=memory,
    )
    return Executor(
        {name: _plan(app, job) for name, job in app.jobs.items()},
        judge=judge,
        handlers=app.handlers,
        guards=asked,
        outer=outer,
        holding=holding,
        cancellations=cancellations,
        limits=limits,
        lease=lease,
        reporter=reporter,
        time=app.time,
    )


def _plan(app: Host, job: Job[Any, Any]) -> Plan:
    runner = iteration.runner(job.function, store=app.store, time=app.time)
    return plan(job, app.performers, app.client.carried, packer=packer(app, job), runner=runner)
