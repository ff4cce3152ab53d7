"""However many look, the store is asked once a second; and what was seen last is shown while it is gone."""

from __future__ import annotations

import pytest

from mainspring import App
from web.client import Client


class Calls:
    """Counts what is sent to the store."""

    def __init__(self, store, monkeypatch) -> None:
        self.count = 0
        begin = store._begin

        def counted(commands):
            self.count += 1
            return begin(commands)

        monkeypatch.setattr(store, "_begin", counted)


def test_fifty_tabs_cost_one_look(app, monkeypatch):
    client = Client(app)
    client.live("/")
    app.time.monotonic = lambda: 1e9
    client.live("/")
    calls = Calls(app.store, monkeypatch)

    app.time.monotonic = lambda: 1e9 + 5
    for _ in range(50):
        assert client.live("/").status == 200

    assert 1 <= calls.count <= 2


def test_what_an_action_did_is_seen_at_once(app):
    app.enqueue("shop.add", [1])
    client = Client(app)
    assert "paused" not in client.get("/").page.one("#queue-default").text

    client.act("queue.pause", {"name": "default"})

    assert "paused" in client.get("/").page.one("#queue-default").text


def test_a_tab_that_has_seen_it_is_told_so(app):
    client = Client(app)
    app.time.now = lambda: 1_790_000_000.0
    first = client.live("/")

    again = client.get("/", {"x-mainspring-live": "1", "if-none-match": first.headers["etag"]})

    assert (again.status, again.body) == (304, b"")
    assert first.tree.find("nav.side") is None
    assert first.tree.one("#live-region") is not None


def test_while_the_store_is_gone_the_last_state_is_shown_and_nothing_can_be_done(private_server):
    server = private_server()
    app = App(server.url)
    app.enqueue("shop.add", [1])
    client = Client(app)
    assert "default" in client.get("/").page.text
    server.kill9()
    app.time.monotonic = lambda base=app.time.monotonic: base() + 30

    page, live = client.get("/"), client.live("/")

    assert "default" in page.page.text
    assert "does not answer" in page.page.one("[role=alert]").text
    assert page.page.find("main form[method=post]") is None
    assert (live.status, live.headers["x-mainspring-store-gone"]) == (200, "1")
    app.close()


def test_without_anything_seen_before_a_page_says_that_the_store_is_gone(private_server):
    server = private_server()
    app = App(server.url)
    server.kill9()

    answer = Client(app).get("/")

    assert answer.status == 503
    assert answer.headers["retry-after"] == "5"
    # Neither where it is nor what went wrong inside: that is in the log, found by the id.
    assert str(server.directory) not in answer.text
    assert "Traceback" not in answer.text
    app.close()


@pytest.mark.parametrize("root", ["", "/jobs", "/a/b"])
def test_all_links_stay_where_it_is_mounted(app, root):
    page = Client(app, root=root).get("/").page

    links = [link["href"] for link in page.all("a")] + [form["action"] for form in page.all("form") if "action" in form]
    assert [link for link in links if not link.startswith((f"{root}/", "#"))] == []


def test_an_error_of_our_own_shows_an_id_and_nothing_else(app, caplog, monkeypatch):
    client = Client(app)

    def broken(*_: object) -> None:
        raise RuntimeError("the canary")

    monkeypatch.setattr(client.dashboard._pages, "_read", broken)
    answer = client.get("/")

    assert (answer.status, "canary" in answer.text) == (500, False)
    assert answer.tree.one(".problem code").text in caplog.text
    assert "the canary" in caplog.text
