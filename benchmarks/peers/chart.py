"""A bar chart as SVG, written by hand: readable on light and on dark pages, and by a screen reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_WIDTH, _LEFT, _RIGHT = 760, 190, 90
_TOP, _STEP, _THICK = 44, 26, 16

_STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 14px; }
  .name { text-anchor: end; }
  .ours { fill: #0b7285; }
  .theirs { fill: #adb5bd; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .ours { fill: #3bc9db; }
    .theirs { fill: #6c757d; }
  }
"""


@dataclass(frozen=True)
class Item:
    """One bar: its name, how long it is, what stands at its end, and whether it is ours."""

    name: str
    value: float
    label: str
    is_ours: bool


def draw(title: str, items: Sequence[Item]) -> str:
    """Return the chart of *items*, from top to bottom, on a linear scale from zero."""
    height = _TOP + _STEP * len(items) + 8
    longest = max(item.value for item in items)
    spoken = "; ".join(f"{item.name}: {item.label}" for item in items)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(spoken)}</desc>",
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="8" y="24">{escape(title)}</text>',
    ]
    for index, item in enumerate(items):
        lines += _bar(item, _TOP + _STEP * index, item.value / longest)
    return "\n".join([*lines, "</svg>", ""])


def _bar(item: Item, top: float, share: float) -> list[str]:
    length = max(1.0, (_WIDTH - _LEFT - _RIGHT) * share)
    middle = top + _THICK - 3.5
    kind = "ours" if item.is_ours else "theirs"
    return [
        f'<text class="name" x="{_LEFT - 10}" y="{middle}">{escape(item.name)}</text>',
        f'<rect class="{kind}" x="{_LEFT}" y="{top}" width="{length:.1f}" height="{_THICK}" rx="2"/>',
        f'<text x="{_LEFT + length + 8:.1f}" y="{middle}">{escape(item.label)}</text>',
    ]
