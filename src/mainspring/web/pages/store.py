"""The store: the server's version, memory, persistence and connections, what is wrong with it, and what lies in it."""

from __future__ import annotations

from typing import Final

from mainspring.api import server
from mainspring.web.view import Ask, Context, Page


def read(ask: Ask) -> Context:
    """Read what the server says of itself."""
    found = server.look(ask.app.store, ask.app.time, ask.app.url)
    return {"server": found, "checks": found.checks()}


PAGES: Final = (Page("/store", "store.html", read, area="/store", every=5.0),)
