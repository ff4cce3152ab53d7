"""One entry as one clock sees it: its next tick, and what of the past is still to be done.

Pure: the loop tells it the time. What it knows is a guess about the store, corrected by
every answer; a wrong guess costs a refused claim and nothing else.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from mainspring.schedule.entry import Entry
from mainspring.schedule.ticks import LEAST_GRACE, Due, Rule, due

#: Seconds between two ticks of one entry that are caught up: a flood of old jobs must not bury the new ones.
SPACING = 0.01


@dataclass(slots=True, eq=False)
class Hand:
    """The state of one entry; only the clock's thread touches it.

    Attributes:
        entry: The entry.
        rule: Its rule, anchored.
        last: The newest tick that was settled.
        awake: Since when a clock has been running for it, unix seconds: what was due before was missed for want of one.
        stamp: Which version of the entry this is; the store refuses claims of another.
        runs: The ids of its jobs that may not be done, as the store knows them.
        tick: The next one to claim; None if there is none.
        ready: Since when, or from when on, *tick* may be claimed: its own time and jitter, or later after a failure.
        folded: How many missed ticks are left out for *tick*.
        is_given_up: Whether *tick* was missed too, and is to be noted but not run.
        due: When *tick* is due: its nominal time and its jitter.
        is_settled: Whether another clock is known to have settled *tick*.
        failures: How often in a row the present tick could not be enqueued.
    """

    entry: Entry
    rule: Rule
    last: float
    awake: float = 0.0
    stamp: str = ""
    runs: tuple[str, ...] = ()
    tick: float | None = None
    ready: float = 0.0
    folded: int = 0
    due: float = 0.0
    is_given_up: bool = False
    is_settled: bool = False
    failures: int = 0
    _backlog: deque[float] = field(default_factory=deque)

    def look(self, now: float) -> Due:
        """Choose the next tick, after a time in which nobody looked or nothing could be enqueued.

        What came due while a clock was running was not missed for want of one: ``missed="skip"``
        lets the newest of these be late by its grace, a minute unless it says otherwise.

        Args:
            now: The server's time.
        """
        missed, grace = self.entry.missed, self.entry.grace
        if missed == "skip":
            missed, grace = "once", min(LEAST_GRACE if grace is None else grace, now - self.awake)
        found = due(self.rule, self.last, now, missed=missed, grace=grace, delay=self._delay)
        self.folded = found.folded
        # What is left out is claimed as well, so that all clocks give it up together, and the history tells of it.
        self.is_given_up = bool(found.folded and not found.ticks)
        self._backlog = deque((found.newest,) if self.is_given_up else found.ticks)
        self._advance(now)
        return found

    def done(self, now: float) -> None:
        """Go on to the next tick: this one is settled, whoever did it."""
        if self.tick is None:
            return
        self.last, self.failures, self.folded = self.tick, 0, 0
        self.is_given_up = self.is_settled = False
        self._advance(now + SPACING if self._backlog else now)

    def failed(self, until: float) -> None:
        """Leave the tick open, as one that could not be enqueued, and try again at *until*."""
        self.failures += 1
        self.ready = until

    def wait(self, until: float) -> None:
        """Leave the tick open until *until*."""
        self.ready = until

    def _delay(self, tick: float) -> float:
        return self.entry.delay(self.rule, tick)

    def _advance(self, earliest: float) -> None:
        is_late = bool(self._backlog)
        self.tick = self._backlog.popleft() if is_late else self.rule.after(self.last)
        self.due = 0.0 if self.tick is None else round(self.tick + self._delay(self.tick), 3)
        self.ready = earliest if is_late else self.due
