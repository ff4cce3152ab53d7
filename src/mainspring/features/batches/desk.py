"""What batches need of their App."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mainspring.base.timesource import TimeSource
from mainspring.client import Client
from mainspring.store.connection import AsyncStore, Store


@dataclass(frozen=True, slots=True)
class Desk:
    """What batches need of their App.

    Attributes:
        client: What takes jobs to the store.
        store: Returns the store.
        async_store: Returns the store, for calls that are awaited.
        time: The clocks.
    """

    client: Client
    store: Callable[[], Store]
    async_store: Callable[[], AsyncStore]
    time: TimeSource
