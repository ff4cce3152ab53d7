"""A capsule says which queues it serves, in which order, with how many slots; what it cannot mean is refused by name."""

from __future__ import annotations

import pytest

from mainspring.base.errors import InvalidName, InvalidOption
from mainspring.worker import CapsuleSettings

REPORTS = CapsuleSettings("reports", 2, (("reports", 0), ("default", 0)))


def test_a_capsule_is_written_in_one_word():
    assert CapsuleSettings.parse("reports=2:reports,default") == REPORTS
    assert CapsuleSettings.parse("reports=2:reports, default") == REPORTS
    assert CapsuleSettings.parse("mails=4:urgent=6,bulk") == CapsuleSettings("mails", 4, (("urgent", 6), ("bulk", 0)))


@pytest.mark.parametrize(
    "table",
    [
        {"concurrency": 2, "queues": ["reports", "default"]},
        {"concurrency": 2, "queues": {"reports": 0, "default": 0}},
        "2:reports,default",
    ],
)
def test_a_capsule_is_written_as_a_table(table):
    assert CapsuleSettings.of_table("reports", table) == REPORTS


def test_a_table_may_leave_out_what_goes_without_saying():
    assert CapsuleSettings.of_table("reports", {}) == CapsuleSettings("reports", 10, (("reports", 0),))


def test_what_was_read_can_be_written_again():
    mixed = CapsuleSettings("mails", 4, (("urgent", 6), ("bulk", 0)))

    assert CapsuleSettings.of(mixed.written, name="mails", concurrency=4) == mixed


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("reports", "write NAME=CONCURRENCY:QUEUE,QUEUE"),
        ("reports=two:reports", "write NAME=CONCURRENCY:QUEUE,QUEUE"),
        ("reports=2:", "write NAME=CONCURRENCY:QUEUE,QUEUE"),
        ("reports=0:reports", "from 1 to 1,000"),
        ("reports=2:low,low", "stands twice"),
        ("reports=2:low=heavy", "a whole number"),
        ("reports=2:low=1001", "from 0 to 1,000"),
        (7, "is no capsule"),
    ],
)
def test_what_is_no_capsule_is_refused(text, hint):
    with pytest.raises(InvalidOption, match=hint):
        CapsuleSettings.parse(text)


@pytest.mark.parametrize(
    ("table", "hint"),
    [
        (7, "must be a table"),
        ({"slots": 2}, "has no 'slots': it has concurrency and queues"),
        ({"concurrency": "2"}, "must be a whole number"),
        ({"queues": "low"}, "must be a list of texts"),
        ({"queues": []}, "has no queues"),
        ({"queues": {"low": "heavy"}}, "the weight must be a whole number"),
        ("2", "write NAME=CONCURRENCY:QUEUE,QUEUE"),
    ],
)
def test_what_is_no_table_of_a_capsule_is_refused(table, hint):
    with pytest.raises(InvalidOption, match=hint):
        CapsuleSettings.of_table("reports", table)


def test_names_that_no_queue_can_have_are_refused():
    with pytest.raises(InvalidName):
        CapsuleSettings.parse("a b=2:low")
    with pytest.raises(InvalidName):
        CapsuleSettings.of_table("x", {"queues": ["a b"]})
