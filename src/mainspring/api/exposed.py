"""What a monitoring system reads of the whole cluster, in one round trip beside a snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mainspring.api import standings
from mainspring.api.standings import Standing
from mainspring.base.errors import StoreRefused
from mainspring.store import stats
from mainspring.store.command import Command
from mainspring.store.connection import Store

#: Queues that are told apart.
QUEUES: Final = 500


@dataclass(frozen=True, slots=True)
class Exposed:
    """Numbers of the cluster at one moment.

    Attributes:
        standings: What is set for each queue and was taken from it, by name.
        expired: Jobs dropped so far, since they were not started in time.
        others: The answers to what else was asked.
    """

    standings: Mapping[str, Standing]
    expired: int
    others: Sequence[Any]


def look(store: Store, names: Sequence[str], others: Sequence[Command[Any]] = ()) -> Exposed:
    """Return the numbers of the cluster whose queues are *names*.

    Raises:
        StoreError: If the store does not answer one of the calls.
    """
    found = standings.look(store, names, lambda known: known[:QUEUES], [stats.tally("expired"), *others])
    expired, *rest = found.others
    return Exposed(found.standings, expired, rest)


def server(store: Store) -> Mapping[str, str]:
    """Return what the server says of itself; nothing if this user of the store may not ask.

    Raises:
        StoreError: If it cannot be reached.
    """
    try:
        return store.run(stats.server_info())
    except StoreRefused:
        return {}


def answers(store: Store) -> bool:
    """Return whether the store gives a sign of life.

    Raises:
        StoreError: If it cannot be reached.
    """
    return store.run(stats.ping())
