"""What can be wrong with a page that a browser shows."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

#: Pages that only lead to another.
LEADS_ON = frozenset({"/retries", "/scheduled", "/morgue", "/busy"})
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


def faults(page: Page) -> list[str]:
    """Return what axe finds wrong with what *page* shows."""
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": list(RULES)}})
    return [f"{each['id']}: {node['html'][:200]}" for each in found.response["violations"] for node in each["nodes"]]


def overflow(page: Page) -> int:
    """Return by how many pixels *page* can be scrolled sideways."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def needs_something(name: str, path: str) -> bool:
    """Return whether a page shows one thing, which an empty store has not."""
    return "{" in name or "?" in path
