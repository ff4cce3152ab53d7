"""An answer that comes when its caller has given up is nobody's, though the call was one that may wait."""

from __future__ import annotations

import asyncio

import pytest

from mainspring.base.errors import StoreUnavailable
from mainspring.store import queues
from mainspring.store.connection import AsyncStore, Store
from scenarios.slowwire import SlowWire
from scenarios.test_cancelled import echo


@pytest.fixture
def wire(server):
    made = SlowWire(server.socket_path)
    yield made
    made.close()


@pytest.mark.parametrize("face", ["blocking", "awaited"])
def test_an_answer_that_comes_after_its_caller_has_given_up_is_nobodys(server, wire, face):
    async def awaited() -> list[bytes]:
        store = AsyncStore(wire.url, timeout=0.2)
        await store.run(echo("first"))
        wire.is_cut = True
        with pytest.raises(StoreUnavailable):
            await store.run(queues.look("empty", 0.1))
        wire.is_cut = False
        store.timeout = 5.0
        found = [await store.run(echo(str(number))) for number in range(3)]
        await store.aclose()
        return found

    def blocking() -> list[bytes]:
        store = Store(wire.url, timeout=0.2)
        store.run(echo("first"))
        wire.is_cut = True
        with pytest.raises(StoreUnavailable):
            store.run(queues.look("empty", 0.1))
        wire.is_cut = False
        store.timeout = 5.0
        found = [store.run(echo(str(number))) for number in range(3)]
        store.close()
        return found

    assert (blocking() if face == "blocking" else asyncio.run(awaited())) == [b"0", b"1", b"2"]
