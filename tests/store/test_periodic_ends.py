"""How the jobs of an entry ended is kept for people: bounded, the last run of each, whatever strangers write there."""

from __future__ import annotations

import pytest

from mainspring.store import keys, periodic
from mainspring.store.connection import Store
from mainspring.store.periodic import Ended

NS, NOON = "office", 1_790_000_000.0


@pytest.fixture
def store(server):
    store = Store(server.url)
    yield store
    store.close()


def test_of_the_ends_of_runs_the_newest_hundred_are_kept(server, store):
    for first in (0, 60):
        ends = [Ended(NOON + n, "ok", f"job{n}") for n in range(first, first + 60)]
        store.run(periodic.note_ends(f"{NS}:report", ends))
        assert 0 < server.client.ttl(keys.periodic_outcomes(NS, "report")) <= 180 * 86_400

    found = store.run(periodic.ends(NS, "report"))

    assert list(found) == [f"job{n}" for n in range(119, 19, -1)]
    assert found["job119"] == Ended(NOON + 119, "ok", "job119")
    assert list(store.run(periodic.ends(NS, "report", 2))) == ["job119", "job118"]


def test_of_several_ends_of_one_job_the_last_counts_whichever_came_first(store):
    for end in (Ended(7.0, "retry", "a"), Ended(9.0, "ok", "a"), Ended(8.0, "retry", "a")):
        store.run(periodic.note_ends(f"{NS}:report", [end]))

    assert store.run(periodic.ends(NS, "report")) == {"a": Ended(9.0, "ok", "a")}


@pytest.mark.parametrize("line", [b"", b"nonsense", b"1.5 ok", b"1.5", b"soon ok a", b"\xff \xff \xff"])
def test_an_end_that_a_stranger_wrote_is_left_out(server, store, line):
    store.run(periodic.note_ends(f"{NS}:report", [Ended(1.5, "ok", "a")]))
    server.client.lpush(keys.periodic_outcomes(NS, "report"), line)

    assert list(store.run(periodic.ends(NS, "report"))) == ["a"]
