"""The graph of a workflow as inline SVG: its steps in layers, what waits to the right of what it waits for. Pure.

The layers are those of the longest path, and within one a step stands near the middle of what it waits for (the
barycentre heuristic of Sugiyama, Tagawa and Toda, 1981): enough for graphs that people have written by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from markupsafe import Markup

from mainspring.api.batches import BatchStep
from mainspring.web.languages import mark, say

#: More steps than these are shown as a list alone: nobody can read the graph.
MOST: Final = 80
_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _EDGE = 176, 34, 44, 12, 2
#: Characters of a job's name that fit into a box.
_LONGEST: Final = 22
#: What stands before a name, so that those who see no colours can tell states apart.
_WORDS: Final = {
    "waiting": mark("waits for others"),
    "ready": mark("queued or running"),
    "failed": mark("to be retried"),
    "dead": mark("dead"),
    "done": mark("done"),
}
_SIGNS: Final = {"waiting": "…", "ready": "▸", "failed": "↻", "dead": "✕", "done": "✓"}


def draw(steps: Sequence[BatchStep], links: Mapping[int, str], label: str) -> Markup:
    """Draw the steps of a workflow.

    Args:
        steps: In the order of their numbers.
        links: Where the job of each step is shown, by number.
        label: What it shows, for those who hear it.
    """
    layers = layered(steps)
    places = _places(layers)
    width = len(layers) * (_WIDTH + _GAP_X) - _GAP_X + 2 * _EDGE
    height = max(map(len, layers), default=0) * (_HEIGHT + _GAP_Y) - _GAP_Y + 2 * _EDGE
    lines = Markup("").join(_line(places[other], places[step.number]) for step in steps for other in step.after)
    boxes = Markup("").join(_box(step, places[step.number], links.get(step.number, "")) for step in steps)
    return Markup(
        '<svg class="graph" width="{w}" height="{h}" viewBox="0 0 {w} {h}" role="group" aria-label="{label}">'
        "{lines}{boxes}</svg>"
    ).format(w=width, h=height, label=label, lines=lines, boxes=boxes)


def layered(steps: Sequence[BatchStep]) -> list[list[int]]:
    """Return the numbers of the steps by layer: each in the first that comes after all it waits for."""
    depth: dict[int, int] = {}
    for step in steps:
        depth[step.number] = 1 + max((depth.get(other, -1) for other in step.after), default=-1)
    layers: list[list[int]] = [[] for _ in range(1 + max(depth.values(), default=-1))]
    after = {step.number: step.after for step in steps}
    place: dict[int, float] = {}
    for level, layer in enumerate(layers):
        layer += [number for number, its in depth.items() if its == level]
        layer.sort(key=lambda number: (_middle(after[number], place), number))
        place |= {number: float(row) for row, number in enumerate(layer)}
    return layers


def _middle(numbers: Sequence[int], place: Mapping[int, float]) -> float:
    known = [place[number] for number in numbers if number in place]
    return sum(known) / len(known) if known else 0.0


def _places(layers: Sequence[Sequence[int]]) -> dict[int, tuple[float, float]]:
    tallest = max(map(len, layers), default=0)
    found: dict[int, tuple[float, float]] = {}
    for column, layer in enumerate(layers):
        top = (tallest - len(layer)) * (_HEIGHT + _GAP_Y) / 2
        for row, number in enumerate(layer):
            found[number] = (_EDGE + column * (_WIDTH + _GAP_X), _EDGE + top + row * (_HEIGHT + _GAP_Y))
    return found


def _line(begin: tuple[float, float], end: tuple[float, float]) -> Markup:
    x1, y1, x2, y2 = begin[0] + _WIDTH, begin[1] + _HEIGHT / 2, end[0], end[1] + _HEIGHT / 2
    middle = (x1 + x2) / 2
    return Markup('<path d="M{} {}C{} {} {} {} {} {}"/>').format(x1, y1, middle, y1, middle, y2, x2, y2)


def _box(step: BatchStep, place: tuple[float, float], link: str) -> Markup:
    short = step.job.rpartition(".")[2]
    name = short if len(short) <= _LONGEST else short[: _LONGEST - 1] + "…"
    x, y = place
    return Markup(
        '<a href="{link}" aria-label="{number} {job}: {word}"><g class="{state}">'
        "<title>{number} {job}: {word}</title>"
        '<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="5"/>'
        '<text x="{tx}" y="{ty}">{sign} {name}</text></g></a>'
    ).format(
        link=link,
        number=step.number,
        job=step.job,
        state=step.state,
        word=say(_WORDS[step.state]),
        x=x,
        y=y,
        w=_WIDTH,
        h=_HEIGHT,
        tx=x + 10,
        ty=y + 21,
        sign=_SIGNS[step.state],
        name=name,
    )
