"""The clock: a loop that enqueues periodic jobs at their ticks, and does nothing else.

Any number of clocks may run on one store. None leads: each tick is claimed and
pushed by one script, so whoever comes first enqueues it and the others learn so.
"""

from mainspring.clock.claims import Tick
from mainspring.clock.clock import Clock
from mainspring.clock.host import Companion, Host
from mainspring.clock.sync import Sync

__all__ = ["Clock", "Companion", "Host", "Sync", "Tick"]
