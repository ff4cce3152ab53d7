"""What the JSON API takes. The schemas of its description are made of these types, and bodies are read by them."""

from __future__ import annotations

import msgspec


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that the API takes; what it does not know is refused."""


class Named(Body, frozen=True):
    """What has a name."""

    name: str


class Aim(Body, frozen=True):
    """For how many seconds the jobs of a queue may wait, or a text such as 5m; null for no target."""

    name: str
    target: float | str | None


class Most(Body, frozen=True):
    """How many jobs of a queue run at once; null for any number."""

    name: str
    concurrency: int | None


class Clearing(Body, frozen=True):
    """The queue to clear; beyond 100 jobs its name is written twice."""

    name: str
    word: str = ""


class NewJob(Body, frozen=True):
    """A job to enqueue: now, or at a time in unix seconds."""

    job: str
    args: list[object] = []
    kwargs: dict[str, object] = {}
    queue: str | None = None
    at: float | None = None


class Jids(Body, frozen=True):
    """Up to 20 jobs, by their ids."""

    jids: list[str]


class Jid(Body, frozen=True):
    """A job, by its id."""

    jid: str


class Edited(Body, frozen=True):
    """A job, and what it shall be called with, and where; null for what stays.

    What was hidden where it was read, and comes back as it was shown, stays what it is.
    """

    jid: str
    args: list[object] | None = None
    kwargs: dict[str, object] | None = None
    queue: str | None = None


class Mark(Body, frozen=True):
    """A deploy: which release, and when, in unix seconds; now without it."""

    label: str
    at: float | None = None


class JidsAt(Body, frozen=True):
    """Up to 20 jobs, by their ids, and when they shall be due, in unix seconds."""

    jids: list[str]
    at: float


class Meant(Body, frozen=True):
    """Which jobs a bulk operation is done to: those of a state that a filter means."""

    state: str
    q: str = ""
    spread: float | str | None = None
    at: float | None = None


class Id(Body, frozen=True):
    """What has an id."""

    id: str


class Bid(Body, frozen=True):
    """A batch."""

    bid: str
