"""``python -m examples.admissions``: open the office in a folder of its own, and run the demo in it.

It runs until Ctrl-C on a terminal, for 20 seconds elsewhere; ``DEMO_SECONDS=n`` says otherwise.
It exits with 0 if every rule held, else with 1.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from examples.admissions import office, season
from examples.admissions.keeper import Keeper
from examples.admissions.referees import Referees
from examples.admissions.screen import Screen
from examples.admissions.settings import Settings

SECONDS = 20.0
ABORTED = 130


def main() -> int:
    """Run the demo; return its exit code."""
    screen, closing = Screen(), threading.Event()
    with ExitStack() as premises:
        settings = furnish(premises)
        # The office's code reads its settings from the environment, as every process of it does.
        os.environ |= settings.environment() | {"MAINSPRING_URL": f"embedded://{settings.home / 'store'}"}
        from examples.admissions.demo import Demo

        _close_on_signals(closing)
        seconds = _seconds()
        screen.say(
            f"open {'until Ctrl-C' if seconds is None else f'for {seconds:g} s'}; all of it is in {settings.home}"
        )
        holds = Demo(screen, closing).run(seconds)
    screen.plain(f"\n{'every rule holds' if holds else 'a rule is broken'}; look into {settings.home}")
    return 0 if holds else 1


def furnish(premises: ExitStack) -> Settings:
    """Make a fresh office with this season's applications, and start the services around it."""
    var = Path(os.environ.get("DEMO_VAR", "var")).resolve()
    var.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix=f"admissions-{time.strftime('%H%M%S')}-", dir=var))
    keeper, referees = Keeper(home / "mailbox"), Referees()
    settings = Settings(home, keeper.start(), referees.start(), report_at=_next_minute(time.time()))
    premises.callback(keeper.stop)
    premises.callback(referees.stop)
    for folder in (settings.letters, settings.reports, settings.logs):
        folder.mkdir()
    office.create(settings.database)
    with office.transaction(settings.database) as db:
        office.receive(db, season.applications(time.time(), random.Random(2026)))
    return settings


def _next_minute(now: float) -> str:
    """Return the first full minute for which the clock will be up, so that the demo may see its tick."""
    return time.strftime("%H:%M", time.gmtime(now + 60 + 3))


def _seconds() -> float | None:
    given = os.environ.get("DEMO_SECONDS")
    if given:
        return float(given)
    return None if sys.stdout.isatty() else SECONDS


def _close_on_signals(closing: threading.Event) -> None:
    def close(*_: object) -> None:
        if closing.is_set():
            raise SystemExit(ABORTED)
        closing.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, close)


if __name__ == "__main__":
    sys.exit(main())
