"""A page that is live changes under nobody's hands: what a person ticked, typed, opened or chose stays through each look."""

from __future__ import annotations

import pytest

from browser.site import looking
from mainspring.web import streams

#: Polls to outlast.
POLLS = 3
#: Before the page's own script reads how often it shall look.
HASTE = "document.addEventListener('readystatechange', () => { document.body.dataset.every = '0.1'; })"
COUNT = """
() => {
  window.looks = 0;
  document.addEventListener("mainspring:fresh", () => { window.looks += 1; });
}
"""


@pytest.fixture
def jobs(busy, browser):
    """A page with rows to tick, that looks again each tenth of a second."""
    with looking(browser) as page:
        page.add_init_script(HASTE)
        page.goto(f"{busy.base}/jobs")
        page.evaluate(COUNT)
        yield page


def polls(page, many: int = POLLS) -> None:
    """Wait until *page* has looked so many times more."""
    before = page.evaluate("window.looks")
    page.wait_for_function("before => window.looks >= before", arg=before + many)


def ticked(page) -> list[int]:
    """Return which rows are ticked."""
    return page.eval_on_selector_all(
        "input[data-tick]", "all => all.flatMap((each, index) => each.checked ? [index] : [])"
    )


def test_a_range_of_ticks_stays_over_rows_nine_and_ten(jobs):
    rows = jobs.locator("input[data-tick]")
    rows.nth(8).click()
    rows.nth(10).click(modifiers=["Shift"])

    polls(jobs)

    assert ticked(jobs) == [8, 9, 10]
    assert jobs.locator("[data-ticked]").first.inner_text() == "3"
    rows.nth(9).click()
    polls(jobs)
    assert ticked(jobs) == [8, 10]


def test_no_row_moves_under_a_tick(jobs, busy):
    rows = jobs.locator("input[data-tick]")
    before = rows.count()
    rows.nth(3).click()
    busy.office.jobs["ask_reference"].enqueue(70_000)
    jobs.wait_for_selector("[data-news]")

    assert ticked(jobs) == [3]
    assert rows.count() == before
    jobs.locator("[data-news]").click()
    polls(jobs, 1)
    assert ticked(jobs) == []


def test_what_has_the_focus_keeps_it(jobs):
    jobs.locator("main tbody tr a").nth(2).focus()
    before = jobs.evaluate("document.activeElement.href")

    polls(jobs)

    assert jobs.evaluate("document.activeElement.href") == before


def test_what_is_typed_is_not_lost(jobs):
    jobs.locator("#search").fill("queue:lo")
    jobs.keyboard.type("w")

    polls(jobs)

    assert jobs.locator("#search").input_value() == "queue:low"
    assert jobs.evaluate("document.activeElement.id") == "search"


def test_nothing_moves_while_a_text_is_chosen(jobs):
    jobs.evaluate("getSelection().selectAllChildren(document.querySelector('main h1'))")
    before = jobs.evaluate("getSelection().toString()")
    looks = jobs.evaluate("window.looks")

    jobs.wait_for_timeout(500)

    assert jobs.evaluate("getSelection().toString()") == before != ""
    assert jobs.evaluate("window.looks") <= looks + 1
    jobs.evaluate("getSelection().removeAllRanges()")
    polls(jobs, 1)


def test_a_dialog_is_not_skipped(jobs):
    jobs.locator("input[data-tick]").nth(1).click()
    looks = jobs.evaluate("window.looks")
    jobs.keyboard.press("Escape")
    jobs.keyboard.press("?")
    jobs.wait_for_timeout(500)

    assert jobs.locator("#help").is_visible()
    assert jobs.evaluate("window.looks") <= looks + 1
    jobs.locator("#help button").click()
    polls(jobs, 1)
    assert ticked(jobs) == [1]


def test_it_can_be_stopped_and_goes_on(jobs):
    jobs.keyboard.press("r")
    assert jobs.locator("#live").get_attribute("aria-pressed") == "false"
    looks = jobs.evaluate("window.looks")
    jobs.wait_for_timeout(400)
    assert jobs.evaluate("window.looks") <= looks + 1

    jobs.keyboard.press("r")
    polls(jobs, 1)


def test_a_hidden_tab_asks_for_nothing(jobs):
    jobs.evaluate("Object.defineProperty(document, 'hidden', { get: () => window.isAway })")
    jobs.evaluate("window.isAway = true; document.dispatchEvent(new Event('visibilitychange'))")
    asked = []
    jobs.wait_for_timeout(200)
    jobs.on("request", lambda request: asked.append(request.url))

    jobs.wait_for_timeout(600)
    assert asked == []

    jobs.evaluate("window.isAway = false; document.dispatchEvent(new Event('visibilitychange'))")
    polls(jobs, 1)


def test_an_open_detail_stays_open(busy, browser):
    with looking(browser) as page:
        page.add_init_script(HASTE)
        page.goto(busy.base + busy.samples()["/jobs/{jid:path}"])
        page.evaluate(COUNT)
        closed = page.locator("main details:not([open])").first
        closed.locator("summary").click()
        before = page.locator("main details[open]").count()

        polls(page)

        assert page.locator("main details[open]").count() == before >= 1


NEVER = HASTE.replace("0.1", "600")


@pytest.mark.parametrize("is_told", [True, False])
def test_an_operation_is_followed_by_events_and_without_them_by_asking(empty, browser, monkeypatch, is_told):
    monkeypatch.setattr(streams, "MOST", 50 if is_told else 0)
    operations = empty.office.app.operations
    begun = operations.start("delete", state="dead")
    with looking(browser) as page:
        page.add_init_script(NEVER if is_told else HASTE)
        with page.expect_response("**/events") as answer:
            page.goto(f"{empty.base}/operations/{begun.id}")
        page.wait_for_selector("[data-events]", state="attached")
        while operations.turn():
            pass

        page.wait_for_selector("[data-events]", state="detached")

        assert answer.value.status == (200 if is_told else 204)
        assert page.locator("main form[action$='operation.cancel']").count() == 0
