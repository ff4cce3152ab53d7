"""Producers and relays of an outbox, as processes that are killed with -9.

They are killed from outside at random moments, and kill themselves at those that matter: between
a commit and its relay, right before a push, and between the push and the deletion. The judge
is the application's own table, into which each transaction writes the ids of its jobs as well.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from mainspring import App
from mainspring.integrations.sqlalchemy import create_outbox
from mainspring.store.command import Command
from mainspring.worker import Relay
from mainspring.worker import relay as relays
from scenarios import program
from scenarios.mother import Mother, serve
from servers import Server
from support import until

QUEUES = ("default", "mailers")

#: How often a process kills itself after a commit, right before a push, and right after one.
COMMITTED, BEFORE, AFTER = 0.02, 0.1, 0.15


class Firm:
    """A database with an outbox, and the processes that write to it and relay it."""

    def __init__(self, server: Server, url: str, directory: Path, *, mutant: str = "") -> None:
        """Make the tables, and start what forks the processes.

        Args:
            server: The store.
            url: An empty database.
            directory: Where to log.
            mutant: A fault to put into each process; see `mutants`.
        """
        self._server = server
        self._url = url
        self.engine = create_engine(url)
        create_outbox(self.engine)
        with self.engine.begin() as connection:
            connection.execute(text("CREATE TABLE orders (jid TEXT)"))
        self._oracle = directory / "outbox.oracle"
        self._oracle.touch()
        settings = {"url": url, "store": server.url, "oracle": str(self._oracle), "mutant": mutant}
        self._mother = Mother(__file__, settings, directory / "outbox.log")
        self.alive: dict[int, str] = {}

    def __enter__(self) -> Self:
        """Wait until processes can be started."""
        self._mother.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        """End everything."""
        self._mother.__exit__()
        self.engine.dispose()

    def start(self, role: str, seed: int) -> None:
        """Start a ``producer`` or a ``relay``."""
        self.alive[self._mother.ask(f"{role} {seed}")] = role

    def count(self, role: str) -> int:
        """Return how many of a *role* are alive."""
        for pid in list(self.alive):
            if not Path(f"/proc/{pid}").exists():
                del self.alive[pid]
        return list(self.alive.values()).count(role)

    def kill(self, pid: int) -> None:
        """Kill one process with -9; it may have done so itself."""
        self.alive.pop(pid)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def end(self) -> None:
        """Kill all processes, and relay what is left by one that nobody kills."""
        ended = list(self.alive)
        for pid in ended:
            self.kill(pid)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in ended), 15)
        app = App(self._server.url)
        app.relay(self.engine)
        Relay(app).drain()
        app.close()

    # --- what happened -------------------------------------------------------------------

    def suicides(self) -> Counter[str]:
        """Return how often processes killed themselves, by moment."""
        return Counter(json.loads(line)["event"] for line in self._oracle.read_text().splitlines())

    def verdict(self) -> dict[str, int]:
        """Return what became of the jobs, by what the database and the store say."""
        with self.engine.connect() as connection:
            committed = Counter(connection.execute(text("SELECT jid FROM orders")).scalars())
            left = connection.execute(text("SELECT count(*) FROM mainspring_outbox")).scalar_one()
        keys = [f"queue:{name}" for name in QUEUES]
        stored = Counter(json.loads(data)["jid"] for key in keys for data in self._server.client.lrange(key, 0, -1))
        later = self._server.client.zrange("schedule", 0, -1)
        stored.update(json.loads(data)["jid"] for data in later)
        return {
            "committed": len(committed),
            "lost": len(committed.keys() - stored.keys()),
            "double": sum(count > 1 for count in stored.values()),
            "uncommitted": len(stored.keys() - committed.keys()),
            "left": left,
        }


# --- the processes -----------------------------------------------------------------------


def main(settings: Mapping[str, str]) -> None:
    """Fork a producer or a relay for each line, until there is no more."""

    def child(line: str) -> None:
        role, seed = line.split()
        {"producer": produce, "relay": relay}[role](settings, random.Random(int(seed)))

    # Imports the driver, which each child would otherwise do.
    serve(settings["mutant"], child, create_engine(settings["url"]).dispose)


def die(oracle: str, moment: str) -> None:
    """Write down that this process dies at *moment*, and do so."""
    program.append(oracle, {"event": moment})
    os.kill(os.getpid(), signal.SIGKILL)


def produce(settings: Mapping[str, str], rng: random.Random) -> None:
    """Commit and roll back transactions with jobs, without end."""
    app = App(settings["store"])
    job = app.job(name="work")(lambda number: None)
    engine = create_engine(settings["url"])
    while True:
        try:
            one_transaction(app, job, Session(engine), rng)
        except Exception as error:  # noqa: BLE001 - a database that is busy; what counts is what it has committed
            sys.stderr.write(f"{error}\n")
            continue
        if rng.random() < COMMITTED:
            die(settings["oracle"], "after commit")


def one_transaction(app: App, job: Any, session: Session, rng: random.Random) -> None:
    """Write some jobs and their ids; commit, or roll back one time in five."""
    with session:
        outbox = app.outbox(session)
        with outbox:
            for number in range(rng.randint(1, 4)):
                chosen = job.using(queue=rng.choice(QUEUES))
                made = chosen.enqueue_in("1d", number) if rng.random() < 0.1 else chosen.enqueue(number)
                session.execute(text("INSERT INTO orders (jid) VALUES (:jid)"), {"jid": made.jid})
        if rng.random() < 0.2:
            session.rollback()
        else:
            session.commit()


def relay(settings: Mapping[str, str], rng: random.Random) -> None:
    """Relay, without end."""
    app = App(settings["store"])
    app.relay(settings["url"])
    run = app.store.run

    def mortal(command: Command[Any]) -> Any:
        if command.name == "jobs_enter" and rng.random() < BEFORE:
            die(settings["oracle"], "before push")
        answer = run(command)
        if command.name == "jobs_enter" and rng.random() < AFTER:
            die(settings["oracle"], "after push")
        return answer

    app.store.run = mortal  # type: ignore[method-assign]
    # A batch whose relay has died holds up all others for two seconds, in which nobody would die.
    relays.PATIENCE = 0.1  # type: ignore[misc]
    Relay(app, poll=0.02).start()
    signal.pause()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
