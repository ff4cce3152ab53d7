"""Histograms and heat maps of durations as inline SVG, made here. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from mainspring.metrics.histogram import BOUNDS_MS
from mainspring.metrics.series import Deploy, Histogram
from mainspring.web import words
from mainspring.web.languages import say

#: Columns of a heat map at most; more buckets of time are put together.
_COLUMNS: Final = 60
#: Shades of a heat map.
_SHADES: Final = 5
_WIDTH, _WIDE, _HEIGHT, _LEFT, _BOTTOM = 560, 1080, 180, 64, 20


def bound(number: int) -> str:
    """Write the upper bound of a bucket for people."""
    return f"< {words.ms(BOUNDS_MS[number])}" if number < len(BOUNDS_MS) else f"≥ {words.ms(BOUNDS_MS[-1])}"


def used(histograms: Sequence[Histogram]) -> range:
    """Return the numbers of the buckets between the first and the last that hold something."""
    found = [number for counts in histograms for number, count in enumerate(counts) if count]
    return range(min(found), max(found) + 1) if found else range(0)


def rows(counts: Histogram) -> list[tuple[str, int]]:
    """Return a histogram as a table: upper bound and count, from the shortest on."""
    return [(bound(number), counts[number]) for number in used([counts])]


def summary(counts: Histogram) -> str:
    """Say in words what a histogram shows."""
    total = sum(counts)
    if not total:
        return say("Nothing was counted.")
    peak = max(range(len(counts)), key=counts.__getitem__)
    share = words.percent(counts[peak], total)
    return say("{n} in all; most, {share}, took {span}.", n=f"{total:,}", share=share, span=bound(peak))


def bars(counts: Histogram) -> Markup:
    """Draw a histogram: a bar for each bucket that is used, and one in four with its bound."""
    numbers = used([counts])
    most = max(counts, default=0) or 1
    step = _WIDTH / max(1, len(numbers))
    drawn = Markup("").join(
        Markup(
            '<rect class="f" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}: {:,}</title></rect>'
        ).format(
            place * step + 1,
            _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM) * counts[number] / most,
            max(1.0, step - 2),
            (_HEIGHT - _BOTTOM) * counts[number] / most,
            bound(number),
            counts[number],
        )
        for place, number in enumerate(numbers)
    )
    every = max(1, len(numbers) // 6)
    labels = Markup("").join(
        _text(place * step + step / 2, _HEIGHT - 4, bound(numbers[place]), "middle")
        for place in range(every // 2, len(numbers), every)
    )
    return _svg("histogram", summary(counts), drawn + labels)


def heat(histograms: Sequence[Histogram], times: Sequence[int], step: int, deploys: Sequence[Deploy]) -> Markup:
    """Draw how durations went: a column for each time, a row for each bucket, darker where more fell into it."""
    columns = _merged(histograms)
    numbers = used(columns)
    width = (_WIDE - _LEFT) / max(1, len(columns))
    height = (_HEIGHT - _BOTTOM) / max(1, len(numbers))
    most = max((count for column in columns for count in column), default=0) or 1
    shades: list[list[str]] = [[] for _ in range(_SHADES)]
    for across, column in enumerate(columns):
        for up, number in enumerate(numbers):
            if column[number]:
                x, y = _LEFT + across * width, _HEIGHT - _BOTTOM - (up + 1) * height
                shades[_shade(column[number], most)].append(f"M{x:.1f} {y:.1f}h{width:.1f}v{height:.1f}h-{width:.1f}z")
    paths = Markup("").join(
        Markup('<path class="h{}" d="{}"/>').format(shade, "".join(cells))
        for shade, cells in enumerate(shades)
        if cells
    )
    every = max(1, len(numbers) // 5)
    labels = Markup("").join(
        _text(_LEFT - 6, _HEIGHT - _BOTTOM - (up + 0.5) * height + 4, bound(numbers[up]), "end")
        for up in range(0, len(numbers), every)
    )
    return _svg("heat", _told(columns, numbers), paths + labels + _marks(times, step, deploys) + _times(times, step))


def _told(columns: Sequence[Histogram], numbers: range) -> str:
    total = sum(map(sum, columns))
    if not total:
        return say("Nothing was counted.")
    least, most = bound(numbers[0]), bound(numbers[-1])
    return say("{n} durations from {least} to {most}", n=f"{total:,}", least=least, most=most)


def _merged(histograms: Sequence[Histogram]) -> list[Histogram]:
    size = -(-len(histograms) // _COLUMNS) or 1
    parts = [histograms[start : start + size] for start in range(0, len(histograms), size)]
    return [tuple(map(sum, zip(*part, strict=True))) for part in parts]


def _shade(count: int, most: int) -> int:
    # By the root, so that what is rare can be seen beside what is common.
    return min(_SHADES - 1, int(_SHADES * (count / most) ** 0.5))


def _marks(times: Sequence[int], step: int, deploys: Sequence[Deploy]) -> Markup:
    found = [(_x(times, step, deploy.at), deploy.label) for deploy in deploys if times and deploy.at >= times[0]]
    return Markup("").join(
        Markup('<path class="mark" d="M{:.1f} 0V{}"><title>{}</title></path>').format(
            x, _HEIGHT - _BOTTOM, say("deploy {label}", label=label)
        )
        for x, label in found
    )


def _times(times: Sequence[int], step: int) -> Markup:
    places = [times[len(times) * part // 4] for part in range(4)] if len(times) > 4 else list(times)
    moments = ((at, words.moment(at)) for at in places)
    return Markup("").join(
        _text(_x(times, step, at), _HEIGHT - 4, words.day(moment) if step >= 3600 else f"{moment:%H:%M}", "start")
        for at, moment in moments
        if moment
    )


def _x(times: Sequence[int], step: int, at: float) -> float:
    whole = times[-1] + step - times[0]
    return _LEFT + (_WIDE - _LEFT) * min(1.0, max(0.0, (at - times[0]) / whole))


def _text(x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(x, y, anchor, text)


def _svg(kind: str, label: str, inside: Markup) -> Markup:
    return Markup('<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        kind, _WIDE if kind == "heat" else _WIDTH, _HEIGHT, label, inside
    )
