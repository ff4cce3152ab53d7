"""The slots of a process as a grid: a cell each, and its hue tells how long its job runs, by what is usual. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from markupsafe import Markup, escape

_CELL, _GAP, _COLUMNS = 10, 2, 20
#: Stands in no text that is shown.
_BETWEEN: Final = "\0"
#: Cells that are drawn of one process.
_MOST: Final = 200
#: Below which multiple of the usual longest time a cell has which hue; beyond them all, it is far too long.
_HUES: Final = ((0.5, "n1"), (1.0, "n2"), (2.0, "n3"))


class Cell(msgspec.Struct, frozen=True, gc=False):
    """A slot that is busy; made in C, as a page has thousands.

    Attributes:
        text: What it does, for those who point at it.
        elapsed: For how many seconds.
        usual: Below how many seconds 95 % of such runs stay; None if nobody knows.
    """

    text: str
    elapsed: float
    usual: float | None

    @property
    def hue(self) -> str:
        """``n1`` to ``n4``; ``n0`` where nothing is known of such runs. Below a second nobody minds."""
        if not self.usual:
            return "n0"
        share = self.elapsed / self.usual
        return "n1" if self.elapsed < 1 else next((hue for below, hue in _HUES if share < below), "n4")


def draw(cells: Sequence[Cell], slots: int, label: str) -> Markup:
    """Draw the slots of a process, busy ones first, those that run longest in the beginning.

    Args:
        cells: The busy ones.
        slots: How many there are.
        label: What it shows, for those who hear it.
    """
    shown = min(max(slots, len(cells)), _MOST)
    busy = sorted(cells, key=lambda cell: -cell.elapsed)[:shown]
    step = _CELL + _GAP
    width, height = min(shown, _COLUMNS) * step, -(-shown // _COLUMNS) * step
    # There may be thousands, and to escape each, or to let Markup format it, takes several times as long.
    texts = str(escape(_BETWEEN.join(cell.text.replace(_BETWEEN, " ") for cell in busy))).split(_BETWEEN)
    drawn = "".join(
        _cell(number % _COLUMNS * step, number // _COLUMNS * step, busy[number], texts[number])
        if number < len(busy)
        else _free(number % _COLUMNS * step, number // _COLUMNS * step)
        for number in range(shown)
    )
    return Markup(
        '<svg class="slots" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">'
        "{cells}</svg>"
    ).format(w=width, h=height, label=label, cells=Markup(drawn))  # noqa: S704 - the texts are escaped


def _free(x: int, y: int) -> str:
    return f'<rect x="{x}" y="{y}" width="{_CELL}" height="{_CELL}" rx="2"/>'


def _cell(x: int, y: int, cell: Cell, text: str) -> str:
    return (
        f'<rect class="{cell.hue}" x="{x}" y="{y}" width="{_CELL}" height="{_CELL}" rx="2"><title>{text}</title></rect>'
    )
