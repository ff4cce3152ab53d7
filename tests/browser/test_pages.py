"""Every page can be read by everybody: with a keyboard, a screen reader, a telephone, in the dark, and when the store is gone."""

from __future__ import annotations

import pytest

from browser.looks import LEADS_ON, faults, needs_something, overflow
from browser.office import Office
from browser.site import DESK, PHONE, looking, served
from mainspring.web import Dashboard
from mainspring.web.routes import PAGES
from support import until

SHOWN = [page.path for page in PAGES if page.path not in LEADS_ON]
#: A desk by day and a telephone by night: each page in both themes and both widths.
WAYS = [("light", DESK), ("dark", PHONE)]


@pytest.mark.parametrize(("theme", "size"), WAYS, ids=["desk", "phone"])
@pytest.mark.parametrize("state", ["busy", "empty"])
def test_every_page_can_be_read(request, browser, state, theme, size):
    site = request.getfixturevalue(state)
    wrong = {}

    with looking(browser, theme, size) as page:
        for name, path in site.samples().items():
            if name in LEADS_ON or (state == "empty" and needs_something(name, path)):
                continue
            page.goto(site.base + path)
            found = faults(page)
            if sideways := overflow(page):
                found.append(f"{sideways} px wider than the screen")
            if found:
                wrong[path] = found

    assert wrong == {}


def test_every_page_shows_its_last_state_when_the_store_is_gone(browser, private_server):
    server = private_server()
    office = Office(server.url)
    office.fill()
    wrong = {}

    with served(Dashboard(office.app), office) as site, looking(browser) as page:
        samples = site.samples().items()
        paths = [path for name, path in samples if not needs_something(name, path) and name not in LEADS_ON]
        for path in paths:
            page.goto(site.base + path)
        server.kill9()
        for path in paths:
            # What was read within the last second still counts as how things are.
            until(lambda path=path: page.goto(site.base + path) and page.get_by_text("store does not answer").count())
            found = faults(page)
            if page.locator("main form[method=post]").count():
                found.append("offers to do something")
            if found:
                wrong[path] = found
    office.app.close()

    assert wrong == {}


def test_another_language_is_chosen_in_the_menu_and_its_longer_words_break_no_page(browser, busy):
    wide = {}

    with looking(browser, "light", PHONE) as page:
        page.goto(f"{busy.base}/jobs?state=dead#all-pages")
        page.locator("#all-pages .tongue summary").click()
        page.locator("#all-pages .tongue button", has_text="Deutsch").click()
        page.wait_for_url(f"{busy.base}/jobs?state=dead")
        assert page.locator("html").get_attribute("lang") == "de"
        for name, path in busy.samples().items():
            if name not in LEADS_ON:
                page.goto(busy.base + path)
                wide[path] = overflow(page)
        page.goto(f"{busy.base}/limits/referees")
        page.locator("main button.d").first.click()
        # A script's word, too.
        assert page.locator("#dialog .dialog-buttons button").first.text_content() == "Abbrechen"

    assert {path: by for path, by in wide.items() if by} == {}
