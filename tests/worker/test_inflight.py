"""What a capsule holds is told apart by its number, and by itself where a store counts anew."""

from __future__ import annotations

from mainspring.worker.delivery import Delivery
from mainspring.worker.inflight import InFlight


def delivered(first: int, last: int) -> list[Delivery]:
    return [Delivery("q", seq, b"", "holder", 0.0) for seq in range(first, last + 1)]


def test_numbers_that_grow_give_nothing_up_whatever_was_settled_between():
    held = InFlight(["q"])
    first, second = delivered(1, 3), delivered(4, 5)

    assert held.add("q", first) == []
    held.forget(first[:2])
    assert held.add("q", second) == []
    held.forget([*first, *second])
    assert held.add("q", delivered(6, 6)) == []
    assert len(held) == 1


def test_where_numbers_go_back_all_that_was_held_is_given_up_once():
    held = InFlight(["q"])
    old, new, more = delivered(1, 50), delivered(1, 10), delivered(11, 20)
    held.add("q", old)

    assert held.add("q", new) == old
    # Old ones with greater numbers are held still, as they run; those that came since are the store's own.
    assert held.add("q", more) == []


def test_only_the_delivery_itself_is_forgotten_under_its_number():
    held = InFlight(["q"])
    (old,), (new,) = delivered(7, 7), delivered(7, 7)
    held.add("q", [old])
    held.add("q", [new])

    held.forget([old])

    assert list(held) == [new]
