"""A strip of an entry's last ticks as inline SVG: a bar for each, its shape and colour by what became of it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from mainspring.api.timetable import TICKS, Tick
from mainspring.web.languages import counted, mark, say

#: Height of a bar by what became of a tick; where its job failed, whenever it came, the bar is a broken one.
_HEIGHTS: Final = {"ok": 18, "late": 18, "skipped": 8, "missed": 18, "manual": 12, "failing": 18, "died": 18}
#: By the outcome of the job.
_FAILED: Final = {"retry": "failing", "dead": "died"}
_GAP: Final = 4
_WORDS: Final = {
    "ok": mark("{n} on time"),
    "late": mark("{n} late"),
    "skipped": mark("{n} skipped"),
    "missed": mark("{n} missed"),
    "manual": mark("{n} by hand"),
    "failing": mark("{n} failed and retried"),
    "died": mark("{n} died"),
}
_STEP, _WIDTH, _HEIGHT = 6, 4, 20


def strip(ticks: Sequence[Tick]) -> Markup:
    """Draw what became of at most 30 ticks, the newest at the right; those of one kind are one path."""
    shown = ticks[-TICKS:]
    first = TICKS - len(shown)
    bars: dict[str, str] = {}
    for place, tick in enumerate(shown, first):
        kind = _kind(tick)
        bars[kind] = bars.get(kind, "") + _bar(place * _STEP, _HEIGHTS[kind], is_broken=kind in _FAILED.values())
    drawn = Markup("").join(Markup('<path class="{}" d="{}"/>').format(kind, path) for kind, path in bars.items())
    return Markup(
        '<svg class="strip" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">'
        "<title>{label}</title>{drawn}</svg>"
    ).format(w=TICKS * _STEP, h=_HEIGHT, label=summary(shown), drawn=drawn)


def _kind(tick: Tick) -> str:
    return _FAILED.get(tick.outcome, tick.fate)


def _bar(x: int, height: int, *, is_broken: bool) -> str:
    y = _HEIGHT - height - 1
    if not is_broken:
        return f"M{x} {y}h{_WIDTH}v{height}h-{_WIDTH}z"
    return f"M{x} {y}h{_WIDTH}v{_GAP}h-{_WIDTH}zM{x} {y + 2 * _GAP}h{_WIDTH}v{height - 2 * _GAP}h-{_WIDTH}z"


def summary(ticks: Sequence[Tick]) -> str:
    """Say in words what a strip shows: ``30 ticks: 28 on time, 2 late``."""
    if not ticks:
        return say("no ticks yet")
    counts = Counter(map(_kind, ticks))
    told = ", ".join(say(words, n=counts[kind]) for kind, words in _WORDS.items() if kind in counts)
    return counted("{n} tick: {fates}", "{n} ticks: {fates}", len(ticks), fates=told)
