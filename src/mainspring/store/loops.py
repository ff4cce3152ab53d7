"""The free connections of an awaited store: each event loop has its own, and each process."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio


class Connection(Protocol):
    """What can be closed, on the loop that it was opened on."""

    async def disconnect(self) -> None:
        """Close it."""


class PerLoop:
    """Keeps what is free; closed at the end of its loop, and never used by another, nor by a forked child."""

    def __init__(self) -> None:
        """Begin with none."""
        self._pid = os.getpid()
        self._free: dict[asyncio.AbstractEventLoop, tuple[deque[Connection], AsyncGenerator[None]]] = {}
        self._inherited: list[object] = []
        self._guard = threading.Lock()

    async def free(self) -> deque[Connection]:
        """Return the free connections of the running loop, to take from and to add to."""
        import asyncio

        loop = asyncio.get_running_loop()
        found = self._here().get(loop)
        if found is not None:
            return found[0]
        free: deque[Connection] = deque()
        keeper = _until_the_loop_ends(free)
        await anext(keeper)
        with self._guard:
            # A loop that was closed without its generators: there is nobody left to close its sockets but this.
            for ended in [known for known in self._free if known.is_closed()]:
                del self._free[ended]
            self._free[loop] = free, keeper
        return free

    def _here(self) -> dict[asyncio.AbstractEventLoop, tuple[deque[Connection], AsyncGenerator[None]]]:
        if self._pid != os.getpid():
            # The parent's connections are kept for ever, untouched: to close one would take its socket
            # off the selector that the parent's loop waits on, which a fork shares.
            self._inherited.append(self._free)
            self._pid, self._free, self._guard = os.getpid(), {}, threading.Lock()
        return self._free


async def _until_the_loop_ends(free: deque[Connection]) -> AsyncGenerator[None]:
    """Close what is free when the loop shuts down its generators, as `asyncio.run` does at its end."""
    try:
        yield
    finally:
        await close_all(free)


async def close_all(free: deque[Connection]) -> None:
    """Close what is free."""
    while free:
        await free.pop().disconnect()
