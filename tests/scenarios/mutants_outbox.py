"""Faults of one line or two in the outbox, its relay and the script that pushes a batch; see `mutants`."""

from __future__ import annotations

from mainspring.features.outbox import face
from mainspring.store import scripts
from mainspring.worker import relay


def no_number() -> None:
    """Push a batch whether or not it was pushed before."""
    source = scripts._source
    line = "is_again = tonumber(number) <= tonumber(before or 0)"
    assert line in source("jobs_enter.lua"), "the script has changed; so must its mutant"
    scripts._source = lambda path: source(path).replace(line, "is_again = false")


def delete_first() -> None:
    """Delete a batch before it is pushed."""

    def relay_one(self: relay._Relaying) -> int:
        batch = self._table.first()
        if batch is None:
            return 0
        self._table.delete(batch.number)
        relay.push(self._store, batch, self._time.now())
        return len(batch.jobs)

    relay._Relaying._relay = relay_one  # type: ignore[method-assign]


def push_at_once() -> None:
    """Push what is enqueued in a transaction without waiting for its commit."""

    def take(self: face.Outbox, pushes: object) -> None:
        self._client.ship(pushes)  # type: ignore[attr-defined]

    face.Outbox.take = take  # type: ignore[assignment, method-assign]
