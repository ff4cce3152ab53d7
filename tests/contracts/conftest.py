"""One face for both stores, so that one suite holds for each: what blocks, and what is awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import pytest

from mainspring.store.command import Command
from mainspring.store.connection import AsyncStore, Store
from servers import KINDS, Server

T = TypeVar("T")


class Awaited:
    """An `AsyncStore` behind the face of a `Store`, on one loop of its own."""

    def __init__(self, url: str, **options: Any) -> None:
        self.store = AsyncStore(url, **options)
        self.runner = asyncio.Runner()

    def run(self, command: Command[T]) -> T:
        return self.runner.run(self.store.run(command))

    def pipeline(self, commands: Sequence[Command[Any]]) -> list[Any]:
        return self.runner.run(self.store.pipeline(commands))

    def close(self) -> None:
        self.runner.run(self.store.aclose())
        self.runner.close()


FACES = {"blocking": Store, "awaited": Awaited}


@pytest.fixture(params=FACES)
def connect(request) -> Iterator[Callable[..., Any]]:
    """Make stores of one face to any URL."""
    made: list[Any] = []

    def make(url: str, **options: object) -> Any:
        made.append(FACES[request.param](url, **options))
        return made[-1]

    yield make
    for store in made:
        store.close()


@pytest.fixture
def store(server: Server, connect: Callable[..., Any]) -> Any:
    """A store of each face on each kind of server."""
    return connect(server.url)


@pytest.fixture(params=KINDS)
def start(request, private_server) -> Callable[..., Server]:
    """Start servers of each kind that a test may kill, fill or restart."""

    def make(**options: object) -> Server:
        return private_server(request.param, **options)

    return make
