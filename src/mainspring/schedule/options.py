"""What may be said of an entry beside its times, each checked when it is defined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from difflib import get_close_matches

from mainspring.base.durations import Duration, seconds
from mainspring.base.errors import InvalidDuration, InvalidName, InvalidSchedule
from mainspring.schedule.entry import OVERLAPS, EntryOptions, Overlap, Question
from mainspring.schedule.fields import HOUR, MINUTE, Field, Item
from mainspring.schedule.limits import Day, Exclusion, Limited, Matching
from mainspring.schedule.ticks import MILLISECOND, MISSED, Missed, Rule
from mainspring.schedule.zones import zone

#: The longest name, in bytes.
LONGEST_NAME = 255
#: Starts and ends lie between these, in unix seconds: what is far beyond is a slip, and no calendar reaches it.
EARLIEST, LATEST = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (1970, 3000))
#: The most days and expressions that one entry excludes.
MOST_EXCLUDED = 100
# Any instant will do to see whether something is left when all is excluded; and before an end, what lies this far back.
_SOME_INSTANT = 1_700_000_000.0
_TEN_YEARS = 10 * 366 * 86_400.0


def check_known(given: Mapping[str, object]) -> None:
    """Refuse options that there are not, as a call with a wrong keyword is.

    Raises:
        TypeError: If there is one.
    """
    for option in given:
        if option not in EntryOptions.__optional_keys__:
            close = get_close_matches(option, EntryOptions.__optional_keys__, 1)
            raise TypeError(f"an entry has no option {option!r}{f'; did you mean {close[0]!r}?' if close else ''}")


def name(value: object) -> str:
    """Return an entry's name."""
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value.encode()) <= LONGEST_NAME:
        raise InvalidName(f"{value!r:.300} is no name for an entry: write 1 to {LONGEST_NAME} bytes of printable text")
    return value


def arguments(args: Sequence[object]) -> tuple[object, ...]:
    """Return the positional arguments of the job."""
    if isinstance(args, str | bytes) or not isinstance(args, Sequence):
        raise InvalidSchedule(args, "args: write a list of the job's arguments, such as [42]")
    return tuple(args)


def missed(value: Missed) -> Missed:
    """Return a policy for missed ticks."""
    if value not in MISSED:
        raise InvalidSchedule(value, f"missed: write one of {', '.join(map(repr, MISSED))}")
    return value


def overlap(value: Overlap) -> Overlap:
    """Return a policy for runs that take longer than until the next tick."""
    if value not in OVERLAPS:
        raise InvalidSchedule(value, f"overlap: write one of {', '.join(map(repr, OVERLAPS))}")
    return value


def switch(option: str, value: object) -> bool:
    """Return the bool of *option*."""
    if not isinstance(value, bool):
        raise InvalidSchedule(value, f"{option}: write True or False")
    return value


def text(option: str, value: object) -> str | None:
    """Return the text of *option*."""
    if value is not None and not isinstance(value, str):
        raise InvalidSchedule(value, f"{option}: write a text")
    return value


def span(option: str, value: Duration | None) -> float | None:
    """Return the duration of *option*, in seconds."""
    if value is None:
        return None
    try:
        return seconds(value)
    except InvalidDuration as error:
        raise InvalidSchedule(value, f"as {option}: {error}") from error


def question(option: str, value: Question | None) -> Question | None:
    """Return what shall be asked at each tick; whether it can be called with a time is seen when it is."""
    if value is not None and not callable(value):
        raise InvalidSchedule(value, f"{option}: write a function of the tick's time, such as lambda t: t.day == 1")
    return value


def moment(option: str, value: datetime | str | float | None, within: tzinfo) -> float | None:
    """Return the instant of *option* in unix seconds; a time without a zone is meant *within* that of the entry."""
    if value is None:
        return None
    try:
        found = _instant(option, value, within)
    except OverflowError:
        found = -1.0
    if not EARLIEST <= found <= LATEST:
        raise InvalidSchedule(value, f"{option}: write a time from 1970 to 2999")
    # Ticks have no finer time.
    return round(found, 3)


def exclusions(value: object) -> tuple[tuple[str, ...], Question | None]:
    """Return what is excluded: ISO days and cron expressions; or a question."""
    if callable(value):
        return (), value
    listed = (value,) if isinstance(value, str | date) else value
    if not isinstance(listed, Sequence) or len(listed) > MOST_EXCLUDED:
        raise InvalidSchedule(value, f"exclude: write a list of at most {MOST_EXCLUDED} dates and cron expressions")
    return tuple(map(_excluded, listed)), None


def limited(rule: Rule, start: float | None, end: float | None, excluded: Sequence[str], tz: str) -> Rule:
    """Return *rule* within its limits; the very rule if there are none.

    Raises:
        InvalidSchedule: If nothing is left of it.
    """
    if start is None and end is None and not excluded:
        return rule
    if start is not None and end is not None and end < start:
        raise InvalidSchedule(end, "end: it lies before the start")
    found = Limited(rule, start, end, tuple(_exclusion(one, tz) for one in excluded))
    begin = (_SOME_INSTANT if end is None else end - _TEN_YEARS) if start is None else start
    if found.anchored(begin).after(begin - MILLISECOND) is None:
        option, value = ("exclude", list(excluded)) if excluded else ("end", end)
        raise InvalidSchedule(value, f"{option}: nothing is left of the schedule")
    return found


def _instant(option: str, value: datetime | str | float, within: tzinfo) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    found = _datetime(option, value)
    return (found if found.tzinfo else found.replace(tzinfo=within)).timestamp()


def _datetime(option: str, value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError as error:
        raise InvalidSchedule(value, f'{option}: write a datetime, or a text such as "2026-12-01 09:00"') from error


def _excluded(value: object) -> str:
    if isinstance(value, datetime) or not isinstance(value, str | date):
        raise InvalidSchedule(value, 'exclude: write a date such as "2026-12-25", or a cron expression')
    return value.isoformat() if isinstance(value, date) else value


def _exclusion(text: str, tz: str) -> Exclusion:
    from mainspring.schedule import crontab

    try:
        return Day(date.fromisoformat(text), zone(tz))
    except ValueError:
        rule = crontab.parse(text, tz)
        is_of_days = all(_is_all(line.minute, MINUTE) and _is_all(line.hour, HOUR) for line in rule.lines)
        return Matching(rule, zone(rule.tz), is_of_days)


def _is_all(items: Sequence[Item], field: Field) -> bool:
    return len({value for item in items for value in item.values}) == field.size
