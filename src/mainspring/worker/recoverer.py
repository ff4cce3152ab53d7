"""Gives back the jobs of processes that died, and ends what such a process had begun.

Two looks are needed. The first finds no lease, and notes so in the store: a write, so
a store on which no heartbeat could succeed either lets nobody be suspected. The second,
after a grace, fences the process for ever and gives its jobs back. The grace is measured
by the store's clock and by our own: after an outage all leases look expired at once, and
then only our own tells that nobody had a chance to renew.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from mainspring import config
from mainspring.base import payload
from mainspring.base.errors import InvalidPayload, StoreError
from mainspring.base.loggers import Log
from mainspring.base.service import Service
from mainspring.base.timesource import TimeSource
from mainspring.store import keys, processes, queues, sets
from mainspring.store.connection import Store

_log: Final = Log("mainspring.worker")

#: Deaths of its process, within `MEMORY`, after which a job is held for their cause.
DEATHS: Final = 3
#: Seconds for which deaths are remembered.
MEMORY: Final = 72 * 3600.0

#: How many leases are looked at in one call.
AT_ONCE: Final = 1000

_MARK: Final = b"_run:"
#: What `processes.reclaim` answers while the grace lasts by the store's clock.
_TOO_EARLY: Final = -3


class Recoverer(Service):
    """Looks for dead processes on all queues, whoever served them."""

    def __init__(
        self,
        store: Store,
        *,
        every: float,
        grace: float,
        known: Callable[[], Iterable[str]],
        time: TimeSource,
        rng: random.Random,
    ) -> None:
        """Make a recoverer that does not run yet.

        Args:
            store: The store.
            every: Seconds between two looks, up to twice that.
            grace: Seconds between the first look that finds no lease and the reclaim.
            known: The queues of this process, which may never have been pushed to.
            time: The clocks.
            rng: The source of jitter.
        """
        super().__init__("recoverer", rng=rng)
        self._store = store
        self._every = every
        self._grace = grace
        self._known = known
        self._time = time
        self._seen: dict[tuple[str, str], float] = {}

    def turn(self) -> float:
        """Look at every queue once."""
        names = sorted({*self._store.run(queues.names()), *self._known()})
        missing: set[tuple[str, str]] = set()
        for queue in names:
            missing |= {(queue, identity) for identity in self._without_lease(queue)}
        self._seen = {key: since for key, since in self._seen.items() if key in missing}
        for queue, identity in sorted(missing):
            self._judge(queue, identity)
        if self._store.run(processes.cleanup_turn()):
            self._prune()
            self._drop_cleared(names)
        waiting = self._seen.values()
        pause = self._every * self._rng.uniform(1, 2)
        if waiting:
            # Not before the earliest grace ends, and not much later either.
            pause = min(pause, max(min(waiting) + self._grace - self._time.monotonic(), 0.1))
        return pause

    def troubled(self, error: Exception) -> None:
        """Forget what was seen: during an outage nobody could renew a lease."""
        self._seen.clear()
        super().troubled(error)

    def _without_lease(self, queue: str) -> list[str]:
        owners = self._store.run(processes.owners(queue))
        # Each process of a crowd looks at all: were it one call for each, they would be the square of the crowd.
        parts = [owners[start : start + AT_ONCE] for start in range(0, len(owners), AT_ONCE)]
        return [identity for part in parts for identity in self._store.run(processes.without_lease(queue, part))]

    def _judge(self, queue: str, identity: str) -> None:
        since = self._seen.get((queue, identity))
        if since is None:
            if self._store.run(processes.suspect(queue, identity)):
                # After the answer: so the store's grace has begun before ours, and is over when ours is.
                self._seen[(queue, identity)] = self._time.monotonic()
        elif self._time.monotonic() - since >= self._grace:
            self._reclaim(queue, identity)

    def _reclaim(self, queue: str, identity: str) -> None:
        now = self._time.now()
        held = self._store.run(queues.inflight(queue, identity))
        changes = verdicts(held, now)
        grace_ms = round(self._grace * 1000)
        count = self._store.run(processes.reclaim(queue, identity, grace_ms=grace_ms, now=now, changes=changes))
        if count == _TOO_EARLY:
            # The store's clock runs slower than ours. Were this forgotten, the grace would begin anew.
            return
        self._seen.pop((queue, identity), None)
        if count < 0:
            return
        buried = sum(fate == "dead" for _, fate, _ in changes)
        facts = {"process": identity, "queue": queue, "jobs": count - buried, "poison": buried}
        _log.warning(
            "%s is dead: gave back %d jobs of %s%s",
            identity,
            count - buried,
            queue,
            f", buried {buried} that killed {DEATHS} processes" if buried else "",
            extra={"event": "process.recovered", "facts": facts},
        )

    def _prune(self) -> None:
        """Take silent identities off the list of processes."""
        listed = self._store.run(processes.identities())
        found = self._checked([processes.description(identity) for identity in listed])
        silent = [identity for identity, description in zip(listed, found, strict=True) if not description]
        if silent:
            self._store.run(processes.forget(silent))

    def _drop_cleared(self, names: Sequence[str]) -> None:
        """Drop what was put aside when a queue or a set was cleared, by somebody who did not come to the end."""
        calls = [*map(queues.sweep, names), *map(sets.sweep, keys.SETS)]
        while calls and not self.is_stopping:
            dropped = self._checked(calls)
            calls = [call for call, count in zip(calls, dropped, strict=True) if count]

    def _checked(self, commands: list[Any]) -> list[Any]:
        answers = self._store.pipeline(commands)
        for answer in answers:
            if isinstance(answer, StoreError):
                raise answer
        return answers


def verdicts(held: Mapping[bytes, bytes], now: float) -> list[tuple[bytes, str, bytes]]:
    """Return which jobs of a dead process change on their way back: those that may have killed it.

    If a job was marked as running, it alone is held responsible. Jobs that were in no
    crash before become suspects, which the next process runs one at a time and marks;
    they may just have been near. Suspects that were not marked had not started.

    Args:
        held: The process's in-flight hash.
        now: Unix seconds.

    Returns:
        Delivery, fate (``"queue"`` or ``"dead"``) and new payload of each.
    """
    marked = {name.removeprefix(_MARK) for name in held if name.startswith(_MARK)}
    changes, limit = [], config.payload_limit()
    for seq, raw in held.items():
        if not seq.isdigit():
            continue
        try:
            deaths = _deaths(raw, now, limit)
            if seq in marked or not deaths:
                changes.append((seq, *_verdict(raw, [*deaths, now])))
        except (InvalidPayload, ValueError):
            # What is no job, or too long for one, cannot have run.
            continue
    return changes


def _deaths(raw: bytes, now: float, limit: int = payload.LIMIT) -> list[float]:
    found = payload.read(raw, limit).recovered
    times = found if isinstance(found, list) else []
    return [float(time) for time in times if isinstance(time, int | float) and now - time < MEMORY]


def _verdict(raw: bytes, deaths: list[float]) -> tuple[str, bytes]:
    changes: dict[str, Any] = {"recovered": deaths}
    if len(deaths) < DEATHS:
        return "queue", payload.changed(raw, changes)
    changes |= {
        "error_class": "mainspring.PoisonPill",
        "error_message": f"poison: {len(deaths)} processes died while it ran",
        "failed_at": deaths[0],
    }
    return "dead", payload.changed(raw, changes)
