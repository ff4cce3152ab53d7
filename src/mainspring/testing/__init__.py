"""For tests of what is built with mainspring: no server, no sleeping, nothing that only works here."""

from mainspring.testing.clock import Fired, run_clock

__all__ = ["Fired", "run_clock"]
