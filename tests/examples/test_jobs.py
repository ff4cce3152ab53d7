"""The jobs' promise: each of them may come twice, or die half way, and its work is done once.

A real worker runs them, in this process, on a real store.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from examples.admissions import clock, desk, jobs, keeper, mail, office, referees, search
from examples.admissions.keeper import Keeper
from examples.admissions.ledger import Event, Ledger
from examples.admissions.mail import Kind
from examples.admissions.office import Application
from examples.admissions.referees import Referees
from examples.admissions.settings import Settings

from mainspring.store.opening import Stores
from mainspring.worker import Worker
from servers import Server
from support import until

SEED = 2026
HOUR = 3600.0


@pytest.fixture
def at_work(settings: Settings, server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Open the office: services, and jobs that find them. No worker runs yet."""
    mails, answers = Keeper(settings.mailbox), Referees(SEED, delay=0)
    settings = replace(settings, smtp_port=mails.start(), references_port=answers.start())
    monkeypatch.setattr(jobs, "settings", settings)
    monkeypatch.setattr(jobs.app, "_stores", Stores(server.url, prefix=""))
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    yield settings
    jobs.app.close()
    answers.stop()
    mails.stop()


@pytest.fixture
def drain(at_work: Settings) -> Callable[[], Counter[tuple[str, str]]]:
    """Let a worker run all that was pushed to its end; tell how often each job ended how."""

    def run() -> Counter[tuple[str, str]]:
        with Worker(jobs.app, 4, ("default", "mail", "index")):
            until(lambda: not _open_ended(at_work), timeout=30)
        lines = Ledger(at_work.ledger).read()
        return Counter((line.job.rpartition(".")[2], line.event.value) for line in lines if line.event in _ENDS)

    return run


_ENDS = {Event.DONE, Event.DISCARDED}


def _open_ended(settings: Settings) -> set[str]:
    lines = Ledger(settings.ledger).read()
    return {line.jid for line in lines} - {line.jid for line in lines if line.event in _ENDS}


def received(settings: Settings, number: int, *, deadline: float) -> Application:
    application = Application(number, "Zoë Weaver", f"{number}@mail.example", "Botany", "Ferns.", deadline)
    with office.transaction(settings.database) as db:
        office.receive(db, [application])
    return application


def kept(settings: Settings) -> list[str]:
    return sorted(message_id.split("@")[0][1:] for message_id in keeper.kept(settings.mailbox))


def outcome(settings: Settings, number: int) -> str | None:
    with office.reading(settings.database) as db:
        return office.outcome(db, number)


def good(number: int) -> bool:
    return referees.reference(SEED, number).is_good


def refused(number: int) -> int:
    """Return how many requests fail before the referee answers."""
    return next(attempt for attempt in range(100) if not referees.fails(SEED, number, attempt))


GOOD = next(number for number in range(1, 500) if good(number) and refused(number) == 0)
STUBBORN = next(number for number in range(1, 500) if good(number) and refused(number) == 2)
POOR = next(number for number in range(1, 500) if not good(number) and refused(number) == 0)


def test_a_sweep_that_comes_twice_rejects_and_writes_once(
    at_work: Settings, drain: Callable[[], Counter[tuple[str, str]]]
) -> None:
    received(at_work, 1, deadline=time.time() - 1)
    received(at_work, 2, deadline=time.time() + HOUR)

    for _ in range(2):
        jobs.sweep_due.enqueue()
    jobs.reject.enqueue(1)
    drain()

    assert outcome(at_work, 1) == "rejected"
    assert outcome(at_work, 2) is None
    assert kept(at_work) == ["rejection.1"]
    assert len(keeper.deliveries(at_work.mailbox)) == 1


def test_an_offer_that_comes_twice_has_one_letter_and_one_mail(
    at_work: Settings, drain: Callable[[], Counter[tuple[str, str]]]
) -> None:
    received(at_work, 7, deadline=time.time() + HOUR)

    for _ in range(2):
        jobs.make_offer.enqueue(7)
    drain()

    assert outcome(at_work, 7) == "offered"
    assert [path.name for path in at_work.letters.iterdir()] == ["offer-00007.pdf"]
    assert kept(at_work) == ["offer.7"]
    assert len(keeper.deliveries(at_work.mailbox)) == 1


def test_an_offer_that_comes_too_late_is_none(at_work: Settings, drain: Callable[[], Counter[tuple[str, str]]]) -> None:
    received(at_work, 7, deadline=time.time() - 1)

    jobs.make_offer.enqueue(7)

    assert drain() == {("make_offer", "discarded"): 1}
    assert outcome(at_work, 7) is None
    assert not list(at_work.letters.iterdir())


def test_a_reference_is_asked_for_until_it_comes(
    at_work: Settings, drain: Callable[[], Counter[tuple[str, str]]]
) -> None:
    received(at_work, STUBBORN, deadline=time.time() + HOUR)

    jobs.ask_reference.enqueue(STUBBORN)
    drain()

    failed = [line for line in Ledger(at_work.ledger).read() if line.event is Event.FAILED]
    assert len(failed) == 2
    assert outcome(at_work, STUBBORN) == "offered"


def test_a_poor_reference_leads_to_no_offer(at_work: Settings, drain: Callable[[], Counter[tuple[str, str]]]) -> None:
    received(at_work, POOR, deadline=time.time() + HOUR)

    jobs.ask_reference.enqueue(POOR)

    assert drain() == {("ask_reference", "done"): 1}
    assert outcome(at_work, POOR) is None


def test_a_mail_that_another_job_is_sending_waits_and_is_not_sent_again(
    at_work: Settings, drain: Callable[[], Counter[tuple[str, str]]]
) -> None:
    application = received(at_work, 1, deadline=time.time() - 1)
    with office.transaction(at_work.database) as db:
        number = mail.owe(db, Kind.REJECTION, application)
        mail.claim(db, number, by="another", now=time.time() - mail.CLAIM + 4)
    jobs.send_mail.enqueue(number)

    drain()

    snoozed = [line for line in Ledger(at_work.ledger).read() if line.event is Event.SNOOZED]
    assert len(snoozed) >= 1
    assert len(keeper.deliveries(at_work.mailbox)) == 1


def test_a_reminder_that_was_owed_and_never_enqueued_is_sent_by_the_next_run(
    at_work: Settings, drain: Callable[[], Counter[tuple[str, str]]]
) -> None:
    application = received(at_work, 1, deadline=time.time() + jobs.NOTICE - 1)
    with office.transaction(at_work.database) as db:
        mail.owe(db, Kind.REMINDER, application)

    for _ in range(2):
        jobs.remind.enqueue()
    drain()

    assert kept(at_work) == ["reminder.1"]
    assert len(keeper.deliveries(at_work.mailbox)) == 1


def test_a_mail_that_waits_is_not_enqueued_again(at_work: Settings) -> None:
    first = jobs.send_mail.enqueue(1)

    assert jobs.send_mail.enqueue(1).duplicate_of == first.jid
    assert jobs.send_mail.enqueue(2).duplicate_of is None


def test_the_dean_has_a_digest_of_each_run_and_the_office_a_report(
    at_work: Settings, drain: Callable[[], Counter[tuple[str, str]]]
) -> None:
    pushed = [jobs.digest.enqueue().jid for _ in range(2)]
    jobs.nightly_report.enqueue()
    drain()

    assert kept(at_work) == sorted(f"digest.{jid}" for jid in pushed)
    assert len(list(at_work.reports.glob("*.txt"))) == 1


def test_the_report_is_written_when_all_letters_are_there(
    at_work: Settings, drain: Callable[[], Counter[tuple[str, str]]]
) -> None:
    for number in (1, 2, 3):
        received(at_work, number, deadline=time.time() + HOUR)
    with office.transaction(at_work.database) as db:
        for number in (1, 3):
            office.offer(db, number, now=time.time())

    jobs.nightly_letters.enqueue()
    ended = drain()

    assert sorted(path.name for path in at_work.letters.glob("*.pdf")) == ["offer-00001.pdf", "offer-00003.pdf"]
    assert ended["write_letter", "done"] == 2
    assert ended["nightly_report", "done"] == 1
    assert len(list(at_work.reports.glob("*.txt"))) == 1


def test_all_that_lies_in_the_office_is_found(at_work: Settings, drain: Callable[[], Counter[tuple[str, str]]]) -> None:
    for number in range(1, 31):
        received(at_work, number, deadline=time.time() + HOUR)

    jobs.index_application.enqueue_many((number,) for number in range(1, 31))
    drain()

    with office.reading(at_work.database) as db:
        assert sorted(search.find(db, "ferns")) == list(range(1, 31))


def test_all_is_indexed_anew_though_the_worker_is_stopped_meanwhile(
    at_work: Settings, drain: Callable[[], Counter[tuple[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 31):
        received(at_work, number, deadline=time.time() + HOUR)
    indexed: list[int] = []
    worker = Worker(jobs.app, 1, ("index",))

    def index(db: sqlite3.Connection, application: Application) -> None:
        indexed.append(application.id)
        if application.id == 7:
            worker.quiet()
        whole(db, application)

    whole = search.index
    monkeypatch.setattr(search, "index", index)
    jobs.index_all.enqueue()
    with worker:
        until(lambda: 7 in indexed and not worker.busy())
    assert indexed == list(range(1, 8))

    drain()

    assert indexed == list(range(1, 31))
    with office.reading(at_work.database) as db:
        assert sorted(search.find(db, "ferns")) == list(range(1, 31))


def test_the_clock_has_its_four_entries() -> None:
    written = {name.rpartition(".")[2]: entry.schedule for name, entry in clock.app.schedule.items()}

    assert written == {
        "sweep_due": "every 1s",
        "remind": "every 3s",
        "digest": "every 5s",
        "nightly_letters": f"every 1d at {jobs.settings.report_at}",
    }


def test_the_board_shows_what_a_worker_has_counted(at_work):
    received(at_work, 1, deadline=time.time() + HOUR)

    with Worker(jobs.app, 2):
        shown = desk.board()

    assert shown == "open 1, offered 0, rejected 0"


def test_the_board_says_that_it_is_out_of_date_while_nobody_counts(at_work):
    assert desk.board().startswith("out of date: job ")
