"""Moments as a person reads them in a table."""

from __future__ import annotations

from datetime import datetime


def local(moment: datetime) -> str:
    """Return a moment in its own zone, to the second: ``Mon 2026-11-23 09:00:00 GMT``."""
    return f"{moment:%a %Y-%m-%d %H:%M:%S %Z}"
