"""The Python side: the jobs of `shared.rb` under the same names, and the worker process that runs them.

Run as a program it is a worker; imported, it gives a test the same jobs to enqueue.
"""

from __future__ import annotations

import json
import logging
import os
import select
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mainspring import App, JobContext, Retry, current_job
from mainspring.base import logs
from mainspring.worker import Worker
from scenarios.program import append, boot_time

#: Seconds that no test waits for.
FOR_EVER = 10_000.0


def note(event: str, **facts: object) -> None:
    """Append one line about the running job to the oracle."""
    record = {"event": event, "side": "python", "pid": os.getpid(), "at": boot_time()}
    append(os.environ["ORACLE"], record | {"jid": current_job().jid, **facts})


def mark(name: str) -> Path:
    """Return where the mark *name* is, if it is set."""
    return Path(os.environ["MARKS"]) / name


def is_first(name: str) -> bool:
    """Return True to whichever process asks first, and False to all after it."""
    try:
        os.close(os.open(mark(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


# --- jobs ------------------------------------------------------------------------


def tally(number: int, fails: bool = False) -> None:
    """Count one number; fail at its first start if told to."""
    note("start", number=number)
    if fails and is_first(f"failed-{number}"):
        raise ValueError(f"as number {number} was told")
    note("done", number=number)


def hold(name: str) -> None:
    """Run until a mark is set."""
    note("start", name=name)
    while not mark(name).exists():
        select.select([], [], [], 0.02)
    note("done", name=name)


def doomed(text: str) -> None:
    """Fail whenever it runs."""
    note("start")
    raise ValueError(text)


def echo(*args: Any) -> None:
    """Do nothing but say so."""
    note("start")
    note("done", args=args)


JOBS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {"Tally": tally, "Hold": hold, "Doomed": doomed, "Echo": echo}
)


def make(url: str, wait: float = 1, *, staggered: bool = False) -> App:
    """Return an App that knows all jobs of this file by their Ruby names.

    Args:
        url: The store's.
        wait: Seconds before a failed job is tried again.
        staggered: Let numbers wait between half of that and all of it, and each tenth of them for ever.
    """

    def stagger(count: int, error: BaseException, job: JobContext) -> float:
        number = job.args[0]
        return FOR_EVER if number % 10 == 0 else wait * (0.5 + number % 50 / 100)

    retry = Retry(backoff=stagger) if staggered else Retry(backoff="fixed", base=wait)
    app = App(url, name="shop")
    for name, function in JOBS.items():
        app.job(name=name, retry=retry)(function)
    return app


# --- the process -------------------------------------------------------------------


def main(settings: dict[str, Any]) -> int:
    """Run a worker until it is told to end, and write down what it becomes."""
    logs.configure(service="worker", fmt="json", stream=sys.stderr, level="info")
    staggered = settings.pop("staggered", False)
    app = make(os.environ["MAINSPRING_URL"], settings.pop("wait", 1), staggered=staggered)
    _spoil(settings.pop("mutant", ""))
    worker = Worker(app, settings.pop("concurrency", 5), settings.pop("queues", ["default"]), **settings)
    worker.became = lambda state: append(os.environ["ORACLE"], _life(state))
    return worker.run()


def _life(state: str) -> dict[str, Any]:
    return {"event": state, "side": "python", "pid": os.getpid(), "at": boot_time()}


def _spoil(mutant: str) -> None:
    """Bring a known fault into this process, which the checker must find."""
    if mutant:
        from ruby import mutants

        mutants.apply(mutant)


if __name__ == "__main__":
    threading.current_thread().name = "main"
    logging.raiseExceptions = False
    sys.exit(main(json.loads(sys.argv[1])))
