"""What became of the ticks of a periodic entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from mainspring.base import payload
from mainspring.schedule.entry import Entry
from mainspring.schedule.ticks import Rule
from mainspring.store.periodic import Ended, Past


@dataclass(frozen=True, slots=True)
class PastTick:
    """What became of one tick, or of one run out of turn.

    Attributes:
        when: When it was settled, by the server's clock, in the entry's zone.
        tick: The nominal time; of a manual run, when it was asked for. None if the line does not say.
        kind: ``"scheduled"``, ``"caught_up"``, ``"manual"`` or ``"backfilled"``; without a job ``"skipped"``
            or ``"missed"``.
        jid: The job's id; None if there was none.
        why: Why there was none: ``"if_"``, ``"exclude"``, ``"overlap"``, ``"on_tick"``, ``"on_run"`` or
            ``"middleware"``; None if there was one, or the tick was missed.
        folded: How many missed ticks were left out for it.
        late: Seconds from when it was due, jitter included, to *when*.
        outcome: How the last run of its job ended: ``"ok"``, ``"retry"`` (it failed and is retried), ``"dead"``,
            ``"dropped"`` or ``"snoozed"``. None if it has not run yet, or no worker has told.
    """

    when: datetime
    tick: datetime | None
    kind: str
    jid: str | None
    why: str | None
    folded: int
    late: float
    outcome: str | None = None


def read(line: Past, entry: Entry, rule: Rule, zone: tzinfo, ends: Mapping[str, Ended]) -> PastTick:
    """Return what a line of the history says, whoever wrote it.

    Args:
        line: The line.
        entry: The entry, for its jitter.
        rule: Its rule, anchored.
        zone: Its zone.
        ends: How its jobs ended, by id.
    """
    found = line.record
    tick, folded = payload.unix(found.get("tick")), found.get("folded")
    jid = _text(found.get("jid"))
    due = line.at if tick is None else tick + entry.delay(rule, tick)
    return PastTick(
        when=datetime.fromtimestamp(line.at, zone),
        tick=None if tick is None else datetime.fromtimestamp(tick, zone),
        kind=str(found.get("kind", "")),
        jid=jid,
        why=_text(found.get("why")),
        folded=folded if isinstance(folded, int) else 0,
        late=max(0.0, round(line.at - due, 3)),
        outcome=ends[jid].outcome if jid is not None and jid in ends else None,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
