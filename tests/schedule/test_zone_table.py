"""Whatever a zone does with its clocks, each tick is the one that a look at each minute finds: F27."""

from __future__ import annotations

import math
import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest

from mainspring.schedule import crontab
from mainspring.schedule.crontab import Crontab
from mainspring.schedule.fields import Fields
from scenarios.record import LONG, at_length, record
from schedule.reference import Moment, Reference, hours, timeline

HOUR, DAY = 3600, 86_400
#: Zones and instants, in UTC, at which clocks change.
PLACES = [
    ("Europe/Paris", "2026-03-29T01:00Z"),
    ("Europe/Paris", "2026-10-25T01:00Z"),
    ("America/New_York", "2026-03-08T07:00Z"),
    ("America/New_York", "2026-11-01T06:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00Z"),  # half an hour
    ("Australia/Lord_Howe", "2026-10-03T15:30Z"),
    ("America/Sao_Paulo", "2018-02-18T02:00Z"),  # at midnight, both ways
    ("America/Sao_Paulo", "2018-11-04T03:00Z"),
    ("Africa/Cairo", "2023-04-27T22:00Z"),
    ("Africa/Cairo", "2023-10-26T21:00Z"),
    ("Africa/Casablanca", "2026-02-15T02:00Z"),  # before and after Ramadan
    ("Africa/Casablanca", "2026-03-22T02:00Z"),
    ("Asia/Tehran", "2021-03-21T20:30Z"),
    ("Asia/Tehran", "2021-09-21T19:30Z"),
    ("Pacific/Apia", "2011-12-30T10:00Z"),  # a whole day is missing
    ("America/Caracas", "2007-12-09T07:00Z"),  # half an hour, for good
    ("America/Caracas", "2016-05-01T07:00Z"),
]
#: Stranger ones, which are not asked at each minute.
MORE_PLACES = [
    ("Asia/Beirut", "2026-03-28T22:00Z"),  # at midnight
    ("America/St_Johns", "2010-03-14T03:31Z"),  # at a minute past midnight
    ("America/St_Johns", "2010-11-07T02:31Z"),
    ("Antarctica/Troll", "2026-03-29T01:00Z"),  # two hours
    ("Antarctica/Troll", "2026-10-25T01:00Z"),
    ("Asia/Pyongyang", "2018-05-04T15:00Z"),
]
#: Days of the calendar.
QUIET_PLACES = [
    ("Europe/Paris", "2028-02-29T12:00Z"),
    ("UTC", "2100-03-01T00:00Z"),  # no leap year
    ("Asia/Kathmandu", "2026-12-31T18:15Z"),  # new year
    ("UTC", "2027-01-01T00:00Z"),
]
EXPRESSIONS = (
    """
* * * * *|*/2 * * * *|*/7 * * * *|*/15 * * * *|0 * * * *|30 * * * *|45 * * * *|1 * * * *|15,45 * * * *|20-40/5 * * * *
0 */2 * * *|30 */3 * * *|0 */12 * * *|* 2 * * *|* 1 * * *|*/10 0 * * *|*/30 2 * * *|*/30 3 * * *|*/10 22-3 * * *|45 1-3 * * *
0 0 * * *|30 0 * * *|59 23 * * *|0 1 * * *|30 1 * * *|45 1 * * *|0 2 * * *|15 2 * * *|30 2 * * *|0 3 * * *
1 0 * * *|15,45 2 * * *|0,30 1,2,3 * * *|0-59 2 * * *|0-59 0-23 * * *|5/20 0,12 * * *|0 22-2 * * *|30 23-0 * * *|0 9 * * *|0 12 * * mon-fri
30 2 * * sun|0 2 * * sat|30 1 * * fri-mon|0 0 * * 7|30 0 29 3 *|0 0 30 12 *|30 2 25-31 10 *|0 0 L * *|30 2 L * *|0 2 LW * *
0 2 1W * *|30 1 15W * *|30 2 * * sun#1|30 1 * * sun#-1|0 2 * * 6L|0 2 */2 * *|30 2 1-7 * sun&|0 0 13 * fri|0 2 28,29 2 *|0 0 1 1 *
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
FIXED = [expression for expression in EXPRESSIONS if "*" not in expression.split()[0][0] + expression.split()[1][0]]
SECONDS = ["*/10 * * * * *", "* 30 * * * *", "0 30 2 * * *", "15,45 59 1 * * *", "0-59/7 0 2 * * *", "30 */30 1-3 * * *", "59 59 23 * * *", "0 0,30 0-3 * * sun"]  # fmt: skip

#: Seconds on each side of a change; where an expression has many ticks, `make test` looks at fewer.
AROUND = 4 * DAY
NEAR = at_length(5 * HOUR, AROUND)
MANY = at_length(40, 10**6)
#: How many instants are asked for of each expression around a change; None for each minute.
ASKED = at_length(15, None)
ASKED_MORE = at_length(15, 300)
#: Of so many answers one is timed; there are fifteen million.
SAMPLED = at_length(1, 101)


@dataclass
class Seen:
    """What was compared, and what was not equal."""

    asked: int = 0
    different: list[str] = field(default_factory=list)
    ms: list[float] = field(default_factory=list)

    def of(self, rule: Crontab, ticks: list[int], line: list[Moment], instants: Iterable[float]) -> None:
        """Compare the ticks of a rule, walked through both ways and asked for at *instants*."""
        begin, end = line[0].at, line[-1].at + 1
        if [*forth(rule, begin, end)] != ticks or [*back(rule, begin, end)] != ticks[::-1]:
            self.different.append(f"{rule.text} in {rule.tz}")
        for t in instants:
            started = perf_counter()
            after = rule.after(t)
            if not self.asked % SAMPLED:
                self.ms.append((perf_counter() - started) * 1000)
            before = rule.before(t)
            following, last = bisect_right(ticks, t), bisect_left(ticks, t) - 1
            right = (after == ticks[following]) if following < len(ticks) else after is None or after >= end
            right &= (before == ticks[last]) if last >= 0 else before is None or before < begin
            self.asked += 1
            if not right:
                self.different.append(f"{rule.text} in {rule.tz} at {t}")


def forth(rule: Crontab, begin: int, end: int) -> Iterator[float]:
    t = rule.after(begin - 1)
    while t is not None and t < end:
        yield t
        t = rule.after(t)


def back(rule: Crontab, begin: int, end: int) -> Iterator[float]:
    t = rule.before(end)
    while t is not None and t >= begin:
        yield t
        t = rule.before(t)


def compare(
    place: tuple[str, str], expressions: Iterable[str], seen: Seen, asked: int | None, dst: str = "vixie"
) -> None:
    zone, when = place
    middle, chance = int(datetime.fromisoformat(when).timestamp()), random.Random(when)
    wide = timeline(zone, middle - AROUND, middle + AROUND)
    near = [moment for moment in wide if abs(moment.at - middle) <= NEAR]
    parted = hours(wide), hours(near)
    for expression in expressions:
        line, ticks = wide, Reference(expression, dst).ticks(parted[0])
        if len(ticks) > MANY:
            line, ticks = near, Reference(expression, dst).ticks(parted[1])
        moments = line if asked is None else chance.sample(near, asked)
        seen.of(crontab.parse(expression, zone, dst=dst), ticks, line, (moment.at for moment in moments))


@pytest.fixture(scope="module")
def seen():
    """Collect what all places show, for the page of faults."""
    found = Seen()
    yield found
    found.ms.sort()
    record(
        "F27",
        f"{len(EXPRESSIONS)} expressions, {len(PLACES)} changes of clocks, 2 leap days and 2 new years; "
        + ("asked at each minute from 4 days before to 4 days after" if LONG else "asked at some minutes around them"),
        "100 % equal to a brute-force reference; next run p99 < 1 ms",
        asked=found.asked,
        different=len(found.different),
        next_run_median_ms=round(found.ms[len(found.ms) // 2], 3) if found.ms else math.nan,
        next_run_p99_ms=round(found.ms[len(found.ms) * 99 // 100], 3) if found.ms else math.nan,
    )


def test_there_are_sixty_expressions_and_the_clocks_do_change():
    assert len(set(EXPRESSIONS)) == 60
    for zone, when in PLACES + MORE_PLACES:
        at = datetime.fromisoformat(when).timestamp()
        before, after = (datetime.fromtimestamp(t, ZoneInfo(zone)).utcoffset() for t in (at - 1, at))
        assert before != after, (zone, when)


@pytest.mark.parametrize("place", PLACES + QUIET_PLACES, ids=" ".join)
def test_each_tick_is_the_one_that_a_look_at_each_minute_finds(place, seen):
    here = len(seen.different)

    compare(place, EXPRESSIONS, seen, ASKED)

    assert seen.different[here:] == []


@pytest.mark.parametrize("place", MORE_PLACES, ids=" ".join)
def test_so_it_is_where_clocks_change_in_stranger_ways(place):
    seen = Seen()

    compare(place, at_length(EXPRESSIONS[::2], EXPRESSIONS), seen, ASKED_MORE)

    assert seen.different == []


@pytest.mark.parametrize("dst", ["skip", "both"])
def test_so_it_is_where_missing_times_are_skipped_or_repeated_ones_run_twice(dst):
    seen = Seen()

    for place in at_length(PLACES[::4], PLACES + MORE_PLACES):
        compare(place, at_length(FIXED[::3], FIXED), seen, ASKED_MORE, dst)

    assert seen.different == []


@pytest.mark.parametrize("place", at_length(PLACES[1:6], PLACES + MORE_PLACES), ids=" ".join)
def test_so_it_is_with_seconds(place):
    zone, when = place
    middle, seen = int(datetime.fromisoformat(when).timestamp()), Seen()
    line = timeline(zone, middle - 3 * HOUR // 2, middle + 3 * HOUR // 2, step=1)
    parted = hours(line)

    for expression in SECONDS:
        asked = random.Random(when).sample(line, at_length(25, 1000))
        instants = (moment.at + chance for moment in asked for chance in (0, 0.5))
        seen.of(crontab.parse(expression, zone), Reference(expression).ticks(parted), line, instants)

    assert seen.different == []


# --- the table is tested ---------------------------------------------------------


def test_the_reference_finds_fixed_times_that_go_by_elapsed_time(monkeypatch):
    monkeypatch.setattr(Fields, "is_fixed", property(lambda line: False))
    seen = Seen()

    compare(PLACES[1], ["30 2 * * *", "0 9 * * *"], seen, ASKED)

    assert seen.different
    assert all(text.startswith("30 2") for text in seen.different)


def test_the_reference_finds_that_a_missing_time_is_lost(monkeypatch):
    parse = crontab.parse
    monkeypatch.setattr(crontab, "parse", lambda text, tz, *, dst: parse(text, tz, dst="skip"))
    seen = Seen()

    compare(PLACES[0], ["30 2 * * *", "0 9 * * *"], seen, ASKED)

    assert seen.different
    assert all(text.startswith("30 2") for text in seen.different)


def test_the_reference_finds_what_cronsim_loses_where_clocks_change_by_half_an_hour():
    from cronsim import CronSim

    zone, when = PLACES[4]
    middle = int(datetime.fromisoformat(when).timestamp())
    line = timeline(zone, middle - HOUR * 6, middle + HOUR * 6)

    walk = CronSim("* 2 * * *", datetime.fromtimestamp(line[0].at - 1, ZoneInfo(zone)))

    found = []
    while (tick := next(walk).timestamp()) < line[-1].at:
        found.append(tick)
    assert found != Reference("* 2 * * *").ticks(hours(line))
    assert [*forth(crontab.parse("* 2 * * *", zone), line[0].at, line[-1].at)] == Reference("* 2 * * *").ticks(
        hours(line)
    )
