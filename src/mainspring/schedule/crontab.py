"""Cron expressions: five fields, read strictly, in a zone of their own.

cronsim evaluates them, by the rule of Debian's cron (vixie's) for daylight saving:
a fixed time inside the gap runs once, right after it; a fixed time in the repeated
hour runs once, in its first pass; wildcards go by elapsed time. What cronsim accepts
though it cannot be meant is refused here, with the reason.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from mainspring.base.errors import InvalidSchedule

# name, values, number of distinct values; Sunday is both 0 and 7
_FIELDS = (
    ("minute", "0-59", 60),
    ("hour", "0-23", 24),
    ("day of month", "1-31, L", 31),
    ("month", "1-12, jan-dec", 12),
    ("day of week", "0-7, sun-sat, mon#1", 7),
)
_STEP = re.compile(r"/([0-9]+)")

# Any instant will do to see whether an expression ever fires: cronsim looks 50 years ahead.
_SOME_INSTANT = 1_700_000_000.0


@dataclass(frozen=True, slots=True)
class Cron:
    """Ticks of one cron expression; make it with `parse`.

    Attributes:
        expression: Five fields, blanks normalised.
        zone: Where its times are meant.
    """

    expression: str
    zone: tzinfo = field(default=UTC)

    def after(self, t: float) -> float | None:
        """Return the first tick strictly after *t*."""
        from cronsim import CronSim

        # Floored: `fromtimestamp` rounds to microseconds, perhaps up to the very tick that is asked for.
        start = datetime.fromtimestamp(math.floor(t), self.zone)
        for moment in CronSim(self.expression, start):
            tick = moment.timestamp()
            # Asked within the second pass of the repeated hour, cronsim answers with the first pass.
            if tick > t:
                return tick
        return None

    def anchored(self, anchor: float) -> Cron:  # noqa: ARG002 - times of day count from nothing
        """Return itself."""
        return self


def parse(expression: str, tz: str) -> Cron:
    """Return the rule of a five-field cron *expression* in the zone *tz*.

    Raises:
        InvalidSchedule: The field at fault and what it accepts, a date that never comes, or an unknown zone.
    """
    fields = _fields(expression)
    for index, part in enumerate(fields):
        _check(part, index)
    cron = Cron(" ".join(fields), zone(tz))
    if not _fires(cron):
        raise InvalidSchedule(expression, "no such date ever comes; check the day of month against the month")
    return cron


def zone(name: str) -> tzinfo:
    """Return the zone with an IANA *name*.

    Raises:
        InvalidSchedule: If there is none, with those that come close.
    """
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    # "Europe" is a folder of the zone files, which zoneinfo tries to open.
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise InvalidSchedule(name, f"tz: no such time zone; {_closest(name)}") from error


def _closest(name: object) -> str:
    from difflib import get_close_matches
    from zoneinfo import available_timezones

    known = {key.casefold(): key for key in available_timezones()}
    close = get_close_matches(str(name).casefold(), known, n=2)
    if close:
        return "did you mean " + " or ".join(f'"{known[key]}"' for key in close) + "?"
    return 'write an IANA name such as "Europe/London"'


def _fields(expression: object) -> list[str]:
    if not isinstance(expression, str):
        raise InvalidSchedule(expression, 'a cron expression is a text of five fields, such as "0 9 * * mon-fri"')
    fields = expression.split()
    if len(fields) != len(_FIELDS):
        names = ", ".join(name for name, *_ in _FIELDS)
        raise InvalidSchedule(
            expression, f"a cron expression has five fields ({names}), this has {len(fields)}; a zone goes into tz="
        )
    return fields


def _check(part: str, index: int) -> None:
    name, values, size = _FIELDS[index]
    for step in map(int, _STEP.findall(part)):
        # cron takes "*/90" for "0"; whoever wrote it meant 90 minutes.
        if step > size:
            raise InvalidSchedule(
                part, f"in the {name} field, a step of {step} is beyond the {size} values that it counts over"
            )
    alone = ["*"] * len(_FIELDS)
    alone[index] = part
    if not _is_read(" ".join(alone)):
        raise InvalidSchedule(
            part,
            f'the {name} field accepts {values}, upward ranges ("1-5"), lists ("1,3") and steps ("*/2")',
        )


def _is_read(expression: str) -> bool:
    from cronsim import CronSim, CronSimError

    try:
        CronSim(expression, datetime.fromtimestamp(_SOME_INSTANT, UTC))
    except CronSimError:
        return False
    return True


def _fires(cron: Cron) -> bool:
    return _is_read(cron.expression) and cron.after(_SOME_INSTANT) is not None
