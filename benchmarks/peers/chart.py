"""A bar chart as SVG, written by hand: readable on light and on dark pages, and by a screen reader."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_WIDTH, _LEFT, _RIGHT, _LETTER = 760, 190, 90, 7.2
_TOP, _STEP, _THICK = 44, 26, 16

#: How all charts look.
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 14px; }
  .small { font-size: 11px; }
  .name { text-anchor: end; }
  .ours { fill: #0b7285; }
  .theirs { fill: #adb5bd; }
  .line { fill: none; stroke: #0b7285; stroke-width: 1.5; stroke-linejoin: round; }
  .second { stroke: #e8590c; }
  .third { stroke: #868e96; }
  .rule { stroke: #868e96; stroke-opacity: 0.35; }
  .open { fill: none; stroke: #adb5bd; stroke-dasharray: 4 3; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .ours { fill: #3bc9db; }
    .theirs { fill: #6c757d; }
    .line { stroke: #3bc9db; }
    .second { stroke: #ffa94d; }
    .third { stroke: #adb5bd; }
    .open { stroke: #6c757d; }
  }
"""


@dataclass(frozen=True)
class Item:
    """One bar: its name, how long it is, what stands at its end, and whether it is ours; open if it never ended."""

    name: str
    value: float
    label: str
    is_ours: bool
    is_open: bool = False


def draw(title: str, items: Sequence[Item], *, least: float = 0.0) -> str:
    """Return the chart of *items*, from top to bottom.

    The scale is linear from zero, or logarithmic from *least* if that is more than zero.
    """
    height = _TOP + _STEP * len(items) + 8
    longest = max(item.value for item in items)
    room = _WIDTH - _LEFT - max(_RIGHT, 16 + _LETTER * max(len(item.label) for item in items))
    spoken = "; ".join(f"{item.name}: {item.label}" for item in items)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(spoken)}</desc>",
        f"<style>{STYLE}</style>",
        f'<text class="title" x="8" y="24">{escape(title)}</text>',
    ]
    for index, item in enumerate(items):
        lines += _bar(item, _TOP + _STEP * index, room * _share(item.value, least, longest))
    return "\n".join([*lines, "</svg>", ""])


def _share(value: float, least: float, longest: float) -> float:
    if not least:
        return value / longest
    return math.log(max(value, least) / least) / math.log(longest / least)


def _bar(item: Item, top: float, length: float) -> list[str]:
    length = max(1.0, length)
    middle = top + _THICK - 3.5
    kind = "open" if item.is_open else "ours" if item.is_ours else "theirs"
    return [
        f'<text class="name" x="{_LEFT - 10}" y="{middle}">{escape(item.name)}</text>',
        f'<rect class="{kind}" x="{_LEFT}" y="{top}" width="{length:.1f}" height="{_THICK}" rx="2"/>',
        f'<text x="{_LEFT + length + 8:.1f}" y="{middle}">{escape(item.label)}</text>',
    ]
