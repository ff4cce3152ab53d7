"""One browser, and one busy office, for all tests of this folder that only look."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from browser.office import Office
from browser.site import CHROMIUM, PATIENCE, Site, launch, served
from mainspring.web import Dashboard
from servers import Server


# One for each module: while it is there, Playwright's event loop runs in this thread, and tests that have one cannot.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Debian's Chromium."""
    if CHROMIUM is None:
        absent = "no chromium on this machine (Debian: apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(absent)
        pytest.skip(absent)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


def office_on(server: Server, *, is_busy: bool) -> Iterator[Site]:
    """Serve the dashboard of an office on a server of its own."""
    office = Office(server.url)
    with served(Dashboard(office.app, environment="test", streams=True), office) as site:
        if not is_busy:
            yield site
            return
        office.fill()
        with office.open():
            yield site


# Of one module, too: their threads would be in the way of tests that fork.
@pytest.fixture(scope="module")
def busy() -> Iterator[Site]:
    """An office at work; who changes something in it takes care that others can still look at it."""
    server = Server()
    server.start()
    yield from office_on(server, is_busy=True)
    server.close()


@pytest.fixture(scope="module")
def empty() -> Iterator[Site]:
    """An office in which nothing has happened yet."""
    server = Server()
    server.start()
    yield from office_on(server, is_busy=False)
    server.close()
