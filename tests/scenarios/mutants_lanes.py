"""Known faults of gates and lanes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mainspring.store import flows, sets
from mainspring.store.command import Command
from mainspring.store.ties import Ties
from mainspring.worker import gatekeeper


def keep_slots() -> None:
    """Give back no slot of a gate when a job has succeeded."""
    finish = flows.finish

    def kept(queue: str, identity: str, jobs: Sequence[tuple[int, Ties]], day: str) -> Command[list[int]]:
        return finish(queue, identity, [(seq, Ties(ties.jid)) for seq, ties in jobs], day)

    flows.finish = kept


def ask_nobody() -> None:
    """Start whatever was fetched, as if each job that comes held its gates."""
    gatekeeper.Gatekeeper.admit = lambda self, queue, holder, fresh: gatekeeper.Admission(fresh)  # type: ignore[method-assign]


def open_nothing() -> None:
    """Look at no gate that is due."""

    def due(limit: int = 100) -> Command[Any]:
        found = look(limit)
        return Command(
            found.name, found.keys, found.args, lambda reply: sets.Due(*_but_gates(found.decode(reply))), plain=False
        )

    look = sets.due
    sets.due = due


def _but_gates(due: sets.Due) -> tuple[Any, ...]:
    return due.now, due.upcoming, due.scheduled, due.retries
