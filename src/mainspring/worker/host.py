"""What the worker needs of the App, so that the App need not know the worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from mainspring.base.timesource import TimeSource
from mainspring.client import Client
from mainspring.events import Handlers
from mainspring.features.encryption import Keyring
from mainspring.job import Job
from mainspring.middleware import Middleware
from mainspring.store.connection import Store


class Operating(Protocol):
    """What does bulk operations."""

    def turn(self, seconds: float = ...) -> bool:
        """Do parts of an operation for some *seconds*; False if there is none to be done."""


class Host(Protocol):
    """The App, as far as a worker sees it."""

    name: str
    time: TimeSource
    handlers: Handlers
    performers: tuple[Middleware, ...]
    client: Client
    keyring: Keyring

    @property
    def jobs(self) -> Mapping[str, Job[Any, Any]]:
        """The jobs by name."""

    @property
    def store(self) -> Store:
        """The store."""

    @property
    def operations(self) -> Operating:
        """The bulk operations."""


class Companion(Protocol):
    """A service that lives as long as the worker, such as an embedded clock."""

    def start(self) -> None:
        """Begin, in a thread of its own."""

    def stop(self) -> object:
        """End."""
