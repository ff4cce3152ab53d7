"""How a dashboard looks and whom it believes; made once, by `Dashboard`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

#: Parts of the names of arguments whose values nobody gets to see.
SECRETS: Final = (
    "password",
    "passwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "authorization",
    "cookie",
    "private_key",
)


@dataclass(frozen=True, slots=True)
class Link:
    """A link out of the dashboard.

    Attributes:
        title: What it is called.
        url: Where it leads; ``{jid}``, ``{trace_id}`` and ``{class}`` stand for what a job has, on the page of one.
    """

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What does not change while a dashboard stands.

    Attributes:
        title: The name over the menu.
        environment: A word such as ``production`` that stands on each page; empty for none.
        links: Links out, such as to logs and traces.
        redact: Parts of the names of arguments that are hidden, in small letters.
        is_read_only: True if nobody may change anything.
        is_open: True if it was told to believe everybody.
        has_streams: True if progress is told as it is made; else pages ask.
        trusted_origins: Beside its own, the origins whose forms it takes, such as ``https://admin.example``.
    """

    title: str = "mainspring"
    environment: str = ""
    links: Sequence[Link] = ()
    redact: Sequence[str] = SECRETS
    is_read_only: bool = False
    is_open: bool = False
    has_streams: bool = False
    trusted_origins: frozenset[str] = field(default_factory=frozenset)
