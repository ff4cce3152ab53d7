"""The first page: how all is, and what needs somebody."""

from __future__ import annotations

from typing import Final

from mainspring.web.view import Ask, Context, Page


def read(_: Ask) -> Context:
    """Read nothing: what it shows stands in the snapshot that every page has."""
    return {}


PAGES: Final = (Page("/", "overview.html", read, area="/", every=2.0),)
