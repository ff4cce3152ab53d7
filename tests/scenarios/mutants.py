"""Known faults, one line each, to be put into a worker process: the checker must find every one of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from mainspring.store import keys, processes, queues
from mainspring.store.command import Command, blobs, plain
from mainspring.worker import capsule, delivery, heartbeat, pacemaker, recoverer


def apply(name: str) -> None:
    """Put the fault *name* into this process: one of `FAULTS`, or ``module.function`` of a module beside this one."""
    module, _, function = name.rpartition(".")
    fault = getattr(importlib.import_module(f"scenarios.{module}"), function) if module else FAULTS[name]
    fault()


def brpop() -> None:
    """Take jobs off their queue and keep them nowhere, as a worker on BRPOP does."""
    numbers = iter(range(1, 10**9))

    def fetch(queue: str, identity: str, n: int, reqid: str, field: str) -> Command[Any]:
        def read(reply: Any) -> queues.Fetched:
            return queues.Fetched([(next(numbers), raw) for raw in blobs(reply)])

        return plain("RPOP", keys.queue(queue), args=(n,), decode=read)

    queues.fetch = fetch  # type: ignore[assignment]


def ack_first() -> None:
    """Acknowledge each job before it runs, as many a worker does."""
    hand_out = capsule.Capsule._hand_out

    def acknowledge(self: capsule.Capsule, deliveries: list[delivery.Delivery]) -> None:
        for each in deliveries:
            self._store.run(queues.done(each.queue, each.holder, [each.seq], "2026-01-01"))
        hand_out(self, deliveries)

    capsule.Capsule._hand_out = acknowledge  # type: ignore[method-assign, assignment]


def blame_all() -> None:
    """Blame a crash on all jobs that were in flight, and run suspects side by side."""

    def verdicts(held: dict[bytes, bytes], now: float) -> list[tuple[bytes, str, bytes]]:
        return [
            (seq, *recoverer._verdict(raw, [*recoverer._deaths(raw, now), now]))
            for seq, raw in held.items()
            if seq.isdigit()
        ]

    def receive(self: delivery.Delivery, *facts: Any) -> None:
        made(self, *facts)
        self.is_suspect = False

    made = delivery.Delivery.__init__
    delivery.Delivery.__init__ = receive  # type: ignore[method-assign, assignment]
    recoverer.verdicts = verdicts  # type: ignore[assignment]
    no_pacemaker()


def no_pacemaker() -> None:
    """Do without the helper process, so that a fault of the worker's own is not mended by it."""
    pacemaker.Pacemaker.tell = lambda self, orders: None  # type: ignore[method-assign]


def no_blame() -> None:
    """Give back whatever was in flight, however often its process died."""
    recoverer.verdicts = lambda held, now: []
    no_pacemaker()


def no_fence() -> None:
    """Record an outcome whoever holds the job."""

    def settle(*place: Any, now: float, day: str) -> Command[int]:
        what = place[-1]
        return plain("ZADD", what.place, args=(what.score, what.payload), decode=lambda reply: 1)

    queues.settle = settle


def one_look() -> None:
    """Declare dead at the first look, as a sweeper without a grace does."""

    def judge(self: recoverer.Recoverer, queue: str, identity: str) -> None:
        self._store.run(processes.reclaim(queue, identity, grace_ms=0, now=self._time.now(), certain=True))

    recoverer.Recoverer._judge = judge  # type: ignore[method-assign]
    # An unlucky moment: the sweeper is back before the heartbeat.
    heartbeat.Heartbeat._failed = lambda self, error: 2.0  # type: ignore[method-assign]
    recoverer.Recoverer._failed = lambda self, error: 0.05  # type: ignore[method-assign]
    no_pacemaker()


FAULTS: dict[str, Callable[[], None]] = {
    made.__name__: made for made in (brpop, ack_first, blame_all, no_blame, no_fence, no_pacemaker, one_look)
}
