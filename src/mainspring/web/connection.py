"""A connection to a browser that is not waited for for ever, and of which there are not any number.

uvicorn itself waits for ever for who says nothing, for who says a byte now and then, and for who takes nothing of an
answer; each would keep a file, and whoever opens enough of them would keep all others out.
"""

from __future__ import annotations

import asyncio
import resource
import socket
import struct
from typing import Final

from uvicorn.protocols.http.h11_impl import H11Protocol

from mainspring.web import limits

#: Connections that are open at once; beyond, those give way who have asked for nothing yet.
MOST_CONNECTIONS: Final = 500
#: Bytes that have to be taken of an answer in the time that a part of it may take.
_LEAST_TAKEN: Final = 16 * 1024


class Patient(H11Protocol):
    """Ends a connection that takes too long to say what it wants, or to take what it gets."""

    #: When it was opened, by the loop's clock.
    since = 0.0
    _asking: asyncio.TimerHandle | None = None
    _taking: asyncio.TimerHandle | None = None

    @property
    def is_asking(self) -> bool:
        """Whether no whole request has come that is not answered yet."""
        cycle = self.cycle
        return cycle is None or cycle.response_complete or cycle.more_body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the base has it
        """Make room for it, and begin to wait."""
        super().connection_made(transport)
        # So that it is told whenever there is something that was not taken, however little.
        transport.set_write_buffer_limits(high=0)
        self.since = self.loop.time()
        self._make_room()
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Read a part of a request."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._unwatch()
        self._taken()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait for a client to take what it was sent."""
        super().pause_writing()
        self._offer()

    def resume_writing(self) -> None:
        """Go on, since all was taken."""
        self._taken()
        super().resume_writing()

    def drop(self) -> None:
        """End it at once."""
        # To close it would wait for ever for the rest to be taken, in this process or in the system.
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    # --- within ------------------------------------------------------------------------

    def _make_room(self) -> None:
        others = [each for each in self.connections if isinstance(each, Patient) and each is not self]
        if len(others) < _most():
            return
        asking = (each for each in others if each.is_asking)
        last = min(asking, key=lambda each: each.since, default=self)
        # It counts no more from now on: of many that come at once each makes its own room.
        self.connections.discard(last)
        last.drop()

    def _watch(self) -> None:
        # Without a request under way, bytes that come are the beginning of one.
        if self.cycle is not None and not self.cycle.response_complete:
            self._unwatch()
        elif self._asking is None:
            self._asking = self.loop.call_later(limits.PATIENCE, self._end)

    def _unwatch(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def _end(self) -> None:
        self._asking = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()

    def _offer(self) -> None:
        self._taken()
        owed = self.transport.get_write_buffer_size()
        self._taking = self.loop.call_later(limits.PATIENCE, self._look, owed)

    def _taken(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def _look(self, owed: int) -> None:
        self._taking = None
        if self.transport.get_write_buffer_size() > owed - _LEAST_TAKEN:
            self.drop()
        else:
            self._offer()


def _most() -> int:
    """Return how many connections there may be: half of the files that this process may open, and not more."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else min(MOST_CONNECTIONS, soft // 2)
