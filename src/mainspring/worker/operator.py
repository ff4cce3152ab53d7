"""Does bulk operations, part by part, beside the jobs; it is woken when there are some, and asks nobody before."""

from __future__ import annotations

import random
from typing import Final

from mainspring.base.service import LONGEST_PAUSE, Service
from mainspring.worker.host import Host

#: How long it does parts before it looks whether it shall stop, in seconds.
AT_ONCE: Final = 0.25


class Operator(Service):
    """Has no thread before the first operation."""

    def __init__(self, app: Host, *, rng: random.Random) -> None:
        """Make a service that has nothing to do.

        Args:
            app: Whose operations it does.
            rng: The source of jitter.
        """
        super().__init__("operator", rng=rng)
        self._app = app
        self._has_begun = False  # only the forwarder's thread writes this

    def start(self) -> None:
        """Begin with nothing: `notice` does."""

    def notice(self) -> None:
        """Take note that there are operations; from one thread."""
        if self._has_begun:
            self.wake()
        elif not self.is_stopping:
            self._has_begun = True
            super().start()

    def turn(self) -> float:
        """Do parts of an operation that nobody else does."""
        return 0.0 if self._app.operations.turn(AT_ONCE) else LONGEST_PAUSE
