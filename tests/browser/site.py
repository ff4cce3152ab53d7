"""The dashboard on a real HTTP server, and a browser that looks at it."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright
from starlette.types import ASGIApp

from browser.office import Office
from mainspring.web.routes import PAGES
from support import until

CHROMIUM = shutil.which("chromium")
#: Width and height of a desk and of a telephone.
DESK, PHONE = (1360, 900), (390, 844)
#: Milliseconds for which a browser waits on a machine that has much else to do.
PATIENCE = 60_000


class Site:
    """Where the dashboard is served."""

    def __init__(self, port: int, office: Office) -> None:
        """Serve on *port* what *office* has."""
        self.base = f"http://127.0.0.1:{port}"
        self.office = office

    def samples(self) -> dict[str, str]:
        """Return a path of each page, by the page's own."""
        office = self.office
        some = {
            "/jobs/{jid:path}": f"/jobs/{office.jids.get('retrying', 'a' * 24)}",
            "/job-edit": f"/job-edit?jid={office.jids.get('retrying', 'a' * 24)}",
            "/failures/{signature}": f"/failures/{next((each.signature for each in office.app.failures), 'none')}",
            "/queues/{name:path}": "/queues/default",
            "/queue-clear": "/queue-clear?name=reports",
            "/workers/{identity:path}": f"/workers/{next((each.identity for each in office.app.processes), 'none')}",
            "/clock/{name:path}": "/clock/letters.hourly",
            "/backfill": "/backfill?name=letters.hourly",
            "/batches/{bid}": f"/batches/{office.bid or 'none'}",
            "/workflows/{bid}": f"/workflows/{office.workflow or 'none'}",
            "/limits/{name:path}": "/limits/referees",
            "/gates/{name:path}": f"/gates/{next((each.name for each in office.app.gates), 'none')}",
            "/operations/new": "/operations/new?action=retry&state=retrying&q=class:office.ask_reference",
            "/operations/{id}": f"/operations/{next((each.id for each in office.app.operations), 'none')}",
            "/metrics/{name:path}": "/metrics/office.write_letter",
        }
        return {page.path: some.get(page.path, page.path) for page in PAGES}


@contextmanager
def served(app: ASGIApp, office: Office) -> Iterator[Site]:
    """Serve *app* on a free port, in a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    until(lambda: server.started, timeout=30)
    try:
        yield Site(listener.getsockname()[1], office)
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


def launch(playwright: Playwright) -> Browser:
    """Start Debian's Chromium."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])


@contextmanager
def looking(browser: Browser, theme: str = "light", size: tuple[int, int] = DESK) -> Iterator[Page]:
    """Open a page of a new person, and fail if the browser had anything to complain about."""
    context = browser.new_context(
        color_scheme="dark" if theme == "dark" else "light",
        viewport={"width": size[0], "height": size[1]},
        reduced_motion="reduce",
    )
    page = context.new_page()
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(f"{page.url}: {message.text}")

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    page.set_default_timeout(PATIENCE)
    try:
        yield page
    finally:
        context.close()
    assert not complaints, complaints
