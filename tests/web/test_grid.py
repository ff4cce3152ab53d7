"""A cell for each slot, its hue by what is usual, and never so many that a page is all cells."""

from __future__ import annotations

import pytest

from mainspring.web.grid import Cell, draw
from web.tree import parse


@pytest.mark.parametrize(
    ("elapsed", "usual", "hue"),
    [
        (4.0, None, "n0"),
        (4.0, 10.0, "n1"),
        (6.0, 10.0, "n2"),
        (15.0, 10.0, "n3"),
        (20.0, 10.0, "n4"),
        (0.9, 0.001, "n1"),  # nobody minds
    ],
)
def test_the_hue_tells_how_long_it_runs_by_what_is_usual(elapsed, usual, hue):
    assert Cell("", elapsed, usual).hue == hue


def test_busy_slots_come_first_the_longest_in_the_beginning_and_names_are_escaped():
    cells = [Cell("short", 1.0, None), Cell("<script>", 9.0, None)]

    drawn = draw(cells, 4, "2 of 4")

    assert [rect.attributes.get("class") for rect in parse(drawn).all("rect")] == ["n0", "n0", None, None]
    assert drawn.index("&lt;script&gt;") < drawn.index("short")
    assert "<script>" not in drawn


@pytest.mark.parametrize(("slots", "cells", "drawn"), [(5, 0, 5), (1, 3, 3), (0, 0, 0), (100_000, 0, 200)])
def test_there_is_a_cell_for_each_slot_and_an_end(slots, cells, drawn):
    found = parse(draw([Cell("x", 1.0, None)] * cells, slots, "")).all("rect")

    assert len(found) == drawn
