"""What a person comes for can be done by clicking, and it is done."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from browser.conftest import office_on
from browser.site import looking
from servers import Server
from support import until


@pytest.fixture(scope="module")
def site():
    """An office of these tests' own, whose things they change."""
    server = Server()
    server.start()
    yield from office_on(server, is_busy=True)
    server.close()


@pytest.fixture
def page(site, browser):
    """A person at a desk."""
    with looking(browser) as page:
        page.goto(site.base)
        yield page


def test_the_job_of_a_customer_is_found_and_its_group_tried_again_over_ten_minutes(site, page):
    page.keyboard.press("/")
    page.keyboard.type("args.0:50003")
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs?q=*")
    rows = page.locator("main tbody tr")
    expect(rows).to_have_count(1)

    rows.locator("a").first.click()
    expect(page.locator("main")).to_contain_text("503 from https://references.example")
    assert "hunter2" not in page.content()
    page.get_by_role("link", name="All failures like this").click()
    page.get_by_text("Spread over 10 min").click()
    page.locator("#dialog[open]").wait_for()
    asked = page.locator("#dialog").inner_text()
    assert "14 jobs" in asked
    assert "signature:" in asked
    begun = time.time()
    page.locator("#dialog button", has_text="Retry").click()

    page.wait_for_url("**/operations/*")
    page.get_by_text("done").first.wait_for()
    times = sorted(job.at for job in site.office.app.retries if job.name == "office.ask_reference")
    spread = [at - begun for at in times if at - begun < 660]
    assert len(spread) >= 11
    assert max(spread) - min(spread) > 400
    assert [each.action for each in site.office.app.audit.page().items if each.by == "local"]


def test_a_queue_is_paused_and_goes_on(site, page):
    page.get_by_role("link", name="Queues", exact=False).first.click()
    page.wait_for_url("**/queues")
    row = page.locator("main tr", has=page.get_by_role("link", name="low", exact=True))

    row.get_by_role("button", name="Pause").click()

    expect(row).to_contain_text("paused")
    assert site.office.app.queue("low").is_paused
    row.get_by_role("button", name="Resume").click()
    expect(row).not_to_contain_text("paused")
    assert not site.office.app.queue("low").is_paused


def test_a_cron_entry_is_run_by_hand_and_paused(site, page):
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.wait_for_url("**/clock")
    row = page.locator("tr", has_text="letters.hourly")
    before = site.office.app.stats().processed

    row.get_by_role("button", name="Run now").click()
    until(lambda: site.office.app.stats().processed > before, timeout=30)
    row.get_by_role("button", name="Pause").click()

    expect(row).to_contain_text("paused")
    assert site.office.app.periodic["letters.hourly"].is_paused
    row.get_by_role("button", name="Resume").click()
    expect(row).not_to_contain_text("paused")
    assert not site.office.app.periodic["letters.hourly"].is_paused


def test_a_job_is_killed_and_found_among_the_dead(site, page):
    jid = site.office.jids["scheduled"]
    page.goto(f"{site.base}/jobs/{jid}")

    page.get_by_role("button", name="Move to dead").click()
    page.locator("#dialog").get_by_role("button", name="Move to dead").click()
    page.goto(f"{site.base}/morgue")

    expect(page.locator(f"main a[href*='{jid}']")).to_have_count(1)
    assert site.office.app.dead.find(jid) is not None


def test_a_question_that_is_not_answered_changes_nothing(site, page):
    jid = site.office.jids["dead"]
    page.goto(f"{site.base}/jobs/{jid}")

    page.get_by_role("button", name="Delete").click()
    expect(page.locator("#dialog")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.locator("#dialog")).not_to_be_visible()
    assert site.office.app.dead.find(jid) is not None


def test_a_batch_is_followed_to_the_job_that_failed(site, page):
    page.get_by_role("link", name="Batches", exact=False).first.click()
    page.get_by_role("link", name="nightly letters").click()

    page.wait_for_url("**/batches/*")
    expect(page.locator("main")).to_contain_text("6 done")
    page.locator("main a", has_text="1 to be retried").click()
    page.wait_for_url("**/jobs?*")
    expect(page.locator("main")).to_contain_text("ask_reference")


def test_a_worker_is_quieted_and_seen_to_drain(site, page):
    """The last of this office's life: others of this file ask its worker to run jobs."""
    server = Server()
    server.start()
    for own in office_on(server, is_busy=True):
        page.goto(f"{own.base}/workers")
        page.get_by_role("button", name="Quiet").first.click()
        if page.locator("#dialog[open]").count():
            page.locator("#dialog button").last.click()
        page.get_by_text("quiet").first.wait_for()
        own.office.closing.set()
        until(lambda office=own.office: all(process.busy == 0 for process in office.app.processes), timeout=60)
        page.get_by_text("0 of").first.wait_for()
    server.close()
