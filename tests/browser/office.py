"""An admissions office whose dashboard has something on every page: failures of three kinds, a paused queue, batches, limits."""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mainspring import App, Retry, chain
from mainspring.clock import Clock
from mainspring.metrics.recorder import Recorder
from mainspring.store import metrics
from mainspring.store.metrics import Delta
from mainspring.worker import Worker
from support import until

#: Where each variable part of a page's path leads in the office; `Office.samples` fills in what is made anew.
BUSY, PAUSED = "default", "reports"
#: What ran before anybody looked: queue, job, how often a minute at most, and seconds that it mostly took.
RAN = (
    ("default", "write_letter", 30, 0.08),
    ("default", "ask_reference", 12, 0.9),
    ("critical", "charge_fee", 6, 0.3),
    ("low", "scan_document", 4, 2.5),
)


class Unreachable(Exception):
    """What a partner raises that is not there."""


class Office:
    """The App, its jobs, and what was enqueued."""

    def __init__(self, url: str) -> None:
        """Define the jobs; `fill` does something with them."""
        self.app = App(url, name="admissions")
        self.closing = threading.Event()
        self.jids: dict[str, str] = {}
        self.bid = self.workflow = ""
        self._define()

    def _define(self) -> None:
        app = self.app

        # Nothing is tried again while somebody looks: what a test has seen stays where it is.
        later = Retry(max=25, backoff="linear", base="1h")

        @app.job(name="office.ask_reference", retry=later, tags=["references"])
        def ask_reference(applicant: int, *, token: str = "") -> None:
            raise Unreachable(f"503 from https://references.example/v2/applicants/{applicant}")

        @app.job(name="office.charge_fee", queue="critical", retry=later)
        def charge_fee(applicant: int) -> None:
            raise ValueError(f"card declined for applicant {applicant}")

        @app.job(name="office.scan_document", queue="low", retry=0)
        def scan_document(path: str) -> None:
            raise OSError(f"cannot identify image file '{path}'")

        @app.job(name="office.write_letter")
        def write_letter(applicant: int) -> None:
            del applicant

        @app.job(name="office.long_report")
        def long_report(year: int) -> None:
            self.closing.wait(120)

        @app.job(name="office.send_mail", queue=PAUSED, unique_for="1h")
        def send_mail(mail: int = 0, *, password: str = "") -> None:
            del mail, password

        @app.job(name="office.ask_school", concurrency=1)
        def ask_school(school: int) -> None:
            self.closing.wait(120)

        app.every("1h", write_letter, args=[1], name="letters.hourly", at="**:30")
        app.cron("*/10 8-18 * * mon-fri", ask_reference, args=[7], name="references")
        app.every("1d", long_report, args=[2026], at="00:00", tz="Europe/London", name="report.daily")
        self.jobs = {job.name.partition(".")[2]: job for job in app.jobs.values()}

    def fill(self) -> None:
        """Enqueue some of everything; what ran in the hours before is in the metrics."""
        jobs, app = self.jobs, self.app
        self._remember(random.Random(11))
        for applicant in range(12):
            self.jids["retrying"] = jobs["ask_reference"].enqueue(50_000 + applicant, token="hunter2").jid
        for applicant in range(4):
            jobs["charge_fee"].enqueue(applicant)
        for number in range(3):
            self.jids["dead"] = jobs["scan_document"].enqueue(f"/uploads/{number}.png").jid
        jobs["write_letter"].enqueue_many([(applicant,) for applicant in range(40)])
        for delay in ("5m", "2h", "3d"):
            self.jids["scheduled"] = jobs["write_letter"].enqueue_in(delay, 99).jid
        app.queue(PAUSED).pause()
        for number in range(3):
            self.jids["queued"] = jobs["send_mail"].enqueue(number, password="hunter2").jid
        with app.batch("nightly letters", on_success=jobs["send_mail"]) as batch:
            jobs["write_letter"].enqueue_many([(applicant,) for applicant in range(6)])
            jobs["ask_reference"].enqueue(60_000)
        self.bid = batch.bid
        for job in ("long_report",) * 2:
            self.jids["running"] = jobs[job].enqueue(2026).jid
        jobs["ask_school"].enqueue_many([(school,) for school in range(4)])
        with app.flow("admission") as flow:
            flow.add(chain(jobs["write_letter"].step(1), jobs["write_letter"].step(2), jobs["send_mail"].step(3)))
        self.workflow = flow.batch.bid
        with app.limiter.window("referees", 50, "1h"):
            pass

    def _remember(self, rng: random.Random) -> None:
        now = self.app.time.now()
        # The last hours by the minute, those of the day before by five.
        spans = [(minute, 1) for minute in range(1, 150)] + [(minute, 5) for minute in range(150, 24 * 60, 5)]
        self.app.store.pipeline([metrics.add(ran(now - 60 * minute, span, rng)) for minute, span in spans])
        for hours, label in ((3, "v41"), (0.6, "v42")):
            self.app.metrics.mark_deploy(label, now - 3600 * hours)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Let a worker and a clock be at work."""
        queues = ("critical,3", "default,2", "low,1", f"{PAUSED},1")
        worker, clock = Worker(self.app, 6, queues), Clock(self.app)
        worker.start()
        clock.start()
        try:
            until(lambda: self.app.retries.size >= 16 and self.app.dead.size >= 3, timeout=60)
            until(lambda: any(process.busy >= 3 for process in self.app.processes), timeout=60)
            for name in ("letters.hourly", "references"):
                self.app.periodic.trigger(name)
            # One of them fails.
            until(lambda: self.app.retries.size >= 17, timeout=60)
            self.app.operations.start(
                "retry", "class:office.charge_fee args.0:2", state="retrying", by="ada", spread=600
            )
            yield
        finally:
            self.closing.set()
            clock.stop()
            with suppress(TimeoutError):
                worker.stop(5)
            self.app.close()


def ran(at: float, minutes: int, rng: random.Random) -> Delta:
    """Return what ran for some minutes from *at* on, unix seconds."""
    recorder, tide = Recorder(), 0.55 + 0.45 * math.sin(at / 14_000)
    for queue, name, most, seconds in RAN:
        counts = recorder.of(queue, f"office.{name}")
        for _ in range(int(most * minutes * tide * rng.uniform(0.8, 1.2)) + 1):
            counts.waited(rng.lognormvariate(-4, 1))
            if name == "ask_reference" and rng.random() < 0.06:
                counts.failed += 1
            else:
                counts.ran(rng.lognormvariate(math.log(seconds), 0.6))
    return recorder.take(at, f"before-{at}")
