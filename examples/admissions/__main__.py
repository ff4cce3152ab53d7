"""``python -m examples.admissions``: open the office in a folder of its own, and run the demo in it.

It runs until Ctrl-C on a terminal, for 20 seconds elsewhere; ``DEMO_SECONDS=n`` says otherwise.
The folder is below ``var``, or where ``DEMO_VAR`` says; it stays for a day, to be looked into.
It exits with 0 if every rule held, else with 1, and with 130 if Ctrl-C was pressed twice.
"""

from __future__ import annotations

import os
import random
import shutil
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
from mainspring import MainspringError

SECONDS = 20.0
KEPT = 86_400.0  # seconds for which the folder of a run is kept
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
        try:
            holds = Demo(screen, closing).run(seconds)
        except MainspringError as error:
            screen.say(f"the demo has to give up: {error}")
            return 1
    screen.plain(f"\n{'every rule holds' if holds else 'a rule is broken'}; look into {settings.home}")
    return 0 if holds else 1


def furnish(premises: ExitStack) -> Settings:
    """Make a fresh office with this season's applications, and start the services around it."""
    var = Path(os.environ.get("DEMO_VAR", "var")).resolve()
    var.mkdir(parents=True, exist_ok=True)
    _forget_old_runs(var)
    home = Path(tempfile.mkdtemp(prefix=f"admissions-{time.strftime('%H%M%S')}-", dir=var))
    keeper, referees = Keeper(home / "mailbox"), Referees()
    settings = Settings(home, keeper.start(), referees.start(), report_at=_next_minute(time.time()))
    premises.callback(keeper.stop)
    premises.callback(referees.stop)
    for folder in (settings.letters, settings.reports, settings.logs):
        folder.mkdir()
    office.create(settings.database)
    # Whoever is the last to close a SQLite database empties its log, which takes the disk longer than a
    # whole job.  As each job opens and closes, somebody has to keep it open.
    premises.enter_context(office.reading(settings.database))
    with office.transaction(settings.database) as db:
        office.receive(db, season.applications(time.time(), random.Random(2026)))
    return settings


def _forget_old_runs(var: Path) -> None:
    for home in var.glob("admissions-*"):
        if home.stat().st_mtime < time.time() - KEPT:
            shutil.rmtree(home, ignore_errors=True)


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
