"""Periods and cron expressions in words: "every 10 minutes from 08:00 to 18:59, monday to friday".

They are phrases, made of phrases: another language may put the pieces into another order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mainspring.base.errors import InvalidSchedule
from mainspring.base.phrases import Phrase, joined, phrase
from mainspring.schedule import dialect, fields, phrases
from mainspring.schedule.fields import Fields, Item

# What is read is an expression; which values its hashes choose depends on an entry.
_ANY_NAME = "any"
# More than so many times, minutes or windows are read more easily as they were written.
_MOST = 4

_NTHS = {
    1: phrase("first"),
    2: phrase("second"),
    3: phrase("third"),
    4: phrase("fourth"),
    5: phrase("fifth"),
    -1: phrase("last"),
}
_WEEKDAYS = (
    *(phrase("sunday"), phrase("monday"), phrase("tuesday"), phrase("wednesday")),
    *(phrase("thursday"), phrase("friday"), phrase("saturday")),
)
_MONTHS = (
    *(phrase("january"), phrase("february"), phrase("march"), phrase("april"), phrase("may"), phrase("june")),
    *(phrase("july"), phrase("august"), phrase("september"), phrase("october"), phrase("november")),
    phrase("december"),
)


def cron_in_words(text: str) -> str:
    """Return what a cron expression says, in English; *text* itself, where words would be harder to read.

    Args:
        text: An expression without a zone, or a phrase, which is in words already.
    """
    if phrases.is_phrase(text):
        return text
    try:
        line = fields.read(dialect.expanded(text) if text.startswith("@") else text, _ANY_NAME)
    except InvalidSchedule:
        return text
    times = _times(line)
    if times is None or _is_hashed(line.day, line.month, line.weekday):
        return text
    days = _days(line)
    if times.startswith("at ") and _is_any(line.day) and _is_any(line.weekday):
        times = phrase("every day {times}", times=times)
    return joined(", ", [times, *days])


def period_in_words(text: str) -> str:
    """Return what a period says: *text*, ``every 1d at 09:00``, as a phrase, if it is one."""
    sign, _, rest = text.partition(" ")
    span, _, times = rest.partition(" at ")
    if sign != "every" or not span:
        return text
    return phrase("every {span} at {times}", span=span, times=times) if times else phrase("every {span}", span=span)


# --- times of day ----------------------------------------------------------------


def _times(line: Fields) -> Phrase | None:
    """Return when in the day: a frequency, or "at" some times; None if it is hard to say."""
    if _is_hashed(line.second, line.minute, line.hour):
        return _spread(line)
    seconds, minutes, hours = (_values(items) for items in (line.second, line.minute, line.hour))
    if line.second[0].is_wild:
        return _often(line.second, "second", line.hour) if _is_any(line.minute) else None
    if line.minute[0].is_wild and seconds == [0]:
        return _often(line.minute, "minute", line.hour)
    if len(seconds) * len(minutes) * len(hours) <= _MOST and not line.hour[0].is_wild:
        return phrase("at {times}", times=_joined([_clock(h, m, s) for h in hours for m in minutes for s in seconds]))
    if len(minutes) > _MOST or seconds != [0]:
        return None
    return _hourly(line.hour, minutes)


def _often(items: Sequence[Item], unit: str, hour: Sequence[Item]) -> Phrase | None:
    """Return "every 10 minutes", and in which hours."""
    window = _window(hour)
    if len(items) > 1 or window is None:
        return None
    step = items[0].step
    often = _every(step, unit)
    if 60 % step:
        anew = phrase("{often} of each hour", often=often)
        often = anew if unit == "minute" else phrase("{often} of each minute", often=often)
    return phrase("{often} {window}", often=often, window=window) if window else often


def _hourly(hour: Sequence[Item], minutes: Sequence[int]) -> Phrase | None:
    """Return "every 2 hours" and at which minutes, or from when to when."""
    first, step = hour[0], hour[0].step
    if len(hour) > 1 or (first.is_wild and 24 % step):
        return None
    often = _every(step, "hour")
    if first.is_wild:
        return often if minutes == [0] else phrase("{often} at {minutes}", often=often, minutes=_minutes(minutes))
    if len(minutes) > 1:
        window = _between(_clock(first.values[0]), _end(first))
        often = phrase("{often} {window}", often=often, window=window)
        return phrase("{often} at {minutes}", often=often, minutes=_minutes(minutes))
    begin, end = (_clock(first.values[place], minutes[0]) for place in (0, -1))
    return phrase("{often} {window}", often=often, window=_between(begin, end))


def _window(hour: Sequence[Item]) -> str | None:
    """Return in which hours something goes on; empty for all."""
    if _is_any(hour):
        return ""
    if hour[0].is_wild:
        return phrase("in every {nth} hour", nth=_ordinal(hour[0].step)) if len(hour) == 1 else None
    if len(hour) > _MOST or any(item.step > 1 for item in hour):
        return None
    return _joined([_between(_clock(item.values[0]), _end(item)) for item in hour])


def _spread(line: Fields) -> Phrase | None:
    """Return when in the day something is whose minute its name's hash chooses."""
    minute, hour = line.minute[0], line.hour[0]
    if _values(line.second) != [0] or len(line.minute) > 1 or len(line.hour) > 1 or minute.kind != "hash":
        return None
    if minute.step > 1:
        return _often(line.minute, "minute", line.hour)
    if hour.kind == "all":
        return phrase("{often} at a minute of its own", often=_every(hour.step, "hour"))
    some = phrase("at a time of its own")
    if hour.kind == "hash":
        return some if hour.step == 1 else None
    window = _between(_clock(hour.values[0]), _end(hour))
    return phrase("{often} {window}", often=some, window=window) if hour.kind == "one" else None


# --- days and months -------------------------------------------------------------


def _days(line: Fields) -> list[str]:
    """Return on which days of the month and of the week, and in which months, in one or two parts; none for all."""
    months = None if _is_any(line.month) else _named(line.month, _month)
    of = phrase("of the month") if months is None else phrase("of {months}", months=months)
    day = "" if _is_any(line.day) else _days_of_month(line.day, of)
    weekday = "" if _is_any(line.weekday) else _weekdays(line.weekday, of)
    days = [each for each in (day, weekday) if each]
    if day and weekday:
        days = [_either(day, weekday, both=line.both)]
    if months is None or day or any(item.kind == "nth" for item in line.weekday):
        return days
    is_span = len(line.month) == 1 and " to " in months
    return [*days, phrase("from {months}", months=months) if is_span else phrase("in {months}", months=months)]


def _either(day: str, weekday: str, *, both: bool) -> Phrase:
    on = weekday if weekday.startswith("on ") else phrase("on {days}", days=weekday)
    return (
        phrase("{day} if {weekday}", day=day, weekday=on) if both else phrase("{day} or {weekday}", day=day, weekday=on)
    )


def _days_of_month(items: Sequence[Item], of: Phrase) -> Phrase:
    numbers = [item for item in items if item.values and item.kind != "nearest"]
    found: list[str] = []
    if len(numbers) == 1 and numbers[0].kind == "all":
        found.append(phrase("every {nth} day", nth=_ordinal(numbers[0].step)))
    elif numbers:
        named = _named(numbers, str)
        many = sum(len(item.values) for item in numbers) > 1
        found.append(phrase("days {days}", days=named) if many else phrase("day {days}", days=named))
    nearest = [item.values[0] for item in items if item.kind == "nearest"]
    found += [phrase("the weekday nearest to day {n}", n=number) for number in nearest]
    last = [item.kind == "last" for item in items if not item.values]
    found += [phrase("the last day") if is_day else phrase("the last weekday") for is_day in last]
    return phrase("on {days} {of}", days=_joined(found), of=of)


def _weekdays(items: Sequence[Item], of: Phrase) -> str:
    plain = [item for item in items if item.kind != "nth"]
    found: list[str] = [_named(plain, _weekday)] if plain else []
    for item in items:
        if item.kind == "nth":
            nth, weekday = _NTHS[item.nth], _weekday(item.values[0])
            found.append(phrase("the {nth} {weekday} {of}", nth=nth, weekday=weekday, of=of))
    words = _joined(found)
    is_span = len(items) == len(plain) == 1 and " to " in words
    return words if is_span else phrase("on {days}", days=words)


# --- pieces ----------------------------------------------------------------------


def _values(items: Sequence[Item]) -> list[int]:
    return sorted({value for item in items for value in item.values})


def _is_hashed(*places: Sequence[Item]) -> bool:
    return any(item.kind == "hash" for items in places for item in items)


def _is_any(items: Sequence[Item]) -> bool:
    return any(item.kind == "all" and item.step == 1 for item in items)


def _named(items: Sequence[Item], name: Callable[[int], str]) -> str:
    return _joined([word for item in items for word in _span(item, name)])


def _span(item: Item, name: Callable[[int], str]) -> list[str]:
    if item.kind == "span" and item.step == 1 and len(item.values) > 2:
        return [phrase("{first} to {last}", first=name(item.values[0]), last=name(item.values[-1]))]
    return [name(value) for value in item.values]


def _joined(words: Sequence[str]) -> str:
    if not words[1:]:
        return words[0]
    return phrase("{some} and {last}", some=joined(", ", words[:-1]), last=words[-1])


def _between(begin: str, end: str) -> Phrase:
    return phrase("from {begin} to {end}", begin=begin, end=end)


def _every(step: int, unit: str) -> Phrase:
    match unit:
        case "second":
            return phrase("every second") if step == 1 else phrase("every {n} seconds", n=step)
        case "minute":
            return phrase("every minute") if step == 1 else phrase("every {n} minutes", n=step)
        case _:
            return phrase("every hour") if step == 1 else phrase("every {n} hours", n=step)


def _minutes(minutes: Sequence[int]) -> Phrase:
    named = _joined([str(minute) for minute in minutes])
    return phrase("minutes {minutes}", minutes=named) if minutes[1:] else phrase("minute {minutes}", minutes=named)


def _ordinal(number: int) -> Phrase:
    ending = 0 if number % 100 in {11, 12, 13} else number % 10
    match ending:
        case 1:
            return phrase("{n}st", n=number)
        case 2:
            return phrase("{n}nd", n=number)
        case 3:
            return phrase("{n}rd", n=number)
        case _:
            return phrase("{n}th", n=number)


def _clock(hour: int, minute: int = 0, second: int = 0) -> str:
    return f"{hour:02}:{minute:02}" + (f":{second:02}" if second else "")


def _end(item: Item) -> str:
    return f"{item.values[-1]:02}:59"


def _weekday(number: int) -> Phrase:
    return _WEEKDAYS[number]


def _month(number: int) -> Phrase:
    return _MONTHS[number - 1]
