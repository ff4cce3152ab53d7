"""Who did what, and when."""

from __future__ import annotations

from typing import Final

from mainspring.web.view import Ask, Context, Page

ROWS: Final = 100


def listed(ask: Ask) -> Context:
    """Read a page of the audit log, the newest first."""
    found = ask.app.audit.page(ask.text("cursor"), ROWS)
    return {"entries": found.items, "cursor": found.cursor, "is_first": not ask.text("cursor")}


PAGES: Final = (Page("/audit", "audit.html", listed, area="/audit", every=5.0),)
