"""This season's applicants: invented, each time the same."""

from __future__ import annotations

import random
from collections.abc import Iterator

from examples.admissions.office import Application

APPLICATIONS = 2_000
PRESSING = 1_500  # of these the deadlines fall due one after the other, from the first second on
DUE_PER_SECOND = 10
WEEK = 7 * 86_400.0

_FIRST = ("Ada", "Alan", "Barbara", "Edsger", "Grace", "Hedy", "José", "Katherine", "Radia", "Zoë")
_LAST = ("Abbott", "Baker", "Carver", "Dyer", "Fletcher", "Mason", "Potter", "Sawyer", "Turner", "Weaver")
_PROGRAMMES = ("Astronomy", "Botany", "Chemistry", "Drama", "Engineering", "Fine Arts", "Geology", "History")
_REASONS = ("since childhood", "because of a good teacher", "against all advice", "to change the world", "for the view")


def applications(opening: float, rng: random.Random) -> Iterator[Application]:
    """Yield the applications that lie in the office when it opens, at *opening* in unix seconds."""
    for number in range(1, APPLICATIONS + 1):
        pressing = number <= PRESSING
        due = number / DUE_PER_SECOND if pressing else rng.uniform(WEEK, 4 * WEEK)
        yield applicant(number, opening + due, rng)


def applicant(number: int, deadline: float, rng: random.Random) -> Application:
    """Invent one application."""
    name = f"{rng.choice(_FIRST)} {rng.choice(_LAST)}"
    programme = rng.choice(_PROGRAMMES)
    statement = f"I have wanted to study {programme} {rng.choice(_REASONS)}."
    return Application(number, name, f"applicant{number}@mail.example", programme, statement, deadline)
