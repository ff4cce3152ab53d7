"""What `app.cron` takes: a cron expression, or a phrase for a distance, which none holds.

"every 90 minutes" is neither hourly nor every two hours: it is `app.every`'s, counted
from the instant at which the entry was first registered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mainspring.schedule import crontab, dialect, every
from mainspring.schedule.crontab import Crontab
from mainspring.schedule.phrases import Distance
from mainspring.schedule.ticks import Rule
from mainspring.schedule.zones import Dst, zone


@dataclass(frozen=True, slots=True)
class Spoken:
    """Ticks of a phrase that says a distance.

    Attributes:
        rule: The ticks.
        text: The phrase, blanks normalised, without the zone.
        tz: The zone that counts: the one written in the phrase, or else the one that was given.
    """

    rule: Rule
    text: str
    tz: str

    def after(self, t: float) -> float | None:
        """Return the first tick strictly after *t*."""
        return self.rule.after(t)

    def before(self, t: float) -> float | None:
        """Return the last tick strictly before *t*."""
        return self.rule.before(t)

    def anchored(self, anchor: float) -> Spoken:
        """Return the same distance, counted from *anchor*."""
        return replace(self, rule=self.rule.anchored(anchor))


def parse(expression: str, tz: str, *, name: str = "", dst: Dst = "vixie") -> Crontab | Spoken:
    """Return the rule of an *expression* or a phrase; arguments and errors as for `crontab.parse`."""
    written = dialect.read(expression)
    said = written.said()
    if not isinstance(said, Distance):
        return crontab.parse(expression, tz, name=name, dst=dst)
    counts = tz if written.tz is None else written.tz
    zone(counts)
    return Spoken(every.rule(said.period, said.at or None, counts, dst=dst), written.text, counts)
