"""Numbers in Prometheus's text format, version 0.0.4. Pure.

It is written by hand: what is exposed is read anew each time, and a client library would hold it between the reads.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

#: What the text is served as.
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
# Backslash, quotation mark and line break, by their numbers.
_ESCAPED: Final = {92: r"\\", 34: r"\"", 10: r"\n"}
_LONGEST: Final = 200

Kind: TypeAlias = Literal["counter", "gauge"]
Labels: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Metric:
    """A number, or several that labels tell apart.

    Attributes:
        name: Without the prefix ``mainspring_``.
        kind: Whether it only grows.
        help: What it counts, and its unit.
        values: Each with its labels.
    """

    name: str
    kind: Kind
    help: str
    values: Sequence[tuple[Labels, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Histogram:
    """Durations, in classic buckets.

    Attributes:
        labels: What tells it from others of its metric.
        buckets: How many there are of each upper bound in seconds or less, the least first.
        count: How many there are in all.
        sum: Seconds of all together.
    """

    labels: Labels
    buckets: Sequence[tuple[float, int]]
    count: int
    sum: float


@dataclass(frozen=True, slots=True)
class Histograms:
    """A metric of durations.

    Attributes:
        name: Without the prefix ``mainspring_``.
        help: What it counts.
        values: Each with its labels.
    """

    name: str
    help: str
    values: Sequence[Histogram]


def single(name: str, kind: Kind, help_: str, value: float) -> Metric:
    """Return a metric without labels."""
    return Metric(name, kind, help_, [({}, value)])


def text(metrics: Sequence[Metric | Histograms]) -> str:
    """Write *metrics*; those without any value are left out."""
    return "".join(line + "\n" for metric in metrics if metric.values for line in _lines(metric))


def _lines(metric: Metric | Histograms) -> Iterator[str]:
    name = f"mainspring_{metric.name}"
    yield f"# HELP {name} {metric.help}"
    yield f"# TYPE {name} {'histogram' if isinstance(metric, Histograms) else metric.kind}"
    if isinstance(metric, Histograms):
        for each in metric.values:
            yield from _buckets(name, each)
        return
    for labels, value in metric.values:
        yield _sample(name, labels, value)


def _buckets(name: str, found: Histogram) -> Iterator[str]:
    for bound, count in (*found.buckets, (math.inf, found.count)):
        yield _sample(f"{name}_bucket", {**found.labels, "le": _number(bound)}, count)
    yield _sample(f"{name}_sum", found.labels, found.sum)
    yield _sample(f"{name}_count", found.labels, found.count)


def _sample(name: str, labels: Labels, value: float) -> str:
    said = ",".join(f'{label}="{_cut(text)}"' for label, text in labels.items())
    return f"{name}{{{said}}} {_number(value)}" if said else f"{name} {_number(value)}"


def _cut(value: str) -> str:
    # A name may be a stranger's; no text of Python's that cannot be UTF-8 may break the whole.
    return value[:_LONGEST].encode("utf-8", "replace").decode().translate(_ESCAPED)


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))
