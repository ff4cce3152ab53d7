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


def single(name: str, kind: Kind, help_: str, value: float) -> Metric:
    """Return a metric without labels."""
    return Metric(name, kind, help_, [({}, value)])


def text(metrics: Sequence[Metric]) -> str:
    """Write *metrics*; those without any value are left out."""
    return "".join(line + "\n" for metric in metrics if metric.values for line in _lines(metric))


def _lines(metric: Metric) -> Iterator[str]:
    name = f"mainspring_{metric.name}"
    yield f"# HELP {name} {metric.help}"
    yield f"# TYPE {name} {metric.kind}"
    for labels, value in metric.values:
        said = ",".join(f'{label}="{_cut(text)}"' for label, text in labels.items())
        yield f"{name}{{{said}}} {_number(value)}" if said else f"{name} {_number(value)}"


def _cut(value: str) -> str:
    # A name may be a stranger's; no text of Python's that cannot be UTF-8 may break the whole.
    return value[:_LONGEST].encode("utf-8", "replace").decode().translate(_ESCAPED)


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))
