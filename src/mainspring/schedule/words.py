"""Cron expressions in words: "every 10 minutes from 08:00 to 18:59, monday to friday"."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mainspring.base.errors import InvalidSchedule
from mainspring.schedule import dialect, fields, phrases
from mainspring.schedule.fields import MONTH, WEEKDAY, Fields, Item

# What is read is an expression; which values its hashes choose depends on an entry.
_ANY_NAME = "any"
# More than so many times, minutes or windows are read more easily as they were written.
_MOST = 4

_NTHS = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last"}


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
    if times.startswith("at ") and not days:
        times = f"every day {times}"
    return ", ".join(filter(None, (times, *_with_months(days, line.month))))


# --- times of day ----------------------------------------------------------------


def _times(line: Fields) -> str | None:
    """Return when in the day: a frequency, or "at" some times; None if it is hard to say."""
    if _is_hashed(line.second, line.minute, line.hour):
        return _spread(line)
    seconds, minutes, hours = (_values(items) for items in (line.second, line.minute, line.hour))
    if line.second[0].is_wild:
        return _often(line.second, "second", line.hour) if _is_any(line.minute) else None
    if line.minute[0].is_wild and seconds == [0]:
        return _often(line.minute, "minute", line.hour)
    if len(seconds) * len(minutes) * len(hours) <= _MOST and not line.hour[0].is_wild:
        return f"at {_joined([_clock(h, m, s) for h in hours for m in minutes for s in seconds])}"
    if len(minutes) > _MOST or seconds != [0]:
        return None
    return _hourly(line.hour, minutes)


def _often(items: Sequence[Item], unit: str, hour: Sequence[Item]) -> str | None:
    """Return "every 10 minutes", and in which hours."""
    window = _window(hour)
    if len(items) > 1 or window is None:
        return None
    step = items[0].step
    anew = f" of each {'hour' if unit == 'minute' else 'minute'}" if 60 % step else ""
    return f"{_every(step, unit)}{anew}{window}"


def _hourly(hour: Sequence[Item], minutes: Sequence[int]) -> str | None:
    """Return "every 2 hours" and at which minutes, or from when to when."""
    first, step = hour[0], hour[0].step
    if len(hour) > 1 or (first.is_wild and 24 % step):
        return None
    if first.is_wild:
        return f"{_every(step, 'hour')}{'' if minutes == [0] else f' at {_minutes(minutes)}'}"
    if len(minutes) > 1:
        return f"{_every(step, 'hour')} from {_clock(first.values[0])} to {_end(first)} at {_minutes(minutes)}"
    begin, end = (_clock(first.values[place], minutes[0]) for place in (0, -1))
    return f"{_every(step, 'hour')} from {begin} to {end}"


def _window(hour: Sequence[Item]) -> str | None:
    """Return in which hours something goes on, with a blank in front."""
    if _is_any(hour):
        return ""
    if hour[0].is_wild:
        return f" in every {_ordinal(hour[0].step)} hour" if len(hour) == 1 else None
    if len(hour) > _MOST or any(item.step > 1 for item in hour):
        return None
    return " " + _joined([f"from {_clock(item.values[0])} to {_end(item)}" for item in hour])


def _spread(line: Fields) -> str | None:
    """Return when in the day something is whose minute its name's hash chooses."""
    minute, hour = line.minute[0], line.hour[0]
    if _values(line.second) != [0] or len(line.minute) > 1 or len(line.hour) > 1 or minute.kind != "hash":
        return None
    if minute.step > 1:
        return _often(line.minute, "minute", line.hour)
    if hour.kind == "all":
        return f"{_every(hour.step, 'hour')} at a minute of its own"
    if hour.kind == "hash":
        return "at a time of its own" if hour.step == 1 else None
    return f"at a time of its own from {_clock(hour.values[0])} to {_end(hour)}" if hour.kind == "one" else None


# --- days and months -------------------------------------------------------------


def _days(line: Fields) -> str:
    day = "" if _is_any(line.day) else _days_of_month(line.day)
    weekday = "" if _is_any(line.weekday) else _weekdays(line.weekday)
    if not (day and weekday):
        return day or weekday
    if line.both:
        return f"{day} if {weekday if weekday.startswith('on ') else f'on {weekday}'}"
    return f"{day} or {weekday if weekday.startswith('on ') else f'on {weekday}'}"


def _days_of_month(items: Sequence[Item]) -> str:
    numbers = [item for item in items if item.values and item.kind != "nearest"]
    found = []
    if len(numbers) == 1 and numbers[0].kind == "all":
        found.append(f"every {_ordinal(numbers[0].step)} day")
    elif numbers:
        many = "s" if sum(len(item.values) for item in numbers) > 1 else ""
        found.append(f"day{many} {_named(numbers, str)}")
    found += [f"the weekday nearest to day {item.values[0]}" for item in items if item.kind == "nearest"]
    found += ["the last day" if item.kind == "last" else "the last weekday" for item in items if not item.values]
    return f"on {_joined(found)} of the month"


def _weekdays(items: Sequence[Item]) -> str:
    plain = [item for item in items if item.kind != "nth"]
    found = [_named(plain, _weekday)] if plain else []
    found += [f"the {_NTHS[item.nth]} {_weekday(item.values[0])} of the month" for item in items if item.kind == "nth"]
    words = _joined(found)
    return words if len(items) == 1 and " to " in words else f"on {words}"


def _with_months(days: str, items: Sequence[Item]) -> tuple[str, ...]:
    """Return when in the month and in the year."""
    if _is_any(items):
        return (days,)
    months = _named(items, _month)
    if "of the month" in days:
        return (days.replace("of the month", f"of {months}"),)
    return days, f"{'from' if len(items) == 1 and ' to ' in months else 'in'} {months}"


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
        return [f"{name(item.values[0])} to {name(item.values[-1])}"]
    return [name(value) for value in item.values]


def _joined(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _every(step: int, unit: str) -> str:
    return f"every {unit}" if step == 1 else f"every {step} {unit}s"


def _minutes(minutes: Sequence[int]) -> str:
    return f"minute{'s' if len(minutes) > 1 else ''} {_joined([str(minute) for minute in minutes])}"


def _ordinal(number: int) -> str:
    teens = number % 100 in (11, 12, 13)
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _clock(hour: int, minute: int = 0, second: int = 0) -> str:
    return f"{hour:02}:{minute:02}" + (f":{second:02}" if second else "")


def _end(item: Item) -> str:
    return f"{item.values[-1]:02}:59"


def _weekday(number: int) -> str:
    return WEEKDAY.names[number]


def _month(number: int) -> str:
    return MONTH.names[number - 1]
