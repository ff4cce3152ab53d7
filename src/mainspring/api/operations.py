"""Bulk operations: what shall be done to all jobs that a filter means, written down and done part by part.

The filter and the moment of the start are frozen: a job to which anything happens from
then on (it fails again, is enqueued, put off) is none of the operation's. Workers do the
parts, each in one step; a worker that dies is replaced by another, and people may cancel.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, cast

from mainspring.api.audit import packed
from mainspring.api.paging import MOST, PAGE, Page
from mainspring.api.query import Query, as_query, parameters
from mainspring.api.search import Budget, Found, Search, counts
from mainspring.api.slices import ACTIONS, Run, changed_at
from mainspring.base import codec, durations
from mainspring.base.durations import Duration
from mainspring.base.errors import InvalidOption, MainspringError, StoreError, StoreRefused
from mainspring.base.timesource import TimeSource
from mainspring.job import Job
from mainspring.options import moment
from mainspring.store import operations, search
from mainspring.store.connection import Store
from mainspring.store.operations import Held, Status

_NONE: Final[Mapping[str, Job[Any, Any]]] = MappingProxyType({})
#: The longest time over which retries are spread, in seconds.
_LONGEST: Final = 30 * 86_400.0
#: What no other runner, and no later try, does better.
_HOPELESS: Final = frozenset({"NOPERM", "WRONGTYPE"})


@dataclass(frozen=True, slots=True)
class Operation:
    """A bulk operation, as it was when it was read.

    Attributes:
        id: Its id.
        action: ``retry``, ``delete``, ``kill``, ``reschedule`` or ``enqueue``.
        query: The filter, as text.
        state: Where the jobs are.
        cutoff: What has happened to a job from then on, in unix seconds by the server's clock, keeps it out.
        by: Who started it.
        spread: Over how many seconds retries are spread; None if they come at once.
        at: When the jobs shall be due, if they are rescheduled, in unix seconds.
        started_at: When it was started, in unix seconds.
        ended_at: When it ended; None while it runs.
        total: How many jobs there were to be looked at when it was started, less those in queues not meant.
        looked: How many its runner has looked at.
        done: How many it was done to.
        skipped: How many were meant, and left as they are: no one knows since when they are there, or what they are.
        status: ``running``, ``done``, ``cancelled`` or ``failed``.
        reason: Why it failed; else empty.
    """

    id: str
    action: str
    query: str
    state: str
    cutoff: float
    by: str
    spread: float | None
    at: float | None
    started_at: float
    ended_at: float | None
    total: int
    looked: int
    done: int
    skipped: int
    status: Status
    reason: str


class Operations:
    """The bulk operations of a store, the newest first: 200 are remembered, for 30 days."""

    def __init__(self, store: Store, time: TimeSource, jobs: Mapping[str, Job[Any, Any]] = _NONE) -> None:
        """Look at the operations of *store*; nothing is asked yet.

        Args:
            store: The store.
            time: The clocks.
            jobs: The App's jobs by name, whose arguments may be asked for by the names of their parameters.
        """
        self._store = store
        self._time = time
        self._jobs = jobs
        # Whoever turns holds it, and alone touches what follows.
        self._turning = threading.Lock()
        self._runner = _Runner()
        self._run: Run | None = None

    # --- people ------------------------------------------------------------------------

    def start(
        self,
        action: str,
        query: str | Query = "",
        *,
        state: str,
        by: str = "",
        spread: Duration | None = None,
        at: datetime | float | None = None,
        cutoff: float | None = None,
    ) -> Operation:
        """Begin to do something to all jobs of a state that *query* means; returns at once.

        Args:
            action: ``retry``, ``delete``, ``kill``, ``reschedule`` or ``enqueue``; what goes depends on the state.
            query: Which jobs. Ages count from the cut-off.
            state: ``retrying``, ``scheduled``, ``dead``, ``queued`` or ``waiting``.
            by: Who does so, for the audit log.
            spread: With ``retry``: over how long to spread the retries, evenly; None for all at once.
            at: With ``reschedule``: when the jobs shall be due.
            cutoff: When the person saw what there was, in unix seconds by the server's clock, as `Found.at`; a later
                time than now counts as now.

        Raises:
            InvalidFilter: If *query* cannot be read.
            InvalidOption: If that cannot be done to jobs of that state, a time is missing or cannot mean anything, or
                too many operations are under way.
        """
        asked = as_query(query)
        wait, due = _times(action, state, spread, at)
        total = counts(self._store.run(search.survey(0)))[state]
        fields: dict[str, str | int | float] = {
            "action": action,
            "query": str(asked),
            "state": state,
            "total": total,
            "spread": "" if wait is None else wait,
            "at": "" if due is None else due,
            "names": codec.encode(parameters(asked, self._jobs)).decode(),
        }
        name, facts = os.urandom(8).hex(), packed({key: value for key, value in fields.items() if key != "names"})
        begun = self._store.run(operations.start(name, fields, cutoff=cutoff, by=by, facts=facts))
        if not begun:
            raise InvalidOption(f"{operations.CROWD} bulk operations are under way; cancel one, or wait for its end")
        # Not in one round trip: a server that does not know the script yet would be asked for the record first.
        record = self._store.run(operations.read(name))
        return _operation(name, record)

    def find(self, name: str) -> Operation | None:
        """Return the operation with the id *name*; None if there is none, or none any more."""
        record = self._store.run(operations.read(name)) if name.isalnum() else {}
        return _operation(name, record) if record else None

    def cancel(self, name: str, *, by: str = "") -> bool:
        """End an operation after the part that is being done; False if it was over, or there is none."""
        return name.isalnum() and self._store.run(operations.end(name, "cancelled", by=by)) == 1

    def page(self, cursor: str = "", count: int = PAGE) -> Page[Operation]:
        """Return a page of operations, the newest first, in two round trips.

        Raises:
            InvalidOption: If *cursor* is not that of a page, or *count* not from 1 to 1,000.
        """
        if not isinstance(count, int) or not 1 <= count <= MOST:
            raise InvalidOption(f"count={count!r}: a page has 1 to {MOST:,} operations")
        if not isinstance(cursor, str) or (cursor and not (cursor.isdecimal() and cursor.isascii())):
            raise InvalidOption(f"cursor={cursor!r:.100}: pass the cursor of the page before, or nothing")
        skip = int(cursor[:9] or 0)
        names = self._store.run(operations.names(skip, count))
        records = self._store.pipeline([operations.read(name) for name in names])
        found = [_operation(name, record) for name, record in zip(names, records, strict=True) if record]
        return Page(found, str(skip + count) if len(names) == count else "")

    def __iter__(self) -> Iterator[Operation]:
        """Iterate over the operations, the newest first."""
        return iter(self.page("", operations.MOST))

    def __len__(self) -> int:
        """Count the operations that are remembered."""
        return self._store.run(operations.count())

    def __bool__(self) -> bool:
        """Be true though there may be none."""
        return True

    def count(
        self, query: str | Query = "", *, state: str, cutoff: float | None = None, budget: Budget | None = None
    ) -> tuple[int, bool]:
        """Count the jobs that an operation started now would be done to.

        Args:
            query: Which jobs.
            state: Where they are.
            cutoff: As for `start`.
            budget: How much that may cost.

        Returns:
            How many were found, and whether all were looked at.
        """
        found, cursor = 0, ""
        allowed = budget or Budget()
        deadline = self._time.monotonic() + allowed.ms / 1000
        while True:
            page = self._look(query, state, cursor, deadline, allowed)
            moments = [changed_at(job) for job in page.jobs]
            found += sum(at is not None and at < (page.at if cutoff is None else cutoff) for at in moments)
            cursor = page.cursor
            if not cursor or not page.is_complete or self._time.monotonic() >= deadline:
                return found, not cursor

    def _look(self, query: str | Query, state: str, cursor: str, deadline: float, budget: Budget) -> Found:
        left = Budget(budget.items, max(0.0, deadline - self._time.monotonic()) * 1000)
        look = Search(self._store, self._time, self._jobs)
        return look.page(query, state=state, cursor=cursor, count=MOST, budget=left)

    # --- those who do it ---------------------------------------------------------------

    def turn(self, seconds: float = 0.05) -> bool:
        """Do parts of an operation that nobody else does, for some *seconds*; a part takes a few milliseconds.

        Workers call it. So may any other process that has an App, at any time, from any thread.

        Returns:
            True if there may be more to do at once; False if there is nothing, or another thread is at it.

        Raises:
            StoreError: If the store does not answer; another runner, or this one, goes on with it later.
        """
        if not self._turning.acquire(blocking=False):
            return False
        try:
            return self._turn(self._time.monotonic() + seconds)
        except StoreError:
            # What was sent may come yet, and what the server knows of a scan may be gone with it: this begins anew.
            self._run = None
            raise
        finally:
            self._turning.release()

    def _turn(self, deadline: float) -> bool:
        if not self._runner.is_of_this_process:
            self._runner, self._run = _Runner(), None
        held = self._store.run(operations.claim(self._runner.name, anew=self._run is None))
        if held is None:
            self._run = None
            return False
        try:
            if self._run is None or not self._run.goes_on(held):
                self._run = Run(self._store, self._time, held)
            while self._run.step():
                if self._time.monotonic() >= deadline:
                    return True
        except StoreError as error:
            if not isinstance(error, StoreRefused) or error.code not in _HOPELESS:
                raise
            self._fail(held, error)
        except (MainspringError, KeyError, ValueError) as error:
            # Another release, or another program, has written it.
            self._fail(held, error)
        self._run = None
        return True

    def _fail(self, held: Held, error: Exception) -> None:
        self._store.run(operations.end(held.name, "failed", reason=f"{type(error).__name__}: {error}"[:500]))


class _Runner:
    """A name for who runs operations; a forked child is another."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self.name = f"{self._pid}:{os.urandom(8).hex()}"

    @property
    def is_of_this_process(self) -> bool:
        return self._pid == os.getpid()


def _times(
    action: str, state: str, spread: Duration | None, at: datetime | float | None
) -> tuple[float | None, float | None]:
    """Return over how long to spread and when, in seconds, if all that goes together."""
    if action not in ACTIONS.get(state, ()):
        able = "; ".join(f"{name}: {', '.join(words)}" for name, words in ACTIONS.items())
        raise InvalidOption(f"{action!r} cannot be done to jobs with state={state!r}. What can be done: {able}")
    if spread is not None and action != "retry":
        raise InvalidOption(f"spread={spread!r}: only retries are spread, not {action!r}")
    if (at is None) == (action == "reschedule"):
        raise InvalidOption(f"at={at!r}: 'reschedule' takes a time, and nothing else does")
    wait = None if spread is None else durations.seconds(spread)
    if wait is not None and wait > _LONGEST:
        raise InvalidOption(f"spread={spread!r}: at most 30 days")
    return wait, None if at is None else moment(at)


def _operation(name: str, record: Mapping[str, str]) -> Operation:
    def number(field: str) -> float | None:
        try:
            return float(record.get(field, ""))
        except ValueError:
            return None

    return Operation(
        id=name,
        action=record.get("action", ""),
        query=record.get("query", ""),
        state=record.get("state", ""),
        cutoff=number("cutoff") or 0.0,
        by=record.get("by", ""),
        spread=number("spread"),
        at=number("at"),
        started_at=number("started_at") or 0.0,
        ended_at=number("ended_at"),
        total=int(number("total") or 0),
        looked=int(number("looked") or 0),
        done=int(number("done") or 0),
        skipped=int(number("skipped") or 0),
        status=cast("Status", record.get("status", "failed")),
        reason=record.get("reason", ""),
    )
