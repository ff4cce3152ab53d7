"""Pictures of all pages: ``python -m tests.browser.screenshots FOLDER``.

Light and dark, at a desk and on a telephone, busy, empty and without a store; each is looked at by axe as well.
"""

from __future__ import annotations

import itertools
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

from playwright.sync_api import Browser, sync_playwright  # noqa: E402 - the tests' folder had to be on the path

from browser.looks import LEADS_ON, faults, needs_something, overflow  # noqa: E402
from browser.office import Office  # noqa: E402
from browser.site import DESK, PHONE, Site, launch, looking, served  # noqa: E402
from mainspring.web import Dashboard  # noqa: E402
from servers import Server  # noqa: E402

STATES = ("busy", "empty", "gone")


def main(folder: Path) -> int:
    """Take all pictures; return 1 if one of them shows a fault."""
    logging.disable()
    folder.mkdir(parents=True, exist_ok=True)
    found: list[str] = []
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for state in STATES:
            found += take(browser, state, folder)
        browser.close()
    sys.stdout.write("\n".join(found) or f"no faults; look into {folder}\n")
    return 1 if found else 0


def take(browser: Browser, state: str, folder: Path) -> list[str]:
    """Take the pictures of one state, and return their faults."""
    found = []
    with site_in(state) as (site, server):
        paths = {name: path for name, path in site.samples().items() if name not in LEADS_ON}
        if state != "busy":
            paths = {name: path for name, path in paths.items() if not needs_something(name, path)}
        if state == "gone":
            see(browser, site, paths)
            server.kill9()
        for theme, size in itertools.product(("light", "dark"), (DESK, PHONE)):
            found += shoot(browser, site, paths, folder, (state, theme, size))
    return found


def see(browser: Browser, site: Site, paths: dict[str, str]) -> None:
    """Look at all pages: what was seen before is what is shown when the store is gone."""
    with looking(browser) as page:
        for path in paths.values():
            page.goto(site.base + path)


def shoot(
    browser: Browser, site: Site, paths: dict[str, str], folder: Path, way: tuple[str, str, tuple[int, int]]
) -> list[str]:
    """Take the pictures of all pages in one theme and size, and return their faults."""
    state, theme, size = way
    found = []
    with looking(browser, theme, size) as page:
        for name, path in paths.items():
            page.goto(site.base + path)
            picture = f"{_file(name)}-{theme}-{size[0]}-{state}.png"
            page.screenshot(path=str(folder / picture), full_page=size == PHONE)
            problems = faults(page) + ([f"{overflow(page)} px too wide"] if overflow(page) else [])
            found += [f"{picture}: {problem}" for problem in problems]
    return found


@contextmanager
def site_in(state: str) -> Iterator[tuple[Site, Server]]:
    """Serve an office in one state."""
    server = Server()
    server.start()
    office = Office(server.url)
    try:
        with served(Dashboard(office.app, environment="production", title="admissions"), office) as site:
            if state == "empty":
                yield site, server
                return
            office.fill()
            if state == "gone":
                yield site, server
                return
            with office.open():
                yield site, server
    finally:
        server.close()


def _file(name: str) -> str:
    words = "".join(letter if letter.isalnum() else "-" for letter in name.replace(":path", ""))
    return words.strip("-") or "overview"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
