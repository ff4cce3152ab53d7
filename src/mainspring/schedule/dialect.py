"""What may be written for a cron expression: fields, ``@daily`` and the like, a phrase; and a zone beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from mainspring.base.errors import InvalidSchedule
from mainspring.schedule import phrases
from mainspring.schedule.fields import WEEKDAY
from mainspring.schedule.phrases import Said
from mainspring.schedule.zones import is_known

#: What cron's own short names stand for.
NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@noon": "0 12 * * *",
    "@hourly": "0 * * * *",
}
_PREFIX = re.compile(r"(?:CRON_)?TZ=(\S*)")
_ZONE = re.compile(r"[A-Za-z_]+(?:/[A-Za-z][A-Za-z0-9_+-]*)+")
_WEEKDAYS = re.compile(rf"(?:{'|'.join(WEEKDAY.names)}|sun|mon|tue|wed|thu|fri|sat|[-0-9*,/#?&()HL])+", re.IGNORECASE)
#: How many characters an expression may have; a list of all minutes has 169.
LONGEST = 500


@dataclass(frozen=True, slots=True)
class Written:
    """A cron expression as somebody wrote it.

    Attributes:
        text: Without the zone, with single blanks.
        tz: The zone that is written in it; None if there is none.
    """

    text: str
    tz: str | None

    def said(self) -> Said:
        """Return what it says: cron expressions of five or six fields, or a distance."""
        if phrases.is_phrase(self.text):
            return phrases.read(self.text)
        return (expanded(self.text),) if self.text.startswith("@") else (self.text,)


def read(expression: object) -> Written:
    """Part a cron expression from its zone.

    Raises:
        InvalidSchedule: If it is no text, is too long, or has more than one zone.
    """
    if not isinstance(expression, str):
        raise InvalidSchedule(expression, 'a cron expression is a text of five fields, such as "0 9 * * mon-fri"')
    if len(expression) > LONGEST:
        raise InvalidSchedule(f"{expression[:20]}...", f"it is longer than {LONGEST} characters")
    words = expression.split()
    zones = []
    if words and (prefix := _PREFIX.fullmatch(words[0])):
        zones.append(prefix[1])
        words = words[1:]
    if len(words) > 1 and _is_zone(words):
        zones.append(words.pop())
        if words[-1].lower() == "in":
            words.pop()
    if len(zones) > 1:
        raise InvalidSchedule(expression, "it names two zones; write one of them")
    return Written(" ".join(words), *zones or (None,))


def expanded(text: str) -> str:
    """Return the fields that a name such as ``@daily`` stands for.

    Raises:
        InvalidSchedule: If there is no such name.
    """
    fields = NAMED.get(text.lower())
    if fields is None:
        raise InvalidSchedule(text, _unknown(text))
    return fields


def _is_zone(words: list[str]) -> bool:
    """Return whether the last word is a zone, and neither a day of week nor a phrase's end."""
    last = words[-1]
    if words[-2].lower() == "in" or _ZONE.fullmatch(last):
        return True
    # Such as "UTC" and "Japan".
    return last[:1].isupper() and not _WEEKDAYS.fullmatch(last) and is_known(last)


def _unknown(text: str) -> str:
    word, _, rest = text.lower().partition(" ")
    if word == "@every":
        return f'a distance is no cron expression; write app.every("{rest or "1h"}", ...)'
    if word == "@reboot":
        return "nothing boots here; enqueue the job where your program begins"
    close = get_close_matches(word, NAMED, n=1)
    return f'no such name; did you mean "{close[0]}"?' if close else f"no such name; there are {', '.join(NAMED)}"
