"""A job exists if and only if its transaction committed, and it exists once: whoever is killed, wherever."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from mainspring import App
from mainspring.features.outbox.alchemy import AlchemyDatabase
from mainspring.integrations.sqlalchemy import create_outbox
from mainspring.worker import Relay
from scenarios.faultstore import Died, Mortal
from scenarios.outbox import Firm
from scenarios.record import LONG, at_length, record
from servers import Server
from support import until

#: How often each moment must have been somebody's last.
DEATHS = at_length(4, 80)
MOMENTS = ("after commit", "before push", "after push")
PRODUCERS, RELAYS = 2, 3
BAR = "each committed job once, no other"


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def place(request, tmp_path, postgres) -> tuple[str, str]:
    """Give the name and URL of an empty database of each kind."""
    kind = str(request.param)
    if kind == "SQLite":
        return kind, f"sqlite:///{tmp_path / 'shop.db'}"
    return kind, str(postgres().create(f"t{os.urandom(6).hex()}"))


# --- killed anywhere ---------------------------------------------------------------------


def kill_and_start(firm: Firm, rng: random.Random, moments: tuple[str, ...]) -> int:
    """Kill producers and relays with -9, and replace who is dead, until enough have died at each of *moments*.

    Returns:
        How many were killed at random moments.
    """
    kills = 0

    def enough() -> bool:
        nonlocal kills
        for role, wanted in (("producer", PRODUCERS), ("relay", RELAYS)):
            for _ in range(wanted - firm.count(role)):
                firm.start(role, rng.randrange(10**6))
        if firm.alive and rng.random() < 0.1:
            firm.kill(rng.choice(list(firm.alive)))
            kills += 1
        deaths = firm.suicides()
        return min(deaths[moment] for moment in moments) >= DEATHS

    until(enough, timeout=60 + DEATHS * 4, every=0.1)
    return kills


def run(
    server: Server, url: str, directory: Path, *, mutant: str = "", moments: tuple[str, ...] = MOMENTS
) -> tuple[dict[str, int], Counter[str], int]:
    """Let a firm work while its processes die; return the verdict, the deaths by moment, and the seed."""
    seed = random.SystemRandom().randrange(10**6)
    rng = random.Random(seed)
    with Firm(server, url, directory, mutant=mutant) as firm:
        kills = kill_and_start(firm, rng, moments)
        firm.end()
        deaths = firm.suicides()
        deaths["at random"] = kills
        return firm.verdict(), deaths, seed


def test_producers_and_relays_that_are_killed_anywhere_lose_and_double_nothing(server, tmp_path, place):
    kind, url = place

    found, deaths, seed = run(server, url, tmp_path)

    record(
        "outbox",
        f"{kind}: {PRODUCERS} producers and {RELAYS} relays killed with -9, after commits, before and after pushes too",
        BAR,
        seed=seed,
        **found,
        **{f"killed_{moment.replace(' ', '_')}": number for moment, number in sorted(deaths.items())},
    )
    assert (found["lost"], found["double"], found["uncommitted"], found["left"]) == (0, 0, 0, 0)
    assert found["committed"] > 10 * DEATHS


@pytest.mark.skipif(LONG, reason="the same at any length")
@pytest.mark.parametrize(
    ("mutant", "fault", "moment"),
    [
        ("no_number", "double", "after push"),
        ("delete_first", "lost", "before push"),
        ("push_at_once", "uncommitted", "after commit"),
    ],
)
def test_the_judge_finds_a_fault_of_one_line(server, tmp_path, mutant, fault, moment):
    url = f"sqlite:///{tmp_path / 'shop.db'}"

    found, _, _ = run(server, url, tmp_path, mutant=f"mutants_outbox.{mutant}", moments=(moment,))

    assert found[fault] > 0


# --- at every step -------------------------------------------------------------------------


class MortalDatabase:
    """A database whose caller dies before or after one of its steps: a statement, or a commit.

    Attributes:
        steps: How many there were so far.
    """

    def __init__(self, url: str, *, at: int = -1, done: bool = False) -> None:
        self.steps = 0
        self._inner = AlchemyDatabase(url)
        self._at, self._done = at, done
        self.name, self.errors, self.close = self._inner.name, self._inner.errors, self._inner.close

    @contextmanager
    def begin(self) -> Any:
        transaction = self._inner.begin()
        opened = transaction.__enter__()
        try:
            yield _Steps(self, opened)
            self.step(lambda: transaction.__exit__(None, None, None))
        except BaseException as error:
            # What has not been committed is rolled back, as the server does for a connection that breaks.
            with suppress(Died, RuntimeError):
                transaction.__exit__(type(error), error, None)
            raise

    def step(self, do: Callable[[], Any]) -> Any:
        number = self.steps
        self.steps += 1
        if number == self._at and not self._done:
            raise Died
        answer = do()
        if number == self._at:
            raise Died
        return answer


class _Steps:
    def __init__(self, database: MortalDatabase, transaction: Any) -> None:
        self._database, self._transaction = database, transaction

    def run(self, *given: Any) -> Any:
        return self._database.step(lambda: self._transaction.run(*given))

    def rows(self, *given: Any) -> Any:
        return self._database.step(lambda: self._transaction.rows(*given))


def die_once(server: Server, url: str, *, in_store: bool, at: int, done: bool) -> tuple[int, list[int]]:
    """Let a relay die at step *at*, and another do what is left; return the steps of the first, and the jobs."""
    server.flush()
    app = App(server.url)
    job = app.job(name="work")(lambda number: None)
    engine = create_engine(url)
    with Session(engine) as session, session.begin(), app.outbox(session):
        for number in range(4):
            job.using(queue=f"q{number % 2}").enqueue(number)
    database = MortalDatabase(url, at=-1 if in_store else at, done=done)
    store = Mortal(app.store, at=at if in_store else -1, done=done)
    doomed = App(server.url)
    doomed._stores = cast("Any", _OneStore(store))
    doomed.relayed.add(cast("Any", database))
    with suppress(Died):
        Relay(doomed).drain()
    app.relay(engine)
    Relay(app).drain()
    found = [
        int(data.partition(b'"args":[')[2][:1])
        for key in ("q0", "q1")
        for data in server.client.lrange(f"queue:{key}", 0, -1)
    ]
    app.close()
    engine.dispose()
    return len(store.sent) if in_store else database.steps, sorted(found)


class _OneStore:
    def __init__(self, store: Mortal) -> None:
        self.blocking = store


@pytest.mark.parametrize("in_store", [False, True], ids=["the database", "the store"])
def test_whatever_step_a_relay_dies_before_or_after_the_next_one_completes_it_once(server, place, in_store):
    kind, url = place
    engine = create_engine(url)
    create_outbox(engine)
    engine.dispose()
    deaths = 0
    for at in count():
        for done in (False, True):
            steps, jobs = die_once(server, url, in_store=in_store, at=at, done=done)
            assert jobs == [0, 1, 2, 3], (at, done)
            deaths += steps > at
        if steps <= at:
            break

    where = "store" if in_store else "database"
    record("outbox", f"{kind}: a relay dies before and after each of its calls to the {where}", BAR, deaths=deaths)
    assert deaths >= (4 if in_store else 16)
