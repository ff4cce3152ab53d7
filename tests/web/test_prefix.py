"""A dashboard under a prefix finds its pages, whether the proxy before it strips the prefix or keeps it."""

from __future__ import annotations

import pytest

from mainspring import App
from mainspring.web import Dashboard
from mainspring.web.prefix import Prefixed, is_kept

PAGES = {"/", "/jobs", "/jobs/4f", "/queues", "/queues/mail", "/static/app.css", "/actions/queue.pause"}


def where(path, prefix, headers=()):
    """Return root path and path as the dashboard sees them."""
    seen = []

    async def app(scope, receive, send):
        seen.append((scope["root_path"], scope["path"]))

    scope = {"type": "http", "path": path, "root_path": "", "headers": headers}
    coroutine = Prefixed(app, prefix, PAGES.__contains__)(scope, None, None)
    with pytest.raises(StopIteration):
        coroutine.send(None)
    return seen[0]


@pytest.mark.parametrize(
    ("came", "prefix", "inside"),
    [
        ("/queues", "/admin", "/queues"),  # stripped
        ("/", "/admin", "/"),
        ("/admin/queues", "/admin", "/queues"),  # kept
        ("/admin/", "/admin", "/"),
        ("/admin", "/admin", ""),
        ("/admin/actions/queue.pause", "/admin", "/actions/queue.pause"),
        ("/administrator", "/admin", "/administrator"),
        ("/nowhere", "/admin", "/nowhere"),
        ("/admin/nowhere", "/admin", "/admin/nowhere"),
        # The prefix is a page's name too.
        ("/jobs/", "/jobs", "/"),
        ("/jobs", "/jobs", "/jobs"),
        ("/jobs/jobs", "/jobs", "/jobs"),
        ("/jobs/4f", "/jobs", "/jobs/4f"),
        ("/jobs/jobs/4f", "/jobs", "/jobs/4f"),
        ("/jobs/queues", "/jobs", "/queues"),
        ("/queues/queues/mail", "/queues", "/queues/mail"),
        ("/queues/mail", "/queues", "/queues/mail"),
        ("/jobs/static/app.css", "/jobs", "/static/app.css"),
        # Deeper, and with a slash at its end.
        ("/admin/jobs/queues", "/admin/jobs", "/queues"),
        ("/queues", "/admin/jobs/", "/queues"),
        # Without a prefix nothing changes.
        ("/queues", "", "/queues"),
    ],
)
def test_the_page_is_found(came, prefix, inside):
    root, path = where(came, prefix)

    assert (root, path) == (prefix.rstrip("/"), prefix.rstrip("/") + inside)


def test_a_proxy_that_says_what_it_stripped_is_believed():
    headers = [(b"x-forwarded-prefix", b"/queues")]

    assert where("/queues/queues", "/queues", headers) == ("/queues", "/queues/queues/queues")


def test_a_dashboard_knows_its_own_paths():
    knows = Dashboard(App()).knows

    assert knows("/")
    assert knows("/actions/queue.pause")
    assert not knows("/admin/nowhere")
    assert is_kept("/admin/", "/admin", knows)
