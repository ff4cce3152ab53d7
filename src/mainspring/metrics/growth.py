"""What was counted since a process looked first, as counters that only grow: what monitoring systems want. Pure.

The store keeps minutes, and forgets them. A process that is asked again and again adds up by how much each has grown
since it looked last; like every counter, its own begin at 0 when it starts.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from functools import partial
from itertools import chain
from typing import Final

from mainspring.metrics.questions import Question
from mainspring.metrics.series import Totals, together
from mainspring.store import metrics
from mainspring.store.metrics import ALL, OTHERS, Family, Record
from mainspring.store.tiers import MINUTE

#: Minutes that are read at most: what is asked for less often misses what lies before.
_MOST_MINUTES: Final = 10
_NOTHING: Final[Record] = (0, 0, 0)


class Grown:
    """Runs and their durations, by job or by queue. One thread at a time may use it."""

    def __init__(self, family: Family, most: int) -> None:
        """Begin with nothing.

        Args:
            family: By what: ``"jobs"`` or ``"queues"``.
            most: Names that are told apart; those that come later are counted together, as ``(others)``.
        """
        self._family: Family = family
        self._most = most
        self._since: int | None = None
        self._seen: dict[tuple[int, str], Record] = {}
        self._sums: dict[str, Record] = {}

    def ask(self, now: float) -> Question[Mapping[str, Totals]]:
        """Ask for what was counted since the first look, by name.

        Args:
            now: Unix seconds.
        """
        last = MINUTE.start(now)
        # Processes tell of a minute until some seconds after it.
        first = last - MINUTE.step if self._since is None else self._since
        times = range(max(first, last - (_MOST_MINUTES - 1) * MINUTE.step), last + 1, MINUTE.step)
        return Question([metrics.records(self._family, MINUTE, start) for start in times], partial(self._add, times))

    def _add(self, times: range, replies: Sequence[Mapping[str, Record]]) -> Mapping[str, Totals]:
        is_first, self._since = self._since is None, times[-1] - MINUTE.step
        for start, reply in zip(times, replies, strict=True):
            for name in reply.keys() - {ALL}:
                before, self._seen[start, name] = self._seen.get((start, name), _NOTHING), reply[name]
                # What was there at the first look was counted before there was anybody to count it.
                more = _NOTHING if is_first else _less(reply[name], before)
                label = self._label(name)
                self._sums[label] = together([self._sums.get(label, _NOTHING), more])
        self._seen = {key: record for key, record in self._seen.items() if key[0] >= self._since}
        return {name: Totals.of([record]) for name, record in self._sums.items()}

    def _label(self, name: str) -> str:
        # Whoever has a label keeps it: a counter that moves to another is wrong in both.
        return name if name in self._sums or len(self._sums) < self._most else OTHERS


def grown(kept: MutableMapping[str, tuple[float, float]], counts: Mapping[str, float]) -> Mapping[str, float]:
    """Return by how much each count has grown in all, since it was seen first.

    Args:
        kept: What this has to remember from call to call, empty for the first.
        counts: By name. What is new after the first call has grown from 0; what shrinks has not grown.
    """
    is_first = not kept
    for name, count in counts.items():
        before, sum_ = kept.get(name, (count if is_first else 0.0, 0.0))
        kept[name] = (count, sum_ + max(0.0, count - before))
    return {name: kept[name][1] for name in counts}


def _less(record: Record, before: Record) -> Record:
    counted = dict(zip(before[3::2], before[4::2], strict=True))
    pairs = zip(record[3::2], record[4::2], strict=True)
    more = ((number, count - counted.get(number, 0)) for number, count in pairs)
    sums = (max(0, new - old) for new, old in zip(record[:3], before[:3], strict=True))
    return (*sums, *chain.from_iterable((number, count) for number, count in more if count > 0))
