"""Lines over time as SVG, one panel below the other; looks as the bar charts do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from benchmarks.peers.chart import STYLE

_WIDTH, _LEFT, _RIGHT = 760, 60, 120
_TOP, _PANEL, _GAP = 40, 110, 44
_KINDS = ("line", "line second", "line third")


@dataclass(frozen=True)
class Series:
    """One line: its name, and its values at the times of the plot."""

    name: str
    values: Sequence[float]


@dataclass(frozen=True)
class Panel:
    """One panel: its title, its unit, and up to three lines; its scale begins at zero."""

    title: str
    unit: str
    series: Sequence[Series]


def draw(title: str, minutes: Sequence[float], panels: Sequence[Panel]) -> str:
    """Return the plot of *panels* over *minutes*."""
    height = _TOP + len(panels) * (_PANEL + _GAP)
    spoken = "; ".join(
        f"{panel.title}, {line.name}: {min(line.values):.1f} to {max(line.values):.1f} {panel.unit}"
        for panel in panels
        for line in panel.series
    )
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(spoken)}</desc>",
        f"<style>{STYLE}</style>",
        f'<text class="title" x="8" y="20">{escape(title)}</text>',
    ]
    for index, panel in enumerate(panels):
        lines += _draw_panel(panel, minutes, _TOP + index * (_PANEL + _GAP) + 14)
    return "\n".join([*lines, "</svg>", ""])


def _draw_panel(panel: Panel, minutes: Sequence[float], top: float) -> list[str]:
    most = max(max(line.values) for line in panel.series) or 1.0
    right, bottom = _WIDTH - _RIGHT, top + _PANEL
    lines = [f'<text class="small" x="{_LEFT}" y="{top - 6}">{escape(f"{panel.title}, {panel.unit}")}</text>']
    for share, label in ((0.0, "0"), (1.0, f"{most:.4g}")):
        y = bottom - _PANEL * share
        lines.append(f'<line class="rule" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text class="small name" x="{_LEFT - 6}" y="{y + 4:.1f}">{label}</text>')
    last = minutes[-1] or 1.0
    lines.append(f'<text class="small name" x="{right}" y="{bottom + 14:.1f}">{last:.0f} min</text>')
    lowest = float("-inf")
    for line, kind in sorted(zip(panel.series, _KINDS, strict=False), key=lambda pair: -pair[0].values[-1]):
        points = " ".join(
            f"{_LEFT + (right - _LEFT) * minute / last:.1f},{bottom - _PANEL * value / most:.1f}"
            for minute, value in zip(minutes, line.values, strict=True)
        )
        lines.append(f'<polyline class="{kind}" points="{points}"/>')
        lowest = max(lowest + 13, bottom - _PANEL * line.values[-1] / most + 4)
        lines.append(f'<text class="small" x="{right + 6}" y="{lowest:.1f}">{escape(line.name)}</text>')
    return lines
