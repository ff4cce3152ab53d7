"""What the office does in the background.

A job runs at least once: its worker may die after the work and before anybody knows.
So each of these may come twice, and each is written so that the second time finds the
work done: decisions, references and mails are rows that can be there once (`schema.sql`),
letters and reports are files with a name of their own.

A job that leaves something for another job writes first and enqueues after. If it dies
in between it runs again, writes nothing new, and enqueues.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

from examples.admissions import letters, mail, office, references, reports, search, witness
from examples.admissions.mail import BeingSent, Kind
from examples.admissions.settings import Settings
from mainspring import App, Discard, Retry, Snooze, current_job

NOTICE = 5.0  # seconds before the deadline at which an applicant is reminded

# Whoever is not there now may be soon. A real office would wait longer; this one is watched.
PATIENTLY = Retry(max=10, backoff="linear", base="250ms", on=(OSError,))

settings = Settings.read()
app = App()  # its store is at MAINSPRING_URL, else embedded in this folder
app.use(enqueue=witness.push, perform=witness.run)

# What the partner allows: so many questions in any second, by all workers together.
referees = app.limiter.window("referees", 50, "1s")


@app.job
def sweep_due() -> None:
    """Have each application rejected whose deadline has passed: a job that makes many."""
    with office.reading(settings.database) as db:
        overdue = office.overdue(db, now=time.time())
    reject.enqueue_many((application_id,) for application_id in overdue)


@app.job
def reject(application_id: int) -> None:
    """Reject an application whose deadline has passed, and let the applicant know."""
    with office.transaction(settings.database) as db:
        if not office.reject(db, application_id, now=time.time()):
            raise Discard("it was offered a place in time")
        mail_id = mail.owe(db, Kind.REJECTION, office.find(db, application_id))
    send_mail.enqueue(mail_id)


@app.job(retry=PATIENTLY)
async def ask_reference(application_id: int) -> None:
    """Ask for a reference, from a service that often fails; if it is good, offer a place."""
    async with referees:
        reference = await references.ask(application_id, settings.references_port)
    await asyncio.to_thread(_keep, reference)
    if reference.is_good:
        await make_offer.aenqueue(application_id)


@app.job
def make_offer(application_id: int) -> None:
    """Offer a place, if the deadline still allows it, and send the letter."""
    with office.transaction(settings.database) as db:
        if not office.offer(db, application_id, now=time.time()):
            raise Discard("the deadline has passed")
        application = office.find(db, application_id)
        decided_at = office.decided_at(db, application_id)
        mail_id = mail.owe(db, Kind.OFFER, application)
    # The mail is enqueued after its letter is there, so that whoever sends it finds it.
    letters.write(settings.letters, application, decided_at=decided_at)
    send_mail.enqueue(mail_id)


# Whoever finds a mail unsent enqueues it: once is enough while it waits.
@app.job(queue="mail", retry=PATIENTLY, unique_for="1m")
def send_mail(mail_id: int) -> None:
    """Send one mail."""
    jid = current_job().jid
    try:
        with office.transaction(settings.database) as db:
            claimed = mail.claim(db, mail_id, by=jid, now=time.time())
    except BeingSent as busy:
        raise Snooze("1s") from busy
    if claimed is None:
        raise Discard("it was sent before")
    mail.send(mail.compose(claimed, jid=jid, attachment=_attachment(claimed)), settings.smtp_port)
    with office.transaction(settings.database) as db:
        mail.mark_sent(db, mail_id, now=time.time())


@app.job
def remind() -> None:
    """Remind those whose deadline is near and whose reference is missing."""
    with office.transaction(settings.database) as db:
        for application_id in office.nearing(db, now=time.time(), within=NOTICE):
            mail.owe(db, Kind.REMINDER, office.find(db, application_id))
        # All that nobody sends yet, not only those of just now: an earlier run may have died
        # before it enqueued them.
        unclaimed = mail.unclaimed(db, Kind.REMINDER)
    send_mail.enqueue_many((mail_id,) for mail_id in unclaimed)


@app.job
def digest() -> None:
    """Tell the dean how things stand."""
    with office.transaction(settings.database) as db:
        # The jid is the same if this job comes again, so that the dean has one digest of it.
        mail_id = mail.owe_digest(db, current_job().jid, reports.summary(office.figures(db)))
    send_mail.enqueue(mail_id)


@app.job(result_ttl="1m", expires_in="5m")
def standing() -> dict[str, int]:
    """Count the applications for whoever asks, and waits for the answer; an old count is no answer."""
    with office.reading(settings.database) as db:
        return office.figures(db)


@app.job
def nightly_letters() -> None:
    """Write all letters anew, as one batch; when the last is there, write the day's report."""
    with office.reading(settings.database) as db:
        offered = office.offered(db)
    with app.batch("nightly letters", on_success=nightly_report):
        write_letter.enqueue_many((application_id,) for application_id in offered)


@app.job
def write_letter(application_id: int) -> None:
    """Write the letter of an offer; again, it is the same file."""
    with office.reading(settings.database) as db:
        application, decided_at = office.find(db, application_id), office.decided_at(db, application_id)
    letters.write(settings.letters, application, decided_at=decided_at)


@app.job
def nightly_report() -> None:
    """Write the day's report."""
    with office.reading(settings.database) as db:
        figures = office.figures(db)
    reports.write(settings.reports, figures, now=time.time())


@app.job(queue="index")
def index_application(application_id: int) -> None:
    """Make an application findable."""
    with office.transaction(settings.database) as db:
        search.index(db, office.find(db, application_id))


@app.job(queue="index", iterable=True)
def index_all(cursor: int | None) -> Iterator[int]:
    """Make all applications findable anew: a long job, which a deploy stops between two of them."""
    with office.reading(settings.database) as db:
        numbers = office.behind(db, cursor or 0)
    for number in numbers:
        index_application(number)
        yield number


def _keep(reference: references.Reference) -> None:
    with office.transaction(settings.database) as db:
        references.keep(db, reference)


def _attachment(claimed: mail.Mail) -> Path | None:
    if claimed.kind is not Kind.OFFER or claimed.application_id is None:
        return None
    return letters.path_of(settings.letters, claimed.application_id)
