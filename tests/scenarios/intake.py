"""A worker and a store into which anything is thrown, and the checks of what became of it."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from mainspring.api.jobs import StoredJob
from mainspring.api.places import InQueue
from mainspring.cli import jobs as cli
from mainspring.cli.output import listing, table
from scenarios.harness import Office, eventually
from scenarios.payloads import DEAD, DONE, LEFT, RETRY, Case, made

#: Where strangers may write.
PLACES = ("queue", "retry", "schedule", "dead")
#: Not before 2096: what has this score lies still.
FUTURE = 4_000_000_000.0

_ID = re.compile(rb"5eed[0-9a-f]{20}")


class Intake:
    """A worker that takes whatever comes.

    Attributes:
        ends: How many cases ended where.
    """

    def __init__(self, office: Office, mutant: str = "", patience: float = 60) -> None:
        """Start the worker; *patience* is for how long it may take to put away what is thrown at once."""
        self._patience = patience
        self.office = office
        self.client = office.server.client
        self.worker = office.start(mutant, concurrency=2).ready()
        self.ends: Counter[str] = Counter()
        self._ids: Iterator[str] = map(made, range(1, 10**9))

    def ids(self, count: int) -> list[str]:
        """Return ids that were never used."""
        return [next(self._ids) for _ in range(count)]

    def take(self, place: str, cases: Sequence[Case]) -> None:
        """Put *cases* into *place*; check that people can see each, that each ends as it may, and the worker works."""
        self.client.delete("retry", "schedule", "dead")
        for case in cases:
            show(self.office, case.raw)
        before = len(self.office.runs("done"))
        if cases:
            self._put(place, [case.raw for case in cases])
        self._settle()
        assert self.worker.popen.poll() is None, self.worker.log.read_text()[-3000:]
        finished = Counter(line["jid"] for line in self.office.runs("done")[before:])
        self._judge(place, cases, finished, self._stored())
        self._still_works()

    def _put(self, place: str, raws: Sequence[bytes]) -> None:
        if place == "queue":
            self.client.lpush("queue:default", *raws)
        else:
            # Long due; but the dead lie still.
            self.client.zadd(place, dict.fromkeys(raws, FUTURE if place == "dead" else 1.0))

    def _settle(self) -> None:
        """Return when nothing waits, is due, or is in flight."""

        def moves() -> bool:
            soon = time.time() + 60
            due = sum(self.client.zcount(key, "-inf", soon) for key in ("schedule", "retry"))
            return due + self.client.llen("queue:default") + len(self.office.in_flight()) > 0

        # What is on its way from a set to a queue was counted in neither: so it must be still twice.
        for _ in range(2):
            eventually(lambda: self.worker.popen.poll() is not None or not moves(), self._patience)

    def _stored(self) -> dict[str, list[bytes]]:
        """Return what lies where, and empty the queues that nobody works for."""
        left = [key for key in self.client.scan_iter("queue:*", count=1000) if key != b"queue:default"]
        found = {
            DEAD: self.client.zrange("dead", 0, -1),
            RETRY: self.client.zrange("retry", 0, -1),
            LEFT: [raw for key in left for raw in self.client.lrange(key, 0, -1)],
        }
        for key in left:
            self.client.delete(key)
            self.client.srem("queues", key.removeprefix(b"queue:"))
        return found

    def _judge(
        self, place: str, cases: Sequence[Case], finished: Mapping[str, int], stored: Mapping[str, Sequence[bytes]]
    ) -> None:
        ids = {end: Counter(each for raw in raws for each in set(_ID.findall(raw))) for end, raws in stored.items()}
        for case in cases:
            where = [DONE] * finished.get(case.jid, 0)
            for end, raws in stored.items():
                where += [end] * (ids[end][case.jid.encode()] if case.jid else raws.count(case.raw))
            if where or case.kind != "spoilt":
                # Of one that was spoilt even the id may have been.
                assert len(where) == 1, f"{case} is in {where or 'no place'}"
                assert place == "dead" or where[0] in case.ends, f"{case} is {where[0]}, not {set(case.ends)}"
            self.ends[where[0] if where else "spoilt"] += 1
        found = sum(finished.values()) + sum(map(len, stored.values()))
        assert found == len(cases), f"{len(cases)} came, {found} are there"
        if place != "dead":
            for raw in stored[DEAD]:
                job = show(self.office, raw)
                assert job.error_class or not job.is_readable, f"dead without a reason: {raw[:500]!r}"

    def _still_works(self) -> None:
        jid = self.office.push("work", 0)
        eventually(lambda: jid in self.office.done() or self.worker.popen.poll() is not None, 30)
        assert jid in self.office.done()


def show(office: Office, raw: bytes) -> StoredJob:
    """Let every reader for people read *raw*: the data API, the table, the listing, JSON."""
    app, now = office.app, time.time()
    job = StoredJob.read(app.store, app.time, raw, InQueue("default"), 1.5)
    for name in (name for name, kind in vars(StoredJob).items() if isinstance(kind, property)):
        getattr(job, name)
    json.dumps(cli.as_record(job), default=str)
    for text in (table(("A",) * 5, [cli._row(job, now)]), listing(cli._facts(job, now))):
        assert all(line.isprintable() for line in text.split("\n")), f"it moves a cursor: {text!r}"
    return job
