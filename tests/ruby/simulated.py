"""The real clockwork under a simulated clock, and our rules beside it: who runs what when."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mainspring.base.durations import seconds
from mainspring.schedule import every
from mainspring.schedule.zones import Dst

PROGRAM = Path(__file__).parent / "clockwork.rb"
PARIS, UTC = "Europe/Paris", "UTC"

#: A period, and an `at` or several.
Event = tuple[str, str | tuple[str, ...]]


@cache
def why_not() -> str:
    """Return why no clockwork can be run here; empty if it can."""
    if shutil.which("ruby") is None or shutil.which("clockwork") is None:
        return "no Ruby with clockwork on this machine (Debian: apt-get install ruby-clockwork)"
    asked = subprocess.run(["ruby", "-rclockwork", "-e", ""], capture_output=True, text=True, timeout=60, check=False)
    return asked.stderr.partition("\n")[0] if asked.returncode else ""


def theirs(
    events: Sequence[Event],
    zone: str,
    starts: Sequence[str],
    until: str,
    *,
    step: int = 60,
    minutes: Sequence[int] | None = None,
    late: Iterable[tuple[str, str]] = (),
) -> list[list[int] | None]:
    """Return what clockwork runs, event for event; None for one that it refuses. See `clockwork.rb`; times are local."""
    if why_not():
        pytest.fail(why_not()) if os.environ.get("CI") == "true" else pytest.skip(why_not())
    asked = {
        "zone": zone,
        "starts": [instant(start, zone) for start in starts],
        "until": instant(until, zone),
        "step": step,
        "minutes": minutes,
        "late": {str(instant(due, zone)): instant(looked, zone) for due, looked in late},
        "events": {str(index): (seconds(period), at) for index, (period, at) in enumerate(events)},
    }
    command = ["ruby", str(PROGRAM)]
    ran = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, timeout=300, check=True)
    return list(json.loads(ran.stdout).values())


@cache
def ours(event: Event, zone: str, start: str, until: str, dst: Dst = "vixie") -> tuple[float, ...]:
    """Return what we run from *start*, when the entry is registered, to *until*."""
    period, at = event
    begin, end = instant(start, zone), instant(until, zone)
    rule = every.rule(period, at, zone, dst=dst).anchored(begin)
    found, t = [], rule.after(begin - 0.001)
    while t is not None and t < end:
        found.append(t)
        t = rule.after(t)
    return tuple(found)


def instant(local: str, zone: str) -> int:
    """Return the unix seconds of a local time."""
    return int(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).timestamp())


def wall(ticks: Iterable[float], zone: str, form: str = "%a %m-%d %H:%M") -> list[str]:
    """Return what clocks show at *ticks*."""
    return [datetime.fromtimestamp(t, ZoneInfo(zone)).strftime(form) for t in ticks]
