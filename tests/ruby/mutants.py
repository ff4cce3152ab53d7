"""Known faults to be put into our worker beside a real Sidekiq; the checker must find each."""

from __future__ import annotations

from collections.abc import Sequence

from mainspring.store import keys
from mainspring.store.command import integer, plain
from mainspring.worker import forwarder
from scenarios.program import pause


def apply(name: str) -> None:
    """Put the fault *name* into this process."""
    FAULTS[name]()


def push_all() -> None:
    """Push all that was read as due, whether or not somebody else has taken it meanwhile."""

    def forward(self: forwarder.Forwarder, key: str, members: Sequence[bytes], now: float) -> None:
        pause(0.3)
        for member in members:
            queue, renewed = forwarder.renew(member, now)
            self._store.pipeline(
                [
                    plain("ZREM", key, args=(member,), decode=integer),
                    plain("LPUSH", keys.queue(queue), args=(renewed,), decode=integer),
                ]
            )

    forwarder.Forwarder._forward = forward  # type: ignore[method-assign]


FAULTS = {"push_all": push_all}
