"""Opens the stores of one App: from its URL, the embedded server's included."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mainspring.store.connection import AsyncStore, Store
from mainspring.store.url import redis_options

if TYPE_CHECKING:
    from mainspring.store.embedded import EmbeddedServer

_EMBEDDED: Final = "embedded://"


class Stores:
    """The blocking and the awaited store of one URL, each made when it is first used."""

    def __init__(self, url: str, prefix: str) -> None:
        """Check the URL; nothing is connected yet.

        Args:
            url: The store's URL, or ``embedded://DIR``.
            prefix: Put in front of every key.

        Raises:
            InvalidOption: If the URL is none.
        """
        if not url.startswith(_EMBEDDED):
            redis_options(url)
        self._url = url
        self._prefix = prefix
        self._opening = threading.Lock()
        self._server: EmbeddedServer | None = None
        self._blocking: Store | None = None
        self._awaited: AsyncStore | None = None

    @property
    def blocking(self) -> Store:
        """The store for calls that block."""
        if self._blocking is None:
            with self._opening:
                url, revive = self._address()
                self._blocking = self._blocking or Store(url, prefix=self._prefix, revive=revive)
        return self._blocking

    @property
    def awaited(self) -> AsyncStore:
        """The store for calls that are awaited."""
        if self._awaited is None:
            with self._opening:
                url, revive = self._address()
                self._awaited = self._awaited or AsyncStore(url, prefix=self._prefix, revive=revive)
        return self._awaited

    def close(self) -> None:
        """Close connections that are not in use, and give back the share in an embedded server."""
        with self._opening:
            if self._blocking is not None:
                self._blocking.close()
            if self._server is not None:
                self._server.release()
            self._blocking = self._awaited = self._server = None

    async def aclose(self) -> None:
        """Close as `close`, and the connections of the running event loop that are not in use."""
        awaited = self._awaited
        if awaited is not None:
            await awaited.aclose()
        self.close()

    def _address(self) -> tuple[str, Callable[[], None] | None]:
        if not self._url.startswith(_EMBEDDED):
            return self._url, None
        if self._server is None:
            from mainspring.store import embedded

            self._server = embedded.ensure(Path(self._url.removeprefix(_EMBEDDED)))
            _say(self._server.notice)
        return self._server.url, self._server.ensure_running


def _say(notice: str) -> None:
    """Tell whoever gave no URL where the jobs are; a program without a standard error has nobody to tell."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            sys.stderr.write(f"{notice}\n")
