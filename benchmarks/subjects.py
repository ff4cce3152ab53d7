"""Who is measured: how to start each, and what its jobs are called."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.process import ROOT
from benchmarks.server import Missing

PROGRAMS = ROOT / "benchmarks" / "programs"


@dataclass(frozen=True)
class Subject:
    """One way to run no-op jobs.

    Attributes:
        name: What the table shows.
        job: The job's name on the wire.
        command: Returns the command line for a number of slots.
        is_endless: True for a worker, that runs until it is told to end.
    """

    name: str
    job: str
    command: Callable[[int], list[str]]
    is_endless: bool = True


def python(program: str) -> list[str]:
    """Return the command line of one of our programs."""
    return [sys.executable, "-m", f"benchmarks.programs.{program}"]


def sidekiq_command(concurrency: int) -> list[str]:
    """Return the command line of a real Sidekiq process."""
    binary = shutil.which("sidekiq")
    if binary is None:
        raise Missing("there is no sidekiq here; on Debian: apt-get install ruby-sidekiq")
    return [binary, "-r", str(PROGRAMS / "sidekiq_jobs.rb"), "-c", str(concurrency), "-q", "default"]


COMMAND = [sys.executable, "-m", "mainspring", "worker", "-A", "benchmarks.programs.shop", "--log-format", "json"]
"""What a user types; its log is lines of JSON with the event's name in each."""

SIDEKIQ = Subject("Sidekiq 6.4.1", "Nop", sidekiq_command)
SYNC = Subject("mainspring def", "nop", lambda _: python("worker"))
ASYNC = Subject("mainspring async def", "anop", lambda _: python("worker"))
LIMIT = Subject("fetch + acknowledge alone", "nop", lambda _: python("limit"), is_endless=False)
