"""A strip of an entry's last ticks as inline SVG: a bar for each, its height and colour by what became of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from mainspring.api.timetable import TICKS, Tick
from mainspring.web import words

#: Height of a bar by fate, so that those who see no colours can tell them apart.
_HEIGHTS: Final = {"ok": 18, "late": 18, "skipped": 8, "missed": 18, "manual": 12}
_WORDS: Final = {
    "ok": "on time",
    "late": "late",
    "skipped": "skipped",
    "missed": "missed",
    "manual": "by hand",
}
_STEP, _WIDTH, _HEIGHT = 6, 4, 20


def strip(ticks: Sequence[Tick]) -> Markup:
    """Draw what became of at most 30 ticks, the newest at the right."""
    shown = ticks[-TICKS:]
    first = TICKS - len(shown)
    bars = Markup("").join(_bar(first + place, tick) for place, tick in enumerate(shown))
    return Markup(
        '<svg class="strip" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">{bars}</svg>'
    ).format(w=TICKS * _STEP, h=_HEIGHT, label=summary(shown), bars=bars)


def summary(ticks: Sequence[Tick]) -> str:
    """Say in words what a strip shows: ``30 ticks: 28 on time, 2 late``."""
    if not ticks:
        return "no ticks yet"
    counts = {fate: sum(tick.fate == fate for tick in ticks) for fate in _WORDS}
    told = ", ".join(f"{count} {_WORDS[fate]}" for fate, count in counts.items() if count)
    return f"{len(ticks)} {'tick' if len(ticks) == 1 else 'ticks'}: {told}"


def said(tick: Tick) -> str:
    """Say in words what became of one tick."""
    told = _WORDS[tick.fate]
    if tick.fate in {"ok", "late"}:
        told += f", {words.seconds(tick.late)} after its time"
    if tick.why:
        told += f" ({tick.why})"
    if tick.folded:
        told += f", {tick.folded:,} before it missed"
    return told


def _bar(place: int, tick: Tick) -> Markup:
    height = _HEIGHTS[tick.fate]
    when = words.moment(tick.at)
    title = f"{when:%Y-%m-%d %H:%M:%S} UTC: {said(tick)}" if when else said(tick)
    return Markup(
        '<rect class="{fate}" x="{x}" y="{y}" width="{w}" height="{h}" rx="1"><title>{title}</title></rect>'
    ).format(fate=tick.fate, x=place * _STEP, y=_HEIGHT - height - 1, w=_WIDTH, h=height, title=title)
