"""The referees' promise: a third of the requests fails, the same in each run, and what fails says so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from examples.admissions import office, referees, references
from examples.admissions.office import Application
from examples.admissions.referees import Referees
from examples.admissions.references import Reference, ReferenceUnavailable
from examples.admissions.settings import Settings

SEED = 7


@pytest.fixture
def service() -> Iterator[int]:
    """Start the referees' service; give its port."""
    running = Referees(SEED, delay=0)
    yield running.start()
    running.stop()


def failing(application_id: int) -> int:
    """Return how many requests about an application fail before one succeeds."""
    return next(attempt for attempt in range(100) if not referees.fails(SEED, application_id, attempt))


def test_a_third_of_the_requests_fails() -> None:
    failed = sum(referees.fails(SEED, application, attempt) for application in range(1000) for attempt in range(3))

    assert 0.30 < failed / 3000 < 0.37


async def test_a_request_that_fails_is_told_and_the_next_one_may_succeed(service: int) -> None:
    stubborn = next(number for number in range(1, 100) if failing(number) == 2)

    for _ in range(2):
        with pytest.raises(ReferenceUnavailable, match="answered 503"):
            await references.ask(stubborn, service)

    assert await references.ask(stubborn, service) == referees.reference(SEED, stubborn)


async def test_a_service_that_is_not_there_is_unavailable() -> None:
    gone = Referees(SEED)
    port = gone.start()
    gone.stop()

    with pytest.raises(ReferenceUnavailable, match="does not answer"):
        await references.ask(1, port)


def test_the_first_reference_stays(settings: Settings, zoe: Application) -> None:
    with office.transaction(settings.database) as db:
        references.keep(db, Reference(zoe.id, 5, "splendid"))
        references.keep(db, Reference(zoe.id, 1, "on second thoughts"))

        assert db.execute("SELECT * FROM recommendations").fetchall() == [(zoe.id, 5, "splendid")]
