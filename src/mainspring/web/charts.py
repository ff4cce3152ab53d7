"""Small charts as inline SVG, made here: no script is needed to see them. Pure.

Each has a text that says what it shows, for those who hear it.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

_WIDTH, _HEIGHT = 96, 24


def sparkline(values: Sequence[float | None], label: str, *, width: int = _WIDTH, height: int = _HEIGHT) -> Markup:
    """Draw how a number went, from 0 upwards; a gap where nothing is known.

    Args:
        values: At equal distances, oldest first.
        label: What it shows, for those who hear it.
        width: Pixels.
        height: Pixels.
    """
    line, area = _paths(values, width, height)
    return Markup(
        '<svg class="spark" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">'
        '<path class="a" d="{area}"/><path class="l" d="{line}"/></svg>'
    ).format(w=width, h=height, label=label, area=area, line=line)


def _paths(values: Sequence[float | None], width: int, height: int) -> tuple[str, str]:
    most = max([value for value in values if value is not None], default=0.0) or 1.0
    step = width / max(1, len(values) - 1)
    lines, areas = [], []
    for first, run in _runs(values):
        points = [
            f"{(first + index) * step:.1f} {height - 2 - (height - 4) * value / most:.1f}"
            for index, value in enumerate(run)
        ]
        begin, end = first * step, (first + len(run) - 1) * step
        lines.append("M" + "L".join(points))
        areas.append(f"M{begin:.1f} {height}L" + "L".join(points) + f"L{end:.1f} {height}Z")
    return "".join(lines), "".join(areas)


def _runs(values: Sequence[float | None]) -> list[tuple[int, list[float]]]:
    """Return the stretches in which something is known, each with the place of its first value."""
    found: list[tuple[int, list[float]]] = []
    before = None
    for index, value in enumerate(values):
        if value is None:
            before = None
            continue
        if before is None:
            found.append((index, []))
        found[-1][1].append(value)
        before = value
    return found


def bar(part: float, whole: float, label: str, kind: str = "f") -> Markup:
    """Draw which part of a whole is used.

    Args:
        part: What is used.
        whole: All there is; an empty bar of nothing.
        label: What it shows, for those who hear it.
        kind: ``f`` for running, ``g`` for good, ``r`` for bad.
    """
    share = 100 * min(1.0, max(0.0, part / whole)) if whole > 0 else 0.0
    return Markup(
        '<svg class="bar" role="img" aria-label="{label}">'
        '<rect class="{kind}" x="0" width="{share:.1f}%" height="6"/></svg>'
    ).format(label=label, kind=kind, share=share)


def stacked(parts: Sequence[tuple[float, str]], label: str) -> Markup:
    """Draw shares of a whole beside each other.

    Args:
        parts: How much, and of which kind, as for `bar`.
        label: What it shows, for those who hear it.
    """
    whole, left, drawn = sum(part for part, _ in parts) or 1.0, 0.0, Markup("")
    for part, kind in parts:
        share = 100 * part / whole
        drawn += Markup('<rect class="{}" x="{:.1f}%" width="{:.1f}%" height="6"/>').format(kind, left, share)
        left += share
    return Markup('<svg class="bar" role="img" aria-label="{}">{}</svg>').format(label, drawn)
