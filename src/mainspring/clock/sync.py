"""Entries from elsewhere: clocks ask the App's sources for their rows, and store what has changed.

Each source has a thread of its own: one that hangs keeps neither the others waiting nor the
clock from ending. Any number of clocks may ask the same source.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from mainspring.api import outside
from mainspring.base.errors import MainspringError, StoreError
from mainspring.base.loggers import Log
from mainspring.base.service import Service
from mainspring.clock.ledger import Ledger
from mainspring.clock.rows import Reader
from mainspring.events import Handlers
from mainspring.schedule.source import Source

#: Seconds for which the end waits, for all sources together.
FAREWELL: Final = 2.0

_log: Final = Log("mainspring.clock")


class Host(outside.Host, Protocol):
    """The App, as far as its sources are concerned."""

    @property
    def handlers(self) -> Handlers:
        """What is called on errors."""


@dataclass(frozen=True, slots=True)
class Synced:
    """What came of asking a source once.

    Attributes:
        source: Its name.
        defined: Names of entries that were new or had changed.
        removed: Names of entries that it names no more.
        wrong: Names of rows that are wrong, or that have the name of another's entry.
    """

    source: str
    defined: tuple[str, ...]
    removed: tuple[str, ...]
    wrong: tuple[str, ...]


class Sync:
    """Asks an App's sources as long as a clock lives; a companion of the clock.

    Attributes:
        synced: Called with each `Synced`, by the source's thread. Tests wait on it.
    """

    def __init__(self, app: Host, *, rng: random.Random | None = None) -> None:
        """Prepare to ask the sources that *app* has now; nothing is asked yet.

        Args:
            app: The App.
            rng: The source of jitter.
        """
        self.synced: Callable[[Synced], None] = _nothing
        self._time = app.time
        chance = rng or random.Random()
        self._services = [_Asking(app, source, self._pass_on, rng=chance) for source in app.sources]

    def start(self) -> None:
        """Begin, with a thread for each source."""
        for service in self._services:
            service.start()

    def stop(self) -> None:
        """End. A source that does not answer is left alone, and what it may answer yet counts for nothing."""
        for service in self._services:
            service.stop()
        end = self._time.monotonic() + FAREWELL
        for service in self._services:
            if not service.join(max(0.0, end - self._time.monotonic())):
                service.hangs()

    def _pass_on(self, found: Synced) -> None:
        self.synced(found)


class _Asking(Service):
    """Asks one source, each period."""

    def __init__(self, app: Host, source: Source, synced: Callable[[Synced], None], *, rng: random.Random) -> None:
        super().__init__(f"source-{source.name}", rng=rng)
        self._source = source
        self._handlers = app.handlers
        self._synced = synced
        # Only this thread touches what follows.
        self._reader = Reader(app)
        self._ledger = Ledger(app, source)
        self._told: dict[str, str] = {}
        self._has_failed = False

    def turn(self) -> float:
        """Ask the source, and store what has changed."""
        names = self._ledger.names()
        answer = self._reader.read(self._source.read())
        if self.is_stopping:
            return 0.0
        defined, removed = self._ledger.settle(answer, names)
        self._tell(answer.wrong)
        self._say(defined, removed)
        self._synced(Synced(self._source.name, tuple(defined), tuple(removed), tuple(answer.wrong)))
        return self._source.every

    # --- what is said ------------------------------------------------------------------

    def troubled(self, error: Exception) -> None:
        """Report that the source, or the store, has begun to fail."""
        if isinstance(error, StoreError):
            super().troubled(error)
            return
        facts = {"source": self._source.name, "error": repr(error)}
        text = "the source %s failed, and is asked again in its time: %s"
        more = {"event": "clock.source_failed", "facts": facts}
        _log.error(text, self._source.name, error, extra=more, error=error)
        self._has_failed = True
        error.add_note(f"source {self._source.name!r} of periodic entries")
        self._handlers.error(error, None)

    def recovered(self) -> None:
        """Report the first success after errors."""
        if not self._has_failed:
            super().recovered()
            return
        self._has_failed = False
        more = {"event": "clock.source_back", "facts": {"source": self._source.name}}
        _log.info("the source %s answers again", self._source.name, extra=more)

    def hangs(self) -> None:
        """Report that the source has not answered when the clock ended."""
        more = {"event": "clock.source_hangs", "facts": {"source": self._source.name}}
        _log.warning("the source %s does not answer, and is left alone", self._source.name, extra=more)

    def _failed(self, error: Exception) -> float:
        # A source that fails is asked in its time and not sooner: the database behind it has trouble enough.
        wait = super()._failed(error)
        return wait if isinstance(error, StoreError) else max(wait, self._source.every)

    def _tell(self, wrong: Mapping[str, MainspringError]) -> None:
        """Report rows that are wrong, each once, until they are wrong in another way."""
        for name, error in wrong.items():
            if self._told.get(name) != str(error):
                facts = {"source": self._source.name, "entry": name, "error": repr(error)}
                text = "the source %s has a wrong row, and its entry stays as it is: %s"
                _log.error(text, self._source.name, error, extra={"event": "clock.row_wrong", "facts": facts})
                error.add_note(f"source {self._source.name!r}, row {name!r}")
                self._handlers.error(error, None)
        self._told = {name: str(error) for name, error in wrong.items()}

    def _say(self, defined: list[str], removed: list[str]) -> None:
        if defined or removed:
            facts = {"source": self._source.name, "defined": defined[:20], "removed": removed[:20]}
            text = "the source %s: %d defined, %d removed"
            more = {"event": "clock.synced", "facts": facts}
            _log.info(text, self._source.name, len(defined), len(removed), extra=more)


def _nothing(_: object) -> None:
    """Do nothing."""
