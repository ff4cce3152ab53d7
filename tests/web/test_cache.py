"""What pages remember from look to look is bounded, whatever people ask for."""

from __future__ import annotations

from mainspring.web.cache import MOST, Guesses


def test_what_was_not_written_for_longest_is_forgotten():
    guesses = Guesses()
    guesses["first"] = ["a"]

    for number in range(MOST):
        guesses["kept"] = ["b"]
        guesses[f"queues:{number}"] = [str(number)]

    assert len(guesses) == MOST
    assert "first" not in guesses
    assert guesses["kept"] == ["b"]
    assert guesses.get("first", ()) == ()


def test_what_is_forgotten_by_hand_is_gone():
    guesses = Guesses()
    guesses["a"] = ["1"]

    assert guesses.pop("a") == ["1"]
    assert guesses.pop("a", None) is None
    assert list(guesses) == []
