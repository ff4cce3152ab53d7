"""One entry as one clock sees it: its next tick, and what of the past is still to be done.

Pure: the loop tells it the time. What it knows is a guess about the store, corrected by
every answer; a wrong guess costs a refused claim and nothing else.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace

from mainspring.schedule.entry import Entry
from mainspring.schedule.ticks import LEAST_GRACE, MILLISECOND, Due, Rule, due

#: Seconds between two ticks of one entry that are caught up: a flood of old jobs must not bury the new ones.
SPACING = 0.01


@dataclass(slots=True, eq=False)
class Hand:
    """The state of one entry; only the clock's thread touches it.

    Attributes:
        entry: The entry.
        rule: Its rule, anchored.
        last: The newest tick that was claimed or given up.
        tick: The next one to claim; None if there is none.
        ready: Since when, or from when on, *tick* may be claimed: its own time, or later after a failure.
        failures: How often in a row the present tick could not be enqueued.
    """

    entry: Entry
    rule: Rule
    last: float
    tick: float | None = None
    ready: float = 0.0
    failures: int = 0
    _backlog: deque[float] = field(default_factory=deque)

    @classmethod
    def of(cls, entry: Entry, anchor: float, last: float | None) -> Hand:
        """Return the hand of *entry*, registered at *anchor*, whose newest claimed tick is *last*."""
        rule = entry.rule.anchored(anchor)
        return cls(entry, rule, entry.begins(rule, anchor) if last is None else last)

    def look(self, now: float, *, awake: bool) -> Due:
        """Choose the next tick, after a time in which nobody looked or nothing could be enqueued.

        Args:
            now: The server's time.
            awake: True if this clock was running when the ticks came due. Then none was missed for
                want of a clock, and ``missed="skip"`` lets the newest one be late by its grace, a minute
                unless it says otherwise.
        """
        entry = self.entry
        if awake and entry.missed == "skip":
            entry = replace(entry, missed="once", grace=LEAST_GRACE if entry.grace is None else entry.grace)
        found = due(self.rule, self.last, now, missed=entry.missed, grace=entry.grace)
        # What is left out is given up for good; what is kept is not, until it is claimed.
        self.last = found.ticks[0] - MILLISECOND if found.ticks else found.newest
        self._backlog = deque(found.ticks)
        self._advance(now)
        return found

    def done(self, now: float) -> None:
        """Go on to the next tick: this one is in its queue, whoever put it there."""
        if self.tick is None:
            return
        self.last, self.failures = self.tick, 0
        self._advance(now + SPACING if self._backlog else now)

    def failed(self, until: float) -> None:
        """Leave the tick open, as one that could not be enqueued, and try again at *until*."""
        self.failures += 1
        self.ready = until

    def wait(self, until: float) -> None:
        """Leave the tick open until *until*."""
        self.ready = until

    def _advance(self, earliest: float) -> None:
        if self._backlog:
            self.tick = self._backlog.popleft()
            self.ready = earliest
            return
        self.tick = self.rule.after(self.last)
        self.ready = self.tick or 0.0
