"""How fast jobs come into queues and leave them, by two looks of this process at them. Pure.

The store counts what is taken from a queue, and no push costs anything for being counted: what came in is what was
taken, and by how much the queue has grown.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Final

#: Seconds over which a rate is taken, at least and at most, where looks come often enough.
_LEAST: Final = 2.0
_MOST: Final = 30.0
#: Looks that are further apart tell nothing of now.
_OLD: Final = 300.0

#: By queue: how many were taken so far, and how many wait.
Counts = Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast a queue fills and empties, in jobs a second.

    Attributes:
        into: Jobs that came in.
        out: Jobs that were taken.
    """

    into: float
    out: float

    def drains(self, size: int) -> float | None:
        """Return in how many seconds *size* jobs will be gone; None if they will not."""
        return size / (self.out - self.into) if size and self.out > self.into else None


@dataclass(frozen=True, slots=True)
class _Look:
    at: float
    counts: Counts

    def written(self) -> list[str]:
        return [str(self.at), *(str(each) for name, pair in self.counts.items() for each in (name, *pair))]

    @classmethod
    def read(cls, texts: Sequence[str]) -> _Look:
        names, taken, sizes = texts[1::3], texts[2::3], texts[3::3]
        return cls(float(texts[0]), {n: (int(t), int(s)) for n, t, s in zip(names, taken, sizes, strict=True)})


def rates(remembered: MutableMapping[str, Sequence[str]], key: str, now: float, counts: Counts) -> dict[str, Rate]:
    """Return how fast queues fill and empty, and remember this look for the next.

    Args:
        remembered: What a dashboard keeps from look to look.
        key: Names what is looked at.
        now: Unix seconds.
        counts: What is there now.
    """
    base = _Look.read(remembered[key]) if key in remembered else None
    newer = f"{key}:newer"
    look = _Look(now, counts)
    if base is None or not 0 <= now - base.at < _OLD:
        remembered[key] = look.written()
        remembered.pop(newer, None)
        return {}
    if now - base.at > _MOST:
        remembered[key] = remembered.get(newer, look.written())
        remembered[newer] = look.written()
    elif newer not in remembered and now - base.at > _MOST / 2:
        remembered[newer] = look.written()
    if now - base.at < _LEAST:
        return {}
    return _between(base, look)


def _between(old: _Look, new: _Look) -> dict[str, Rate]:
    span, found = new.at - old.at, {}
    for name, (taken, size) in new.counts.items():
        if name in old.counts:
            before, waited = old.counts[name]
            out = max(0, taken - before)
            found[name] = Rate(max(0, out + size - waited) / span, out / span)
    return found
