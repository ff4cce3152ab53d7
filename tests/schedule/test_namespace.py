"""A namespace is part of keys, so it holds nothing that could make one App's key another's."""

from __future__ import annotations

import pytest

from mainspring import App
from mainspring.base.errors import InvalidName
from mainspring.schedule.namespace import check_namespace


@pytest.mark.parametrize("namespace", ["", "shop", "Shop-2.a_b", "x" * 100])
def test_a_namespace_is_taken_as_it_is(namespace):
    assert check_namespace(namespace) == namespace


@pytest.mark.parametrize(
    "namespace", ["a:b", "a b", "a\n", "{a}", "*", "x" * 101, "b\N{LATIN SMALL LETTER U WITH DIAERESIS}ro", None, 7]
)
def test_what_could_be_part_of_another_key_is_refused(namespace):
    with pytest.raises(InvalidName, match="write up to 100 letters, digits, dots, hyphens and underscores"):
        App("redis://db", namespace=namespace)
