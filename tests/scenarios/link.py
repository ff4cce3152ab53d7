"""A line between workers and their store that is slow, stalls, carries byte by byte, or goes dead."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

#: A piece of what one side said, and when it arrives, on the loop's clock. No bytes are the end.
Piece = tuple[float, bytes]


class Link:
    """Listens on a loopback port and hands everything to a server's unix socket, in order and whole, but late.

    While it is dead it swallows nothing: what was sent arrives when it has come back to life, as TCP would have it.

    Attributes:
        latency: Seconds that each piece takes on its way, from and to.
        stall: In which share of all pieces the line stands still on top of that, and for how many seconds.
        drip: The share of all pieces that are carried byte by byte.
        connections: How many were made so far.
    """

    def __init__(self, target: Path, seed: int) -> None:
        """Listen; nothing is slow yet."""
        self._target = str(target)
        self._rng = random.Random(seed)
        self.latency = (0.0, 0.0)
        self.stall = (0.0, 0.0)
        self.drip = 0.0
        self.connections = 0
        self.url = ""
        self._is_ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()))
        self._thread.start()
        self._is_ready.wait()

    def go_dead(self) -> None:
        """Carry nothing any more, and close nothing."""
        self._loop.call_soon_threadsafe(self._alive.clear)

    def come_back(self) -> None:
        """Carry everything again, what was held up first."""
        self._loop.call_soon_threadsafe(self._alive.set)

    def be_good(self) -> None:
        """Be quick, and alive."""
        self.latency, self.stall, self.drip = (0.0, 0.0), (0.0, 0.0), 0.0
        self.come_back()

    def close(self) -> None:
        """Cut all connections."""
        self._loop.call_soon_threadsafe(self._told.set)
        self._thread.join(10)

    # --- in its own thread -----------------------------------------------------------

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._alive, self._told = asyncio.Event(), asyncio.Event()
        self._alive.set()
        self._serving: set[asyncio.Task[None]] = set()
        listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{listener.sockets[0].getsockname()[1]}/0"
        self._is_ready.set()
        await self._told.wait()
        listener.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = self._loop.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        far, to_far = await asyncio.open_unix_connection(self._target)
        try:
            await asyncio.gather(self._carry(near, to_far), self._carry(far, to_near))
        except OSError:
            pass  # one side has hung up: so does the other
        finally:
            to_near.close()
            to_far.close()

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        line: asyncio.Queue[Piece] = asyncio.Queue()
        listening = self._loop.create_task(self._listen(source, line))
        try:
            while True:
                due, piece = await line.get()
                await self._until(due)
                await self._alive.wait()
                if not piece:
                    sink.write_eof()
                    return
                for part in self._parts(piece):
                    sink.write(part)
                    await sink.drain()
        finally:
            listening.cancel()

    async def _listen(self, source: asyncio.StreamReader, line: asyncio.Queue[Piece]) -> None:
        due, piece = 0.0, b"?"
        while piece:
            try:
                piece = await source.read(1 << 16)
            except ConnectionError:
                piece = b""
            due = max(due, self._loop.time() + self._delay())
            line.put_nowait((due, piece))

    def _delay(self) -> float:
        share, seconds = self.stall
        stalls = share > 0 and self._rng.random() < share
        return self._rng.uniform(*self.latency) + (seconds if stalls else 0.0)

    def _parts(self, piece: bytes) -> Iterator[bytes]:
        step = 1 if self.drip > 0 and self._rng.random() < self.drip else len(piece)
        return (piece[at : at + step] for at in range(0, len(piece), step))

    async def _until(self, due: float) -> None:
        wait = due - self._loop.time()
        if wait > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), wait)
