"""Batches are found as they are: listed, with what is in them, and with what failed."""

from __future__ import annotations

import pytest

from batchwork import Yard
from mainspring import InvalidOption
from mainspring.base.errors import BatchNotFound


@pytest.fixture
def yard(server):
    made = Yard(server)
    yield made
    made.app.close()


def names(found):
    return [status.description for status in found]


def test_those_that_are_not_over_come_first_and_the_newest_of_each(yard):
    for name in ("over 1", "open 1", "over 2", "open 2"):
        with yard.app.batch(name):
            if name.startswith("open"):
                yard.note.enqueue(1)

    assert names(yard.app.batches) == ["open 2", "open 1", "over 2", "over 1"]
    assert len(yard.app.batches) == 4
    assert yard.app.batches


def test_batches_are_read_by_pages(yard):
    for name in "abcde":
        with yard.app.batch(name):
            yard.note.enqueue(1)

    first = yard.app.batches.page(count=2)
    second = yard.app.batches.page(first.cursor, count=2)
    third = yard.app.batches.page(second.cursor, count=2)

    assert [names(page) for page in (first, second, third)] == [["e", "d"], ["c", "b"], ["a"]]
    assert third.cursor == ""
    for wrong in ({"count": 0}, {"count": 1001}, {"cursor": "x"}):
        with pytest.raises(InvalidOption):
            yard.app.batches.page(**wrong)


def test_a_batch_is_found_with_what_is_in_it(yard):
    with yard.app.batch("outer") as outer:
        for name in ("first", "second"):
            with yard.app.batch(name):
                yard.note.enqueue(1)

    assert yard.app.batches.find(outer.bid).description == "outer"
    assert names(yard.app.batches.children(outer.bid)) == ["first", "second"]
    assert yard.app.batches.steps(outer.bid) == []
    assert yard.app.batches.find("none") is None


def test_the_failed_and_the_dead_of_a_batch_are_found_and_no_others(yard):
    with yard.app.batch() as batch:
        for how in ("ok", "die", "later"):
            yard.ends.enqueue(how)
    yard.ends.enqueue("die")
    yard.run()

    found = list(yard.app.batches.failures(batch.bid))

    assert sorted(job.args[0] for job in found) == ["die", "later"]


def test_what_is_not_there_cannot_be_cancelled(yard):
    with pytest.raises(BatchNotFound):
        yard.app.batches.cancel("none")
