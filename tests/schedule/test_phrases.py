"""A phrase means what its reader takes it to mean, or is refused with one that would."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from mainspring.base.errors import InvalidSchedule
from mainspring.schedule import crontab, expressions, phrases
from mainspring.schedule.phrases import Distance

START = datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp()  # a Monday
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0


@pytest.mark.parametrize(
    ("phrase", "lines"),
    [
        ("every second", ["* * * * * *"]),
        ("every 10 seconds", ["*/10 * * * * *"]),
        ("every minute", ["* * * * *"]),
        ("every 15 minutes", ["*/15 * * * *"]),
        ("every hour", ["0 * * * *"]),
        ("every 1 hour", ["0 * * * *"]),
        ("every 6 hours", ["0 */6 * * *"]),
        ("every day", ["0 0 * * *"]),
        ("every day at noon", ["0 12 * * *"]),
        ("every day at 9am and 6pm", ["0 9,18 * * *"]),
        ("every day at 9:15 and 18:30", ["15 9 * * *", "30 18 * * *"]),
        ("every day at 9:15, 10:15 and 18:30", ["15 9,10 * * *", "30 18 * * *"]),
        ("every day at 12am, 12pm", ["0 0,12 * * *"]),
        ("every day at 9:30 pm", ["30 21 * * *"]),
        ("Every  Day at NOON", ["0 12 * * *"]),
        ("every weekday at 9:30", ["30 9 * * 1-5"]),
        ("every weekday", ["0 0 * * 1-5"]),
        ("every monday and friday at 5pm", ["0 17 * * 1,5"]),
        ("every mon, wed, and fri at 17:00", ["0 17 * * 1,3,5"]),
        ("every tuesday to saturday at 06:05", ["5 6 * * 2-6"]),
        ("every sunday at midnight", ["0 0 * * 0"]),
        ("every week", ["0 0 * * 0"]),
        ("every week on monday at 9:00", ["0 9 * * 1"]),
        ("every month", ["0 0 1 * *"]),
        ("every month on the 1st at 6:00", ["0 6 1 * *"]),
        ("every month on the 1st and 15th", ["0 0 1,15 * *"]),
        ("every month on the last day at 23:59", ["59 23 L * *"]),
        ("every month on the 1st and the last day", ["0 0 1,L * *"]),
        ("every month on the first monday at 9:00", ["0 9 * * 1#1"]),
        ("every month on the last friday and the second monday", ["0 0 * * 5#-1,1#2"]),
        ("every 3 months", ["0 0 1 */3 *"]),
        ("every year", ["0 0 1 1 *"]),
        ("every year on june 1st at noon", ["0 12 1 6 *"]),
        ("every year on Feb 29", ["0 0 29 2 *"]),
    ],
)
def test_a_phrase_is_one_cron_expression_or_several(phrase, lines):
    assert phrases.read(phrase) == tuple(lines)
    assert crontab.parse(phrase, "UTC").text == " ".join(phrase.split())


def test_several_expressions_are_one_rule():
    rule, t, found = crontab.parse("every day at 9:15 and 18:30", "UTC"), START, []
    for _ in range(4):
        t = rule.after(t)
        found.append(datetime.fromtimestamp(t, UTC).strftime("%d %H:%M"))

    assert found == ["02 18:30", "03 09:15", "03 18:30", "04 09:15"]
    assert datetime.fromtimestamp(rule.before(t), UTC).strftime("%d %H:%M") == "03 18:30"


@pytest.mark.parametrize(
    ("phrase", "text", "tz"),
    [
        ("every day at noon in Europe/Paris", "every day at noon", "Europe/Paris"),
        ("every day at noon Europe/Paris", "every day at noon", "Europe/Paris"),
        ("every day at noon UTC", "every day at noon", "UTC"),
        ("TZ=Europe/Paris every day at noon", "every day at noon", "Europe/Paris"),
        ("every 2 weeks on monday at 9:00 in Europe/Paris", "every 2 weeks on monday at 9:00", "Europe/Paris"),
        ("every Sun", "every Sun", "America/New_York"),
        ("every 90 minutes", "every 90 minutes", "America/New_York"),
    ],
)
def test_a_zone_may_follow(phrase, text, tz):
    rule = expressions.parse(phrase, "America/New_York")

    assert (rule.text, rule.tz) == (text, tz)


# --- distances -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phrase", "distance"),
    [
        ("every 2 weeks", Distance("2w")),
        ("every 2 weeks on monday", Distance("2w", ("Monday 00:00",))),
        ("every 2 weeks on mon to wed at 9:00", Distance("2w", ("Monday 09:00", "Tuesday 09:00", "Wednesday 09:00"))),
        ("every 2 weeks on monday at 9:00 and 5pm", Distance("2w", ("Monday 09:00", "Monday 17:00"))),
        ("every 3 days", Distance("3d")),
        ("every 3 days at noon", Distance("3d", ("12:00",))),
        ("every 90 minutes", Distance("90m")),
        ("every 60 minutes", Distance("60m")),
        ("every 7 minutes", Distance("7m")),
        ("every 36 hours", Distance("36h")),
        ("every 5 hours", Distance("5h")),
        ("every 45 seconds", Distance("45s")),
    ],
)
def test_a_distance_that_no_cron_expression_holds_is_one(phrase, distance):
    assert phrases.read(phrase) == distance
    with pytest.raises(InvalidSchedule, match="no cron expression holds such a distance") as refused:
        crontab.parse(phrase, "UTC")
    assert distance.call in str(refused.value)


@pytest.mark.parametrize(
    ("phrase", "apart"),
    [
        ("every 90 minutes", 90 * MINUTE),
        ("every 7 minutes", 7 * MINUTE),
        ("every 36 hours", 36 * HOUR),
        ("every 2 weeks", 14 * DAY),
        ("every 2 weeks on monday at 9:00", 14 * DAY),
        ("every 3 days at noon", 3 * DAY),
    ],
)
def test_a_distance_is_exact_for_as_long_as_the_entry_lives(phrase, apart):
    rule, found = expressions.parse(phrase, "UTC").anchored(START), [START - 1]
    for _ in range(200):
        found.append(rule.after(found[-1]))

    assert {later - earlier for earlier, later in pairwise(found[1:])} == {apart}
    assert rule.before(found[-1]) == found[-2]


def test_a_distance_in_words_is_how_it_is_written_without_a_phrase():
    assert Distance("2w", ("Monday 09:00",)).call == "app.every(\"2w\", ..., at=['Monday 09:00'])"
    assert Distance("90m").call == 'app.every("90m", ...)'


# --- refusals --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("phrase", "says"),
    [
        ("every", "no phrase that is understood"),
        ("every ", "no phrase that is understood"),
        ("everyday at noon", "no phrase that is understood"),
        ("every fortnight", "neither a unit of time nor a day"),
        ("every 15 min", "neither a unit of time nor a day"),
        ("every 90m", "neither a unit of time nor a day"),
        ("every 1.5 hours", "neither a unit of time nor a day"),
        ("every -5 minutes", "neither a unit of time nor a day"),
        ("every other day", "neither a unit of time nor a day"),
        ("every 0 minutes", "a count of 0"),
        ("every 15 minutes at 9:00", 'without "on" and "at"'),
        ("every 15 minutes on monday", 'without "on" and "at"'),
        ("every hour at 9:15", 'without "on" and "at"'),
        ("every day on monday", 'write "every monday"'),
        ("every monday on tuesday", '"on" does not go with "monday"'),
        ("every monday or friday", '"monday or friday" is neither'),
        ("every weekday and sunday", '"weekday" is neither'),
        ("every day at 9", '"9" is no time of day; write "9:30", "17:00", "5pm"'),
        ("every day at 25:00", "hours go from 0 to 23"),
        ("every day at 24:00", "hours go from 0 to 23"),
        ("every day at 9:60", "is no time of day"),
        ("every day at 9:5", "is no time of day"),
        ("every day at 13pm", "from 1am to 12pm"),
        ("every day at 0am", "from 1am to 12pm"),
        ("every day at noonish", "is no time of day"),
        ("every day at noon at midnight", "is no time of day"),
        ("every day at 9:00 on weekdays", "is no time of day"),
        ("every day at", "neither a unit of time"),
        ("every 5 months", "a year is no multiple of 5 months"),
        ("every 2 years", "cannot leave years out"),
        ("every year on the 1st", "is no date; write one such as"),
        ("every month on monday", 'write "the 1st", "the last day" or "the first monday"'),
        ("every month on the 1st and monday", "is no day of a month"),
        ("every month on the first and third friday", 'write "the 1st", "the last day" or "the first monday"'),
        ("every month on the 32nd", "32 is out of range"),
        ("every month on the first day", '"day" is neither'),
        ("every 2 weeks at 9:00", 'write "every 2 weeks on monday at 9:00"'),
        ("every year on february 30th", "no such date ever comes"),
        ("every day at noon in Europe/Pariss", 'did you mean "Europe/Paris"'),
        ("every day at noon in Paris", "no such time zone"),
        ("every 2 weeks in Mars/Olympus", "no such time zone"),
    ],
)
def test_what_is_no_phrase_is_refused_with_what_would_be(phrase, says):
    with pytest.raises(InvalidSchedule) as refused:
        expressions.parse(phrase, "UTC")

    assert says in str(refused.value)
