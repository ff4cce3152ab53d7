"""Moves due jobs, scheduled ones and retries, into their queues, and opens the gates that are due.

Any number of processes may do so: whoever removes a job from its set pushes it, in
one step. The store's clock decides what is due.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any, Final

from mainspring.base import payload
from mainspring.base.errors import InvalidName, InvalidPayload
from mainspring.base.loggers import Log
from mainspring.base.service import Service
from mainspring.store import gates, keys, sets
from mainspring.store.connection import Store
from mainspring.store.waiting import Waiting
from mainspring.worker import outcome as outcomes

_log: Final = Log("mainspring.worker")

#: The most that is moved in one call.
BATCH: Final = 100
#: How late the server may end a blocking call, in seconds: it looks at its clients ten times a second.
LATE: Final = 0.1
#: The longest wait, in seconds: what Ruby schedules rings no bell. With half of what the server adds; two commands go
#: with each, which are most of what an idle worker sends.
LONGEST: Final = 1.4 - LATE / 2


class Forwarder(Service):
    """Sleeps until the next job is due, or until one is pushed that is due earlier."""

    def __init__(
        self,
        store: Store,
        *,
        limit: int = payload.LIMIT,
        operate: Callable[[], None] | None = None,
        rng: random.Random,
    ) -> None:
        """Make a forwarder that does not run yet.

        Args:
            store: The store.
            limit: The longest job that may be pushed, in bytes.
            operate: Called when there are bulk operations to be done; it returns at once.
            rng: The source of jitter.
        """
        super().__init__("forwarder", rng=rng)
        self._store, self._waiting = store, Waiting(store)
        self._limit = limit
        self._operate = operate

    def turn(self) -> float:
        """Forward what is due, open what may open, then wait for what comes next."""
        due = self._store.run(sets.due(BATCH))
        if due.operations and self._operate:
            self._operate()
        self._forward(keys.RETRY, due.retries, due.now)
        self._forward(keys.SCHEDULE, due.scheduled, due.now)
        for start in range(0, len(due.gates), gates.MOST_GATES):
            self._store.run(gates.open_due(due.gates[start : start + gates.MOST_GATES]))
        if BATCH in {len(due.scheduled), len(due.retries), len(due.gates)}:
            return 0.0
        wait = math.inf if due.upcoming is None else due.upcoming - due.now
        if wait <= LATE:
            # The rest is waited for here, deaf to the bell, so that the job starts at its time.
            return max(wait, 0.0)
        if not self.is_stopping:
            self._waiting.run(sets.listen(min(max(wait - LATE, 0.01), LONGEST)))
        return 0.0

    def stop(self) -> None:
        """Ask the loop to end, and the waiting; returns at once."""
        super().stop()
        self._waiting.end()

    def _forward(self, key: str, members: Sequence[bytes], now: float) -> None:
        groups: dict[str, list[tuple[bytes, bytes]]] = {}
        calls: list[Any] = []
        for member in members:
            try:
                payload.check_length(member, self._limit)
                queue, renewed = renew(member, now)
            except (InvalidPayload, InvalidName, ValueError) as error:
                # It must not stand in the way of those behind it.
                calls.append(sets.move(key, keys.DEAD, member, outcomes.noted(member, error), now))
                _log.error(
                    "moved to the dead set, since it is no job: %s",
                    error,
                    extra={"event": "set.malformed", "facts": {"set": key}},
                )
            else:
                groups.setdefault(queue, []).append((member, renewed))
        calls += [sets.forward(key, queue, jobs) for queue, jobs in groups.items()]
        for answer in self._store.pipeline(calls):
            if isinstance(answer, Exception):
                raise answer


def renew(member: bytes, now: float) -> tuple[str, bytes]:
    """Return the queue of a job for later, and the job as it shall be pushed.

    Raises:
        InvalidPayload: If it is no job.
        InvalidName: If its queue's name is none.
    """
    record = payload.fields(member)
    if not isinstance(record.get("class"), str) or not isinstance(record.get("args"), list):
        raise InvalidPayload("invalid", "no class, or no list of arguments")
    queue = payload.check_queue(record.get("queue", "default"))
    return queue, payload.changed(member, {"enqueued_at": now, "at": None})
