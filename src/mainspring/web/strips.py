"""A strip of an entry's last ticks as inline SVG: a bar for each, its height and colour by what became of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from mainspring.api.timetable import TICKS, Tick
from mainspring.web.languages import counted, mark, say

#: Height of a bar by fate, so that those who see no colours can tell them apart.
_HEIGHTS: Final = {"ok": 18, "late": 18, "skipped": 8, "missed": 18, "manual": 12}
_WORDS: Final = {
    "ok": mark("{n} on time"),
    "late": mark("{n} late"),
    "skipped": mark("{n} skipped"),
    "missed": mark("{n} missed"),
    "manual": mark("{n} by hand"),
}
_STEP, _WIDTH, _HEIGHT = 6, 4, 20


def strip(ticks: Sequence[Tick]) -> Markup:
    """Draw what became of at most 30 ticks, the newest at the right; those of one fate are one path."""
    shown = ticks[-TICKS:]
    first = TICKS - len(shown)
    bars: dict[str, str] = {}
    for place, tick in enumerate(shown, first):
        height = _HEIGHTS[tick.fate]
        bar = f"M{place * _STEP} {_HEIGHT - height - 1}h{_WIDTH}v{height}h-{_WIDTH}z"
        bars[tick.fate] = bars.get(tick.fate, "") + bar
    drawn = Markup("").join(Markup('<path class="{}" d="{}"/>').format(fate, path) for fate, path in bars.items())
    return Markup(
        '<svg class="strip" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">'
        "<title>{label}</title>{drawn}</svg>"
    ).format(w=TICKS * _STEP, h=_HEIGHT, label=summary(shown), drawn=drawn)


def summary(ticks: Sequence[Tick]) -> str:
    """Say in words what a strip shows: ``30 ticks: 28 on time, 2 late``."""
    if not ticks:
        return say("no ticks yet")
    counts = {fate: sum(tick.fate == fate for tick in ticks) for fate in _WORDS}
    told = ", ".join(say(_WORDS[fate], n=count) for fate, count in counts.items() if count)
    return counted("{n} tick: {fates}", "{n} ticks: {fates}", len(ticks), fates=told)
