"""Which jobs somebody cancelled, as far as this process was told; shared by all that run jobs."""

from __future__ import annotations

from typing import Final

from mainspring.base.timesource import TimeSource

#: Seconds for which a job is remembered that was cancelled and never came.
_MEMORY: Final = 600.0


class Cancellations:
    """The ids of cancelled jobs that have not ended here.

    Attributes:
        asked: The ids, and when they came. Those who run jobs look into it; nobody else changes it.
        told: The ids of jobs that know it.
    """

    def __init__(self, time: TimeSource) -> None:
        """Begin with none."""
        self._clock = time.monotonic
        self.asked: dict[str, float] = {}
        self.told: set[str] = set()

    def add(self, jid: str) -> None:
        """Note that somebody cancelled *jid*, which may be on its way to this process still."""
        now = self._clock()
        for other, since in list(self.asked.items()):
            if now - since > _MEMORY and other not in self.told:
                self.asked.pop(other, None)
        self.asked[jid] = now

    def tell(self, jid: str) -> bool:
        """Return whether somebody cancelled *jid*, which is what the job itself asks."""
        if jid not in self.asked:
            return False
        self.told.add(jid)
        return True

    def ended(self, jid: str) -> None:
        """Forget *jid*: its run has ended."""
        self.asked.pop(jid, None)
        self.told.discard(jid)
