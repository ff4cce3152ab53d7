"""A deploy is marked once, where Sidekiq's pages and ours look for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mainspring import App
from mainspring.base.errors import InvalidOption
from mainspring.metrics.deploys import mark, note_release
from mainspring.metrics.query import Metrics
from mainspring.metrics.series import Deploy
from mainspring.store import keys, marks
from mainspring.store.connection import Store
from mainspring.worker import Worker
from metrics.asking import NOON, asked
from servers import Server
from support import until

pytestmark = pytest.mark.both_stores


@pytest.fixture
def store(server: Server) -> Iterator[Store]:
    store = Store(server.url)
    yield store
    store.close()


def marked(store: Store, period: str = "24h") -> list[tuple[float, str]]:
    return [(deploy.at, deploy.label) for deploy in asked(store, NOON + 600).deploys(period)]


def test_a_mark_stands_where_sidekiq_has_it_for_ninety_days(store: Store, server: Server) -> None:
    assert mark(store, " a91f3c ", NOON + 59) == Deploy(NOON, "a91f3c")

    assert server.client.hgetall("20261121-marks") == {b"2026-11-21T12:00:00Z": b"a91f3c"}
    assert server.client.ttl("20261121-marks") == 90 * 86_400
    assert server.lasting() == set()
    assert marked(store) == [(NOON, "a91f3c")]


def test_marks_of_ruby_are_read_and_junk_is_left_out(store: Store, server: Server) -> None:
    written = {"2026-11-21T09:00:00Z": "ruby", "yesterday": "junk", "2026-11-21T10:00:00+01:00": "berlin"}
    server.client.hset("20261121-marks", mapping=written)
    server.client.expire("20261121-marks", 100)

    assert marked(store) == [(NOON - 3 * 3600, "ruby"), (NOON - 3 * 3600, "berlin")]
    assert marked(store, "1h") == []


def test_two_deploys_of_one_minute_are_two_marks(store: Store) -> None:
    mark(store, "worker-7", NOON)
    mark(store, "web-3", NOON)
    mark(store, "worker-7", NOON)

    assert marked(store) == [(NOON, "worker-7"), (NOON + 60, "web-3")]


def test_a_release_is_marked_by_the_first_of_its_processes_and_never_again(store: Store) -> None:
    found = [note_release(store, "r1", NOON + second) for second in range(5)]
    found += [
        note_release(store, "r2", NOON + 300),
        note_release(store, "r1", NOON + 400),
        note_release(store, "", NOON),
    ]

    assert found == [True, False, False, False, False, True, False, False]
    assert marked(store) == [(NOON, "r1"), (NOON + 300, "r2")]


def test_a_process_that_died_before_it_could_mark_is_made_up_for(store: Store, server: Server) -> None:
    store.run(marks.claim("r1"))
    assert not note_release(store, "r1", NOON)

    server.client.delete(keys.deploy_lock("r1"))

    assert note_release(store, "r1", NOON)


def test_releases_without_end_are_not_all_remembered(store: Store, server: Server) -> None:
    for number in range(marks.MOST + 5):
        store.pipeline(marks.note(f"r{number}", NOON + number))

    assert server.client.zcard(keys.RELEASES) == marks.MOST
    assert store.run(marks.seen(f"r{marks.MOST + 4}"))
    assert not store.run(marks.seen("r0"))


@pytest.mark.parametrize("label", ["", "  ", "x" * 201])
def test_a_label_that_nobody_could_read_is_refused(store: Store, label: str) -> None:
    with pytest.raises(InvalidOption, match="1 to 200 characters"):
        mark(store, label, NOON)


def test_the_app_marks_and_lists(server: Server) -> None:
    app = App(server.url)

    deploy = app.metrics.mark_deploy("v1")

    assert isinstance(app.metrics, Metrics)
    assert app.metrics.deploys("5m") == [deploy]
    app.close()


def test_a_worker_marks_its_release_when_it_starts(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAINSPRING_RELEASE", "a91f3c")
    app = App(server.url)

    with Worker(app):
        until(lambda: app.metrics.deploys("5m"), timeout=30)

    assert [deploy.label for deploy in app.metrics.deploys("5m")] == ["a91f3c"]
    app.close()
