"""The office's outgoing mail: what is owed, who is sending it, what was sent.

A mail is first *owed*: a row, written in the transaction that made it necessary, so
that no decision is without its mail.  A job then claims it, sends it and marks it as
sent.  The claim keeps two jobs from sending one mail at the same time.  What it cannot
exclude is a death between the mail server's "250 OK" and our mark: the job runs again
and the mail is sent again.  Its Message-ID, made of the mail's key, is then the same,
and a mail server that keeps one mail of each Message-ID shows it once.
"""

from __future__ import annotations

import smtplib
import sqlite3
from dataclasses import dataclass
from email.message import EmailMessage
from enum import StrEnum
from pathlib import Path

from examples.admissions.office import Application
from examples.admissions.settings import HOST

OFFICE = "office@admissions.example"
DEAN = "dean@admissions.example"
CLAIM = 5.0  # seconds after which a claim is taken for that of a dead process
TIMEOUT = 5.0  # seconds to wait for the mail server; below CLAIM, so that no claim outlives its sender


class Kind(StrEnum):
    """What a mail is for."""

    OFFER = "offer"
    REJECTION = "rejection"
    REMINDER = "reminder"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail, as it is to be sent."""

    id: int
    key: str
    kind: Kind
    application_id: int | None
    recipient: str
    subject: str
    body: str

    @property
    def message_id(self) -> str:
        """The same for each attempt to send this mail, and for no other mail."""
        return message_id(self.key)


class BeingSent(Exception):
    """Another job has claimed this mail and may be sending it right now."""


_TEXTS = {
    Kind.OFFER: ("A place for you in {0.programme}", "Dear {0.applicant},\n\nwelcome! Your letter is attached.\n"),
    Kind.REJECTION: ("Your application to {0.programme}", "Dear {0.applicant},\n\nwe are sorry: we have no place.\n"),
    Kind.REMINDER: ("Your deadline is near", "Dear {0.applicant},\n\nwe still wait for your reference.\n"),
}


def message_id(key: str) -> str:
    """Return the Message-ID of the mail of this key."""
    return f"<{key}@admissions.example>"


def owe(db: sqlite3.Connection, kind: Kind, application: Application) -> int:
    """Note that an applicant is owed a mail.

    Returns:
        The mail's number; of one kind an application has one mail, however often it is owed.
    """
    subject, body = (text.format(application) for text in _TEXTS[kind])
    return _owe(db, f"{kind}.{application.id}", kind, application.id, application.email, subject, body)


def owe_digest(db: sqlite3.Connection, key: str, body: str) -> int:
    """Note that the dean is owed a digest; of one *key* there is one.

    Returns:
        The mail's number.
    """
    return _owe(db, f"{Kind.DIGEST}.{key}", Kind.DIGEST, None, DEAN, "The office's digest", body)


def _owe(
    db: sqlite3.Connection,
    key: str,
    kind: Kind,
    application_id: int | None,
    recipient: str,
    subject: str,
    body: str,
) -> int:
    db.execute(
        "INSERT INTO mails (key, kind, application_id, recipient, subject, body) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (key) DO NOTHING",
        (key, kind, application_id, recipient, subject, body),
    )
    return int(db.execute("SELECT id FROM mails WHERE key = ?", (key,)).fetchone()[0])


def unclaimed(db: sqlite3.Connection, kind: Kind) -> list[int]:
    """Return the mails of a kind that no job has begun to send."""
    return [row[0] for row in db.execute("SELECT id FROM mails WHERE kind = ? AND claimed_by IS NULL", (kind,))]


def claim(db: sqlite3.Connection, mail_id: int, *, by: str, now: float) -> Mail | None:
    """Claim a mail for the job *by*, which alone may then send it for `CLAIM` seconds.

    A job that comes again, retried or recovered, holds its claim still.

    Returns:
        The mail; None if it was sent before.

    Raises:
        BeingSent: If another job's claim is still good.
        LookupError: If there is no such mail.
    """
    row = db.execute(
        "SELECT id, key, kind, application_id, recipient, subject, body, claimed_by, claimed_at, sent_at"
        " FROM mails WHERE id = ?",
        (mail_id,),
    ).fetchone()
    if row is None:
        raise LookupError(f"there is no mail {mail_id}")
    *fields, claimed_by, claimed_at, sent_at = row
    if sent_at is not None:
        return None
    if claimed_by not in {None, by} and now < claimed_at + CLAIM:
        raise BeingSent(f"mail {mail_id} is being sent by job {claimed_by}")
    db.execute("UPDATE mails SET claimed_by = ?, claimed_at = ? WHERE id = ?", (by, now, mail_id))
    number, key, kind, *rest = fields
    return Mail(number, key, Kind(kind), *rest)


def mark_sent(db: sqlite3.Connection, mail_id: int, *, now: float) -> None:
    """Note that the mail server has accepted a mail that was claimed."""
    db.execute("UPDATE mails SET sent_at = ? WHERE id = ? AND sent_at IS NULL", (now, mail_id))


def compose(mail: Mail, *, jid: str, attachment: Path | None = None) -> EmailMessage:
    """Write a mail out, with the file *attachment* (a PDF) if there is one."""
    message = EmailMessage()
    message["From"] = OFFICE
    message["To"] = mail.recipient
    message["Subject"] = mail.subject
    message["Message-ID"] = mail.message_id
    message["X-Job"] = jid  # which job sent it: whoever finds two of a mail can ask why
    message.set_content(mail.body)
    if attachment is not None:
        message.add_attachment(attachment.read_bytes(), maintype="application", subtype="pdf", filename=attachment.name)
    return message


def send(message: EmailMessage, port: int) -> None:
    """Hand a mail to the local mail server; when this returns the server has it.

    Raises:
        OSError: If the server does not answer, or refuses (`smtplib.SMTPException` is one).
    """
    with smtplib.SMTP(HOST, port, local_hostname="office.admissions.example", timeout=TIMEOUT) as server:
        server.send_message(message)
