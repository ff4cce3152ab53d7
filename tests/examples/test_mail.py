"""The mail's promise: what is owed is sent, by one job at a time, and what came twice is kept once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from examples.admissions import keeper, letters, mail, office
from examples.admissions.keeper import Delivery, Keeper
from examples.admissions.mail import BeingSent, Kind
from examples.admissions.office import Application
from examples.admissions.settings import Settings

NOON = 1_800_000_000.0


@pytest.fixture
def server(settings: Settings) -> Iterator[int]:
    """Start the local mail server; give its port."""
    running = Keeper(settings.mailbox)
    yield running.start()
    running.stop()


def owed(settings: Settings, kind: Kind, application: Application) -> int:
    with office.transaction(settings.database) as db:
        return mail.owe(db, kind, application)


def test_a_mail_that_is_owed_again_is_the_same_mail(settings: Settings, zoe: Application) -> None:
    first = owed(settings, Kind.REJECTION, zoe)

    assert owed(settings, Kind.REJECTION, zoe) == first


def test_an_applicant_cannot_be_told_two_decisions(settings: Settings, zoe: Application) -> None:
    owed(settings, Kind.OFFER, zoe)

    with pytest.raises(sqlite3.IntegrityError):
        owed(settings, Kind.REJECTION, zoe)


def test_of_two_jobs_one_may_send_a_mail(settings: Settings, zoe: Application) -> None:
    number = owed(settings, Kind.OFFER, zoe)
    with office.transaction(settings.database) as db:
        assert mail.claim(db, number, by="first", now=NOON) is not None

    with pytest.raises(BeingSent), office.transaction(settings.database) as db:
        mail.claim(db, number, by="second", now=NOON + 1)


def test_a_job_that_comes_again_holds_its_claim_still(settings: Settings, zoe: Application) -> None:
    number = owed(settings, Kind.OFFER, zoe)
    with office.transaction(settings.database) as db:
        mail.claim(db, number, by="first", now=NOON)

        assert mail.claim(db, number, by="first", now=NOON + 1) is not None


def test_a_claim_ends_when_its_job_must_be_dead(settings: Settings, zoe: Application) -> None:
    number = owed(settings, Kind.OFFER, zoe)
    with office.transaction(settings.database) as db:
        mail.claim(db, number, by="first", now=NOON)

        assert mail.claim(db, number, by="second", now=NOON + mail.CLAIM) is not None


def test_what_was_sent_is_not_claimed_again(settings: Settings, zoe: Application) -> None:
    number = owed(settings, Kind.OFFER, zoe)
    with office.transaction(settings.database) as db:
        mail.claim(db, number, by="first", now=NOON)
        mail.mark_sent(db, number, now=NOON)

        assert mail.claim(db, number, by="first", now=NOON + 1) is None


def test_a_mail_arrives_with_its_letter(settings: Settings, zoe: Application, server: int) -> None:
    number = owed(settings, Kind.OFFER, zoe)
    letter = letters.write(settings.letters, zoe, decided_at=NOON)
    with office.transaction(settings.database) as db:
        offer = mail.claim(db, number, by="a", now=NOON)
    assert offer is not None

    mail.send(mail.compose(offer, jid="a", attachment=letter), server)

    (message,) = keeper.kept(settings.mailbox).values()
    assert message["To"] == zoe.email
    assert message["Subject"] == "A place for you in Botany"
    body = message.get_body()
    assert body is not None
    assert "Dear Zoë Weaver" in body.get_content()
    (attached,) = message.iter_attachments()
    assert attached.get_content() == letter.read_bytes()


def test_a_mail_that_comes_twice_is_kept_once_and_both_are_on_record(
    settings: Settings, zoe: Application, server: int
) -> None:
    number = owed(settings, Kind.REJECTION, zoe)
    with office.transaction(settings.database) as db:
        rejection = mail.claim(db, number, by="a", now=NOON)
    assert rejection is not None

    mail.send(mail.compose(rejection, jid="a"), server)
    mail.send(mail.compose(rejection, jid="b"), server)

    assert list(keeper.kept(settings.mailbox)) == [rejection.message_id]
    assert keeper.deliveries(settings.mailbox) == [
        Delivery(rejection.message_id, "a"),
        Delivery(rejection.message_id, "b"),
    ]


def test_a_mail_server_that_is_not_there_is_an_os_error(settings: Settings, zoe: Application) -> None:
    gone = Keeper(settings.mailbox)
    port = gone.start()
    gone.stop()
    message = mail.compose(mail.Mail(1, "k", Kind.DIGEST, None, mail.DEAN, "s", "b"), jid="a")

    with pytest.raises(OSError):
        mail.send(message, port)
