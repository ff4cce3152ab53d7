"""The front desk, where applicants come in: it stands for your web application.

What a web request would do is `submit`: write down what the applicant brought, enqueue
the work, and answer.  The rest of this file only plays the applicants.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from datetime import UTC, datetime

from examples.admissions import office, reports, season
from examples.admissions.jobs import ask_reference, index_application, settings, standing
from examples.admissions.office import Application
from mainspring import MainspringError

ARRIVING = 8.0  # applicants per second
BOARD = 25  # applicants between two looks at the board
PATIENCE = (4.0, 20.0)  # seconds from an application to its deadline


def submit(application: Application) -> None:
    """Accept an application: the applicant waits for this, and for nothing else."""
    with office.transaction(settings.database) as db:
        office.receive(db, [application])
    index_application.enqueue(application.id)
    ask_reference.enqueue_in("1s", application.id)  # a referee is given a second's notice


def board() -> str:
    """Return what stands on the board in the hall: a worker counts, and the desk waits for the answer."""
    try:
        return reports.summary(standing.result(standing.enqueue().jid, timeout="2s"))
    except MainspringError as error:
        return f"out of date: {error}"


def open_for_the_season() -> None:
    """Index all that lies in the office already: 2,000 jobs, in a few round trips."""
    with office.reading(settings.database) as db:
        numbers = [row[0] for row in db.execute("SELECT id FROM applications")]
    pushed = index_application.enqueue_many((number,) for number in numbers)
    _log(f"opened, {len(pushed)} applications to index")


def main() -> None:
    """Accept applications until told to stop by SIGTERM."""
    closing = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: closing.set())
    open_for_the_season()
    rng = random.Random(2026)
    number = season.APPLICATIONS
    while not closing.wait(rng.expovariate(ARRIVING)):
        number += 1
        application = season.applicant(number, time.time() + rng.uniform(*PATIENCE), rng)
        submit(application)
        _log(f"received application {number}: {application.applicant}, {application.programme}")
        if number % BOARD == 0:
            _log(f"the board: {board()}")


def _log(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S.%f}"[:-3], "ok   ", text, flush=True)


if __name__ == "__main__":
    main()
