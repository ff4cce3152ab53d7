"""Jobs on their way to the store, made into calls: as few as there are queues."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mainspring.base import flow as wire
from mainspring.push import Push
from mainspring.store import flows, queues, sets
from mainspring.store.command import Command
from mainspring.store.flows import Row
from mainspring.store.ties import Ties


class Collector(Protocol):
    """What takes jobs in place of the store for a while, as an open batch does."""

    def take(self, pushes: Sequence[Push]) -> None:
        """Keep *pushes*; it may send some of them."""

    async def atake(self, pushes: Sequence[Push]) -> None:
        """Keep *pushes*; it may await the sending of some of them."""


@dataclass(frozen=True, slots=True)
class Shipment:
    """One call, and the jobs that it stores.

    Attributes:
        command: The call.
        pushes: What it stores, in order.
    """

    command: Command[Any]
    pushes: Sequence[Push]

    @property
    def jids(self) -> list[str]:
        """The ids of the jobs."""
        return [push.jid for push in self.pushes]

    def answered(self, answer: object) -> None:
        """Note which jobs were not stored, as others stand in their place."""
        if isinstance(answer, list):
            for push, holder in zip(self.pushes, answer, strict=True):
                push.duplicate_of = holder or None


def shipments(pushes: Sequence[Push], now: float, limit: int) -> Iterator[Shipment]:
    """Return the calls that store at most 1,000 *pushes*: one for what is scheduled, and one for each queue.

    Jobs on which something hangs go by their own calls.
    """
    if len(pushes) == 1 and "flow" not in pushes[0].fields:
        # Nearly all of them, and somebody waits.
        payload = pushes[0].encoded(now, limit)
        yield Shipment(_plain([(pushes[0], payload)]), pushes)
        return
    plain: dict[str | None, list[tuple[Push, bytes]]] = {}
    tied: dict[str, list[tuple[Push, Row]]] = {}
    for push in pushes:
        payload = push.encoded(now, limit)
        row = _row(push, payload, now) if "flow" in push.fields else None
        if row is None:
            plain.setdefault(None if push.at is not None else push.queue, []).append((push, payload))
        else:
            tied.setdefault(push.queue, []).append((push, row))
    for group in plain.values():
        yield Shipment(_plain(group), [push for push, _ in group])
    for queue, rows in tied.items():
        for start in range(0, len(rows), flows.MOST):
            part = rows[start : start + flows.MOST]
            command = flows.enter(queue, [row for _, row in part], token=part[0][0].jid)
            yield Shipment(command, [push for push, _ in part])


def _row(push: Push, payload: bytes, now: float) -> Row | None:
    flow = wire.read(push.fields["flow"])
    ties = None if flow is None else Ties.of(push.jid, flow)
    if flow is None or ties is None:
        return None
    delay = 0.0 if push.at is None else max(0.0, push.at - now)
    return Row(ties, payload, push.at, round((flow.unique_for + delay) * 1000))


def _plain(jobs: Sequence[tuple[Push, bytes]]) -> Command[int]:
    """Return the call that stores jobs that all go to one queue, or all to the scheduled set."""
    first = jobs[0][0]
    if first.at is None:
        return queues.push(first.queue, [payload for _, payload in jobs], token=first.jid)
    due = [(push.at, payload) for push, payload in jobs if push.at is not None]
    return sets.add(due, queue=first.queue, token=first.jid)
