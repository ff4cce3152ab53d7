"""What is counted by minutes becomes counters that only grow, whenever one looks; and their number is bounded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mainspring.metrics import growth, questions
from mainspring.metrics.growth import Grown, grown
from mainspring.store import metrics
from mainspring.store.connection import Store
from metrics.asking import NOON, recorded
from servers import Server


@pytest.fixture
def store(server: Server) -> Iterator[Store]:
    store = Store(server.url)
    yield store
    store.close()


def count(store: Store, *runs, at: float = NOON, token: str = "t") -> None:
    store.run(metrics.add(recorded(*runs, at=at, token=token)))


def look(store: Store, seen: Grown, at: float):
    return questions.ask(store, [seen.ask(at)])[0]


def test_what_was_counted_before_the_first_look_is_not_and_all_after_it_is_once(store):
    seen = Grown("jobs", 10)
    count(store, ("mail", "send", 7, 3, False))
    first = look(store, seen, NOON + 1)
    count(store, ("mail", "send", 70, 30, False), ("mail", "send", 5, None, True), token="u")
    second = look(store, seen, NOON + 2)
    # A process tells late of the minute before.
    count(store, ("mail", "send", 700, 3, False), at=NOON + 59, token="v")
    count(store, ("mail", "fold", 7, 3, False), at=NOON + 61, token="w")
    third, fourth = look(store, seen, NOON + 65), look(store, seen, NOON + 66)

    assert (first["send"].ok, sum(first["send"].wait)) == (0, 0)
    assert (second["send"].ok, second["send"].failed, second["send"].run_seconds) == (1, 1, 0.07)
    assert (third["send"].ok, sum(third["send"].run), sum(third["send"].wait)) == (2, 2, 2)
    assert (third["fold"].ok, fourth["send"].ok, fourth["fold"].ok) == (1, 2, 1)


def test_who_is_asked_seldom_reads_few_minutes(store):
    seen = Grown("queues", 10)
    look(store, seen, NOON)

    assert len(seen.ask(NOON + 86_400).commands) == 10
    assert "" not in look(store, seen, NOON + 60)


def test_names_beyond_the_most_are_counted_together_and_nobody_changes_places(store):
    seen = Grown("jobs", 2)
    look(store, seen, NOON)
    count(store, ("q", "a", 1, 1, False), ("q", "b", 1, 1, False))
    look(store, seen, NOON + 1)
    count(store, *(("q", name, 1, 1, False) for name in "abcd"), token="u")

    found = look(store, seen, NOON + 2)

    assert {name: each.ok for name, each in found.items()} == {"a": 2, "b": 2, "(others)": 2}


def test_what_was_seen_is_forgotten_with_its_minute(store):
    seen = Grown("jobs", 10)
    for minute in range(20):
        count(store, ("q", f"job{minute}", 1, 1, False), at=NOON + 60 * minute, token=str(minute))
        look(store, seen, NOON + 60 * minute)

    assert len(seen._seen) <= 2
    assert len(seen._sums) == 11
    assert growth.OTHERS in seen._sums


def test_a_count_grows_from_what_it_was_first_and_never_shrinks():
    kept: dict[str, tuple[float, float]] = {}

    found = [grown(kept, counts) for counts in ({"a": 5.0}, {"a": 7.0, "b": 3.0}, {"a": 2.0}, {"a": 3.0, "b": 4.0})]

    assert found == [{"a": 0.0}, {"a": 2.0, "b": 3.0}, {"a": 2.0}, {"a": 3.0, "b": 4.0}]
