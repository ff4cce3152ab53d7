"""Lets fetched jobs start that pass their gates; the store puts the others aside, into lanes.

Jobs that our client has pushed hold their gates when they are fetched. Those that
come from elsewhere (Ruby, the clock, or from before the gate was there) are asked
here, once; all that came with one fetch in one call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from mainspring.base.errors import StoreError
from mainspring.base.flow import MOST_GATES, Flow
from mainspring.base.loggers import Log
from mainspring.base.payload import Payload
from mainspring.features import lanes
from mainspring.job import Job
from mainspring.store import gates
from mainspring.store.command import Command
from mainspring.store.connection import Store
from mainspring.worker.delivery import Delivery
from mainspring.worker.settings import CapsuleSettings

_log: Final = Log("mainspring.worker")


@dataclass(frozen=True, slots=True)
class Admission:
    """Which of some fetched jobs may start.

    Attributes:
        granted: Those that may.
        refused: Those that this process does not hold any more: they are in lanes, or were taken from it.
        is_certain: False if the answer was lost: then *refused* may be here still, and are to be given back.
    """

    granted: Sequence[Delivery]
    refused: Sequence[Delivery] = ()
    is_certain: bool = True


class Gatekeeper:
    """What a worker knows of gates; its capsules' threads ask it, and its heartbeat keeps it up to date."""

    def __init__(self, jobs: Mapping[str, Job[Any, Any]], capsules: Iterable[CapsuleSettings], store: Store) -> None:
        """Read the options of all jobs; nothing is sent yet.

        Args:
            jobs: What may be run, by name.
            capsules: The worker's capsules: which queues they serve, and with how many slots.
            store: The store.
        """
        self._store = store
        self._jobs = jobs
        self._names = {name: names for name, job in jobs.items() if (names := lanes.of(job)) is not None}
        self._definitions = {gate: value for job in jobs.values() for gate, value in lanes.definitions(job).items()}
        self._slots: dict[str, int] = {}
        for capsule in capsules:
            for queue in capsule.names:
                self._slots[queue] = self._slots.get(queue, 0) + capsule.concurrency
        self._takes_turns = any(job.options.fair_by is not None for job in jobs.values())
        self._limited: frozenset[str] = frozenset()  # queues with a gate of their own; only the heartbeat writes this

    # --- what is allowed -----------------------------------------------------------------

    def define(self, identity: str) -> None:
        """Say what the gates of this code allow, as the newest who says so.

        Raises:
            StoreError: If the store does not answer.
        """
        self._tell(identity, is_newest=True)

    def beat(self, identity: str) -> None:
        """Define again what the store has lost, and learn which queues have a gate."""
        try:
            self._tell(identity, is_newest=False)
        except StoreError as error:
            # The next beat does it.
            _log.debug("gates could not be defined: %s", error)

    def _tell(self, identity: str, *, is_newest: bool) -> None:
        names = list(self._slots)
        calls: list[Command[Any]] = [gates.allowed([gates.of_queue(queue) for queue in names])]
        if self._definitions:
            calls.append(gates.define(self._definitions, is_newest=is_newest))
        if self._takes_turns:
            calls += [gates.serve(queue, identity, slots) for queue, slots in self._slots.items()]
        answers = self._store.pipeline(calls)
        for answer in answers:
            if isinstance(answer, StoreError):
                raise answer
        self._limited = frozenset(queue for queue, value in zip(names, answers[0], strict=True) if value)

    # --- who may start -------------------------------------------------------------------

    def limited(self, queue: str, deliveries: Sequence[Delivery]) -> list[tuple[Delivery, Sequence[str]]]:
        """Return those of *deliveries* that have gates to pass, and which."""
        own = [gates.of_queue(queue)] if queue in self._limited else []
        return [
            (delivery, names)
            for delivery in deliveries
            if (payload := delivery.payload) is not None
            and (own or ((flow := payload.flow) is not None and flow.gates) or payload.name in self._names)
            and (names := self._gates(delivery, payload, own))
        ]

    def _gates(self, delivery: Delivery, payload: Payload, own: Sequence[str]) -> Sequence[str]:
        flow = delivery.flow = payload.flow
        found: Sequence[str] = flow.gates if flow is not None else ()
        if not found and payload.name in self._names:
            found = self._by_class(payload, delivery.queue)
        if not (found or own):
            return ()
        if len(found) + len(own) > 1:
            found = sorted({*found, *own})[:MOST_GATES]
        # The store has them in one column, and each in a line of a lane's element, as the id.
        if not (payload.jid.isprintable() and all(map(str.isprintable, found or own))):
            delivery.flow = _left(flow, ())
            return ()
        return found or own

    def _by_class(self, payload: Payload, queue: str) -> Sequence[str]:
        """Return the gates of a job that does not say which it has, by its class and arguments."""
        arguments = self._jobs[payload.name].arguments
        try:
            return self._names[payload.name](
                lambda: arguments.named(*arguments.restore(payload.args, payload.kwargs)), queue
            )
        except Exception as error:  # noqa: BLE001 - asks the user's functions; what does not fit fails when it runs
            _log.debug("%s: its gates could not be told by its arguments: %s", payload.jid, error)
            return ()

    def admit(self, queue: str, holder: str, fresh: Sequence[Delivery]) -> Admission:
        """Ask the store which of *fresh*, which all came from *queue*, may start."""
        jobs = self.limited(queue, fresh)
        if not jobs:
            return Admission(fresh)
        try:
            refused = self._enter(queue, holder, jobs)
        except StoreError as error:
            _log.debug("nobody can tell which jobs of %s may start: %s", queue, error)
            unsure = {delivery for delivery, _ in jobs}
            return Admission([each for each in fresh if each not in unsure], list(unsure), is_certain=False)
        return Admission([each for each in fresh if each not in refused] if refused else fresh, list(refused))

    def _enter(self, queue: str, holder: str, jobs: Sequence[tuple[Delivery, Sequence[str]]]) -> set[Delivery]:
        """Let *jobs* start, and return those that may not: they are elsewhere now."""
        refused: set[Delivery] = set()
        for start in range(0, len(jobs), gates.MOST):
            groups: dict[str, list[Delivery]] = {}
            for delivery, names in jobs[start : start + gates.MOST]:
                groups.setdefault(names[0] if len(names) == 1 else ",".join(names), []).append(delivery)
            rows = {names: [(each.seq, each.jid) for each in group] for names, group in groups.items()}
            found = self._store.run(gates.enter(queue, holder, rows))
            answers = iter(found)
            for column, group in groups.items():
                held = tuple(filter(gates.is_held, column.split(",")))
                _leave(group, held)
                refused.update(each for each, answer in zip(group, answers, strict=False) if answer != gates.GRANTED)
        if refused:
            _log.debug("%d jobs wait in lanes", len(refused), extra={"event": "gates.aside", "facts": {"queue": queue}})
        return refused


def _leave(group: Iterable[Delivery], held: tuple[str, ...]) -> None:
    """Let each of *group* carry those gates only that it leaves when it is settled."""
    flow = left = None
    for delivery in group:
        # Most carry the same as the one before.
        if left is None or delivery.flow != flow:
            flow, left = delivery.flow, _left(delivery.flow, held)
        delivery.flow = left


def _left(flow: Flow | None, held: tuple[str, ...]) -> Flow:
    """Return *flow* with those gates only that the job leaves when it is settled."""
    if flow is None:
        return Flow(gates=held)
    return flow if flow.gates == held else msgspec.structs.replace(flow, gates=held)
