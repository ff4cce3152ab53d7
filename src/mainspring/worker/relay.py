"""Takes what transactions have left in outboxes to the store, once.

A relay gives the oldest jobs a number, pushes the batch of the lowest number, and deletes it.
The store keeps the newest number of each queue, so a relay that is killed anywhere, or
frozen for a week, leaves nothing that the next one could lose or double: a batch
is pushed before it is deleted, and known when it is sent again. Any number of relays may
serve one outbox.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Protocol, Self

from mainspring.base import durations, flow, payload
from mainspring.base.durations import Duration
from mainspring.base.errors import InvalidOption, InvalidPayload, OutboxUnavailable
from mainspring.base.loggers import Log
from mainspring.base.service import Service
from mainspring.base.timesource import TimeSource
from mainspring.features.outbox import Relayed
from mainspring.features.outbox.table import NOTHING, Batch, Table, Waiting
from mainspring.store import flows
from mainspring.store.connection import Store
from mainspring.store.flows import Row
from mainspring.store.ties import Ties

_log: Final = Log("mainspring.relay")

#: Seconds between two looks of a relay that nobody woke.
POLL: Final = 1.0
#: Seconds for which a batch is left to the relay that numbered it, and between two looks whether it has done so.
PATIENCE: Final = 2.0
NEAR: Final = 0.02
#: Seconds between looks after a commit: connections tell of theirs right before it is made.
AFTER_COMMIT: Final = (0.005, 0.05, 0.25)
#: Seconds for which the end waits.
FAREWELL: Final = 5.0


class Host(Protocol):
    """The App, as far as a relay sees it."""

    @property
    def store(self) -> Store:
        """The store."""

    @property
    def time(self) -> TimeSource:
        """The machine's clocks."""

    @property
    def relayed(self) -> Relayed:
        """The databases whose outboxes are relayed."""


class Relay:
    """Pushes the jobs in an App's outboxes, with a thread for each database. A relay runs once.

    Example:
        .. code-block:: python

            with Relay(app):
                serve_web_requests()

    Attributes:
        pushed: Called with the number of jobs of each batch that was pushed and deleted. Tests wait on it.
    """

    def __init__(self, app: Host, *, poll: Duration = POLL, rng: random.Random | None = None) -> None:
        """Prepare to relay the databases that were given to `App.relay`; nothing is sent yet.

        Args:
            app: The App.
            poll: A duration: how often to look where no commit of this process says that it is worth while.
            rng: The source of jitter.

        Raises:
            InvalidOption: If the App has no database to relay, or *poll* is none.
        """
        if not app.relayed.databases:
            raise InvalidOption("there is nothing to relay: name the outbox's database with app.relay(engine)")
        every = durations.seconds(poll)
        if every <= 0:
            raise InvalidOption(f"poll={poll!r}: must be longer than nothing")
        self.pushed: Callable[[int], object] = _nothing
        self._relayed = app.relayed
        chance = rng or random.Random()
        self._services = [
            _Relaying(Table(database), app.store, self._done, time=app.time, poll=every, rng=chance)
            for database in app.relayed.databases
        ]

    def start(self) -> None:
        """Begin."""
        for service in self._services:
            service.start()
            self._relayed.listen(service.commit_made)

    def stop(self) -> None:
        """End, when the batches that are under way are done; what is left waits for the next relay."""
        for service in self._services:
            self._relayed.ignore(service.commit_made)
            service.stop()
        for service in self._services:
            service.join(FAREWELL)

    def wake(self) -> None:
        """Look now; safe from any thread, and from a signal handler."""
        for service in self._services:
            service.wake()

    def __enter__(self) -> Self:
        """Begin."""
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End."""
        self.stop()

    def drain(self) -> int:
        """Push here and now what waits in all outboxes, by a relay that is not started, and return how much it was.

        Raises:
            StoreError: If the store fails; what was not pushed waits on.
            OutboxUnavailable: If a database does.
        """
        return sum(service.drain() for service in self._services)

    def _done(self, count: int) -> None:
        self.pushed(count)


class _Relaying(Service):
    """Relays the outbox of one database."""

    def __init__(
        self,
        table: Table,
        store: Store,
        pushed: Callable[[int], object],
        *,
        time: TimeSource,
        poll: float,
        rng: random.Random,
    ) -> None:
        super().__init__("relay", rng=rng)
        self._table = table
        self._store = store
        self._pushed = pushed
        self._time = time
        self._poll = poll
        # A list, since other threads set it: how long to wait before each of the next looks that find nothing.
        self._looks: list[float] = []
        # Only this relay's own thread touches what follows.
        self._own: int | None = None
        self._others: tuple[int, float] | None = None

    def commit_made(self) -> None:
        """Look now, and again in a moment; called by whoever commits."""
        self._looks = list(AFTER_COMMIT)
        self.wake()

    def turn(self) -> float:
        """Push the next batch, if it is time for it."""
        found = self._table.look()
        if found.lowest is not None:
            return self._next(found.lowest)
        if found.has_fresh:
            # Only where no batch is left: in an outage there is one, which waits, and not one for each try.
            self._own = self._table.number(self._time.now(), flows.MOST)
            return 0.0
        looks = self._looks
        return looks.pop(0) if looks else self._poll * self._rng.uniform(0.8, 1.2)

    def end(self) -> None:
        """Give up the connection."""
        self._table.database.close()

    def drain(self) -> int:
        """Push all that there is, and return how many jobs that were."""
        total = 0
        try:
            while (found := self._table.look()) != NOTHING:
                if found.lowest is None:
                    self._table.number(self._time.now(), flows.MOST)
                total += self._relay()
        except self._table.database.errors as error:
            raise self._unavailable(error) from error
        finally:
            self.end()
        return total

    def _next(self, number: int) -> float:
        if number != self._own and self._is_others(number):
            return NEAR
        self._relay()
        return 0.0

    def _is_others(self, number: int) -> bool:
        """Tell whether a batch that another relay numbered is left to it for some time yet."""
        now = self._time.monotonic()
        if self._others is None or self._others[0] != number:
            self._others = (number, now)
        return now - self._others[1] < PATIENCE

    def _relay(self) -> int:
        """Push the first batch, delete it, and return how many jobs it has."""
        batch = self._table.first()
        if batch is None:
            return 0
        push(self._store, batch, self._time.now())
        # Not before the store has said that it has them all.
        self._table.delete(batch.number)
        self._pushed(len(batch.jobs))
        return len(batch.jobs)

    # --- what is said ------------------------------------------------------------------

    def troubled(self, error: Exception) -> None:
        """Report that the database, or the store, has begun to fail."""
        if not isinstance(error, self._table.database.errors):
            super().troubled(error)
            return
        facts = {
            "database": self._table.database.name,
            "error": {"type": type(error).__name__, "message": str(error)},
        }
        more = {"event": "outbox.database_gone", "facts": facts}
        _log.warning("%s; trying again", self._unavailable(error), extra=more)

    def _unavailable(self, error: Exception) -> OutboxUnavailable:
        # What SQLAlchemy adds, the statement and a link, stands below the first line.
        return OutboxUnavailable(self._table.database.name, str(error).partition("\n")[0])

    def recovered(self) -> None:
        """Report the first success after errors."""
        more = {"event": "outbox.back", "facts": {"database": self._table.database.name}}
        _log.info("the outbox in %s is relayed again", self._table.database.name, extra=more)


def push(store: Store, batch: Batch, now: float) -> None:
    """Push *batch*, with one call for each queue.

    Args:
        store: The store.
        batch: A batch before which all batches of its outbox were pushed.
        now: Unix seconds.

    Raises:
        StoreError: If a queue's call failed; what others have pushed is known when the batch is pushed again.
    """
    queues: dict[str, list[Waiting]] = {}
    for job in batch.jobs:
        queues.setdefault(job.queue, []).append(job)
    for queue, jobs in queues.items():
        rows = [_row(job, now) for job in jobs]
        holders = store.run(flows.relay(queue, rows, source=batch.source, number=batch.number))
        _tell(jobs, holders)


def _row(job: Waiting, now: float) -> Row:
    """Return *job* as it enters the store: its time in the queue begins now."""
    try:
        fields = payload.fields(job.payload)
    except InvalidPayload:
        # Who wrote it, wrote it by hand. The worker that fetches it says what is wrong, and buries it.
        return Row(Ties(job.jid), job.payload, job.at)
    wants = flow.read(fields.get("flow")) or flow.Flow()
    data = job.payload if job.at is not None else payload.changed(job.payload, {"enqueued_at": now})
    delay = 0.0 if job.at is None else max(0.0, job.at - now)
    return Row(Ties.of(job.jid, wants) or Ties(job.jid), data, job.at, round((wants.unique_for + delay) * 1000))


def _tell(jobs: Sequence[Waiting], holders: Sequence[str]) -> None:
    """Log which jobs were not stored, since others stand in their place."""
    for job, holder in zip(jobs, holders, strict=True):
        if holder:
            more = {"event": "outbox.duplicate", "facts": {"jid": job.jid, "duplicate_of": holder, "queue": job.queue}}
            _log.info("job %s is not pushed: %s stands in its place", job.jid, holder, extra=more)


def _nothing(_: int) -> None:
    """Do nothing."""
