"""The audit log says who did what, the newest first, forgets only what is old, and can be changed by nobody."""

from __future__ import annotations

import json

import pytest

from mainspring.api.audit import FACTS, NAME, Audit
from mainspring.base.errors import InvalidOption
from mainspring.store import keys
from servers import Server

pytestmark = pytest.mark.both_stores


@pytest.fixture
def audit(store) -> Audit:
    return Audit(store)


def test_entries_come_newest_first_with_all_that_was_said(audit: Audit, server: Server) -> None:
    audit.record("ann@example.org", "queue.pause", "low")
    audit.record("bob@example.org", "jobs.delete", "error:Timeout", count=3, states=["dead"])

    newest, oldest = audit

    assert (newest.by, newest.action, newest.resource) == ("bob@example.org", "jobs.delete", "error:Timeout")
    assert newest.facts == {"count": 3, "states": ["dead"]}
    assert (oldest.by, oldest.facts) == ("ann@example.org", {})
    assert abs(newest.at - float(server.client.time()[0])) < 60
    assert len(audit) == 2


def test_pages_follow_each_other_without_gap_or_repetition(audit: Audit) -> None:
    for number in range(25):
        audit.record("ann", "look", str(number))

    first = audit.page(count=10)
    audit.record("ann", "look", "later")
    second = audit.page(first.cursor, 10)
    third = audit.page(second.cursor, 10)

    assert [entry.resource for entry in [*first, *second, *third]] == [str(n) for n in reversed(range(25))]
    assert third.cursor == ""


def test_the_log_is_bounded_in_number_and_time(audit: Audit, server: Server) -> None:
    pipe = server.client.pipeline(transaction=False)
    for number in range(10_500):
        pipe.xadd(keys.AUDIT, {"by": "x", "action": "y", "resource": str(number), "facts": "{}"})
    pipe.execute()

    audit.record("ann", "look", "last")

    assert 10_000 <= len(audit) <= 10_200
    assert audit.page(count=1).items[0].resource == "last"
    assert 0 < server.client.pttl(keys.AUDIT) <= 180 * 86_400_000


def test_an_entry_is_bounded_whatever_is_said(audit: Audit, server: Server) -> None:
    audit.record(
        "a" * 9_999, "b" * 9_999, "\ud800" * 9_999, text="c" * 9_999, many={str(n): "d" * 400 for n in range(50)}
    )
    audit.record("", "", "", **{f"fact{n}": "e" * 400 for n in range(50)})

    newest, oldest = audit

    assert newest.facts["is_cut"] is True
    assert {len(oldest.by), len(oldest.action), len(oldest.resource), len(str(oldest.facts["text"]))} == {NAME}
    assert all(len(json.dumps(entry.facts)) < 2 * FACTS for entry in (newest, oldest))
    assert server.client.memory_usage(keys.AUDIT) < 50_000


def test_what_is_no_json_is_noted_as_a_text(audit: Audit) -> None:
    audit.record("ann", "look", "x", why=ValueError("no"), nan=float("nan"))

    (entry,) = audit

    assert entry.facts == {"why": "no", "nan": "nan"}


@pytest.mark.parametrize(("cursor", "count"), [("x", 10), ("1-1-1", 10), (5, 10), ("", 0), ("", 1001), ("", "1")])
def test_what_can_be_no_page_is_refused(audit: Audit, cursor: str, count: int) -> None:
    with pytest.raises(InvalidOption):
        audit.page(cursor, count)


def test_what_strangers_add_is_shown_as_it_can_be(audit: Audit, server: Server) -> None:
    server.client.xadd(keys.AUDIT, {"action": b"\xff", "facts": "no json"})

    (entry,) = audit

    assert (entry.by, entry.action, entry.facts) == ("", "\N{REPLACEMENT CHARACTER}", {})
    server.client.delete(keys.AUDIT)


def test_a_full_server_takes_an_entry(audit: Audit, private_server) -> None:
    from mainspring.store.connection import Store

    full = private_server()
    store = Store(full.url)
    full.client.config_set("maxmemory", "1mb")

    Audit(store).record("ann", "jobs.delete", "error:Timeout")

    assert full.client.xlen(keys.AUDIT) == 1
    store.close()
