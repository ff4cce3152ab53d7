"""A cron expression means what its writer meant, or is refused with the reason."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from mainspring.base.errors import InvalidSchedule
from mainspring.schedule import crontab

START = datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp()  # a Monday


def following(expression, count, start=START, **options):
    """Return the next ticks as texts, in UTC, with seconds where there are some."""
    rule, found = crontab.parse(expression, "UTC", **options), []
    for _ in range(count):
        start = rule.after(start)
        found.append(datetime.fromtimestamp(start, UTC).strftime("%a %d %b %H:%M:%S").removesuffix(":00"))
    return found


@pytest.mark.parametrize(
    ("expression", "ticks"),
    [
        ("0 */4 * * *", ["Mon 02 Mar 16:00", "Mon 02 Mar 20:00", "Tue 03 Mar 00:00"]),
        ("30 9 * * mon-fri", ["Tue 03 Mar 09:30", "Wed 04 Mar 09:30", "Thu 05 Mar 09:30"]),
        ("0 0 * * 7", ["Sun 08 Mar 00:00", "Sun 15 Mar 00:00", "Sun 22 Mar 00:00"]),
        ("0 0 * * SUN", ["Sun 08 Mar 00:00", "Sun 15 Mar 00:00", "Sun 22 Mar 00:00"]),
        ("5,35 8-9 * * *", ["Tue 03 Mar 08:05", "Tue 03 Mar 08:35", "Tue 03 Mar 09:05"]),
        ("0 6 1 jan,jul *", ["Wed 01 Jul 06:00", "Fri 01 Jan 06:00", "Thu 01 Jul 06:00"]),
        ("0 0 13 * fri", ["Fri 06 Mar 00:00", "Fri 13 Mar 00:00", "Fri 20 Mar 00:00"]),  # either day will do
        ("0 0 1-7 * */7", ["Sun 05 Apr 00:00", "Sun 03 May 00:00", "Sun 07 Jun 00:00"]),  # with a star, both must fit
        ("0 0 L * *", ["Tue 31 Mar 00:00", "Thu 30 Apr 00:00", "Sun 31 May 00:00"]),
        ("  0\t12 * *  * ", ["Tue 03 Mar 12:00", "Wed 04 Mar 12:00", "Thu 05 Mar 12:00"]),
        ("0 0 29 2 *", ["Tue 29 Feb 00:00", "Sun 29 Feb 00:00", "Fri 29 Feb 00:00"]),
        # names in full, in any case
        ("0 6 1 January,JULY *", ["Wed 01 Jul 06:00", "Fri 01 Jan 06:00", "Thu 01 Jul 06:00"]),
        ("0 0 * * Saturday,Sunday", ["Sat 07 Mar 00:00", "Sun 08 Mar 00:00", "Sat 14 Mar 00:00"]),
        # ranges that wrap
        ("0 22-2 * * *", ["Mon 02 Mar 22:00", "Mon 02 Mar 23:00", "Tue 03 Mar 00:00", "Tue 03 Mar 01:00", "Tue 03 Mar 02:00", "Tue 03 Mar 22:00"]),
        ("0 22-2/2 * * *", ["Mon 02 Mar 22:00", "Tue 03 Mar 00:00", "Tue 03 Mar 02:00", "Tue 03 Mar 22:00"]),
        ("0 0 * * fri-mon", ["Fri 06 Mar 00:00", "Sat 07 Mar 00:00", "Sun 08 Mar 00:00", "Mon 09 Mar 00:00", "Fri 13 Mar 00:00"]),
        ("0 0 * * 5-7", ["Fri 06 Mar 00:00", "Sat 07 Mar 00:00", "Sun 08 Mar 00:00", "Fri 13 Mar 00:00"]),
        ("0 0 * * 7-1", ["Sun 08 Mar 00:00", "Mon 09 Mar 00:00", "Sun 15 Mar 00:00"]),
        ("0 0 * * sat-sun", ["Sat 07 Mar 00:00", "Sun 08 Mar 00:00", "Sat 14 Mar 00:00"]),
        ("0 0 * * 7-7", ["Sun 08 Mar 00:00", "Sun 15 Mar 00:00"]),
        ("0 0 1 nov-feb *", ["Sun 01 Nov 00:00", "Tue 01 Dec 00:00", "Fri 01 Jan 00:00", "Mon 01 Feb 00:00", "Mon 01 Nov 00:00"]),
        ("0 0 30-1 * *", ["Mon 30 Mar 00:00", "Tue 31 Mar 00:00", "Wed 01 Apr 00:00", "Thu 30 Apr 00:00", "Fri 01 May 00:00"]),
        ("50-10/10 0 * * *", ["Tue 03 Mar 00:00", "Tue 03 Mar 00:10", "Tue 03 Mar 00:50"]),
        # steps
        ("5/20 12 * * *", ["Mon 02 Mar 12:05", "Mon 02 Mar 12:25", "Mon 02 Mar 12:45"]),
        ("*/60 */24 * * *", ["Tue 03 Mar 00:00", "Wed 04 Mar 00:00"]),
        ("0 0 * * 1/2", ["Wed 04 Mar 00:00", "Fri 06 Mar 00:00", "Sun 08 Mar 00:00", "Mon 09 Mar 00:00"]),
        # seconds
        ("*/20 * * * * *", ["Mon 02 Mar 12:00:20", "Mon 02 Mar 12:00:40", "Mon 02 Mar 12:01"]),
        ("30 15 9 * * mon-fri", ["Tue 03 Mar 09:15:30", "Wed 04 Mar 09:15:30"]),
        # days of the month's end, and next to a day
        ("0 0 LW * *", ["Tue 31 Mar 00:00", "Thu 30 Apr 00:00", "Fri 29 May 00:00", "Tue 30 Jun 00:00"]),
        ("0 0 15W * *", ["Mon 16 Mar 00:00", "Wed 15 Apr 00:00", "Fri 15 May 00:00", "Mon 15 Jun 00:00"]),
        ("0 0 1W * *", ["Wed 01 Apr 00:00", "Fri 01 May 00:00", "Mon 01 Jun 00:00", "Wed 01 Jul 00:00", "Mon 03 Aug 00:00"]),  # 1 August is a Saturday
        ("0 0 31W * *", ["Tue 31 Mar 00:00", "Fri 29 May 00:00", "Fri 31 Jul 00:00", "Mon 31 Aug 00:00"]),  # not into June
        ("0 0 28W 2 *", ["Fri 26 Feb 00:00", "Mon 28 Feb 00:00", "Wed 28 Feb 00:00", "Thu 28 Feb 00:00"]),
        ("0 0 1,15W * *", ["Mon 16 Mar 00:00", "Wed 01 Apr 00:00", "Wed 15 Apr 00:00"]),
        # weekdays of the month
        ("0 0 * * mon#1", ["Mon 06 Apr 00:00", "Mon 04 May 00:00", "Mon 01 Jun 00:00"]),
        ("0 0 * * mon#5", ["Mon 30 Mar 00:00", "Mon 29 Jun 00:00", "Mon 31 Aug 00:00"]),
        ("0 0 * * mon#-1", ["Mon 30 Mar 00:00", "Mon 27 Apr 00:00", "Mon 25 May 00:00"]),
        ("0 0 * * 5L", ["Fri 27 Mar 00:00", "Fri 24 Apr 00:00"]),
        ("0 0 * * friL,sun#2", ["Sun 08 Mar 00:00", "Fri 27 Mar 00:00", "Sun 12 Apr 00:00"]),
        ("0 0 * * 7#1", ["Sun 05 Apr 00:00", "Sun 03 May 00:00"]),
        # both days, by an ampersand after either
        ("0 9 1-7 * mon&", ["Mon 06 Apr 09:00", "Mon 04 May 09:00"]),
        ("0 9 1-7& * mon", ["Mon 06 Apr 09:00", "Mon 04 May 09:00"]),
        ("0 9 13& * fri&", ["Fri 13 Mar 09:00", "Fri 13 Nov 09:00"]),
        ("0 0 L 2 mon&", ["Mon 28 Feb 00:00", "Mon 28 Feb 00:00"]),
        ("0 0 1,15W * fri", ["Fri 06 Mar 00:00", "Fri 13 Mar 00:00", "Mon 16 Mar 00:00"]),
        # a question mark is a star
        ("0 9 ? * mon", ["Mon 09 Mar 09:00", "Mon 16 Mar 09:00"]),
        ("0 0 9 15 * ?", ["Sun 15 Mar 09:00", "Wed 15 Apr 09:00"]),
        # names of whole expressions
        ("@hourly", ["Mon 02 Mar 13:00", "Mon 02 Mar 14:00"]),
        ("@daily", ["Tue 03 Mar 00:00", "Wed 04 Mar 00:00"]),
        ("@midnight", ["Tue 03 Mar 00:00", "Wed 04 Mar 00:00"]),
        ("@NOON", ["Tue 03 Mar 12:00", "Wed 04 Mar 12:00"]),
        ("@weekly", ["Sun 08 Mar 00:00", "Sun 15 Mar 00:00"]),
        ("@monthly", ["Wed 01 Apr 00:00", "Fri 01 May 00:00"]),
        ("@yearly", ["Fri 01 Jan 00:00", "Sat 01 Jan 00:00"]),
        ("@annually", ["Fri 01 Jan 00:00", "Sat 01 Jan 00:00"]),
    ],
)  # fmt: skip
def test_an_expression_ticks_as_cron_does(expression, ticks):
    assert following(expression, len(ticks)) == ticks


def test_a_tick_is_strictly_after_the_instant_asked_for():
    rule = crontab.parse("* * * * *", "UTC")

    assert rule.after(START) == START + 60
    assert rule.after(START - 0.001) == START
    # The largest float below: rounding it to microseconds would give the tick itself.
    assert rule.after(START - 2.4e-7) == START


@pytest.mark.parametrize(
    ("expression", "text", "says"),
    [
        ("*/90 * * * *", "*/90", "minute field, a step of 90 is beyond the 60"),
        ("5/61 * * * *", "5/61", "minute field"),
        ("0 */25 * * *", "*/25", "hour field"),
        ("0 0 */32 * *", "*/32", "day of month field"),
        ("0 0 1 */13 *", "*/13", "month field"),
        ("0 0 * * */8", "*/8", "day of week field"),
        ("1,*/90 * * * *", "1,*/90", "minute field"),
        ("60 * * * *", "60", "minute field accepts 0-59"),
        ("0 24 * * *", "24", "hour field accepts 0-23"),
        ("0 0 0 * *", "0", "day of month field accepts 1-31"),
        ("0 0 1 13 *", "13", "month field accepts 1-12"),
        ("0 0 * * 8", "8", "day of week field accepts 0-7"),
        ("0 0 * * funday", "funday", "day of week field"),
        ("*/0 * * * *", "*/0", "minute field"),
        ("60-10 * * * *", "60-10", "60 is out of range"),
        ("1-2-3 * * * *", "1-2-3", '"2-3" is no value'),
        ("5- * * * *", "5-", "a value is missing"),
        ("1,,2 * * * *", "1,,2", "a value is missing"),
        (", * * * *", ",", "a value is missing"),
        ("*/ * * * *", "*/", "is no step; write a number from 1 to 60"),
        ("*/-5 * * * *", "*/-5", "is no step"),
        ("0-30/45 * * * *", "0-30/45", "a step of 45 is beyond the 31 values"),
        ("60 * * * * *", "60", "second field accepts 0-59"),
        (
            "*/61 * * * * *",
            "*/61",
            'in the second field, a step of 61 is beyond the 60 values that it counts over; for a distance write app.every("61s", ...)',
        ),
        ("0 0 * * mon#6", "mon#6", 'day of week field, "#6": a month has a first to a fifth'),
        ("0 0 * * mon#0", "mon#0", "#1 to #5, and a last, #-1"),
        ("0 0 * * mon#-2", "mon#-2", "#1 to #5, and a last, #-1"),
        ("0 0 * * #1", "#1", "a value is missing"),
        ("0 0 * * mon#1/2", "mon#1/2", "a step cannot follow"),
        ("0 0 * * L", "L", 'write "5L" for the last friday'),
        ("0 0 L/2 * *", "L/2", "a step cannot follow"),
        ("0 0 15W/2 * *", "15W/2", "a step cannot follow"),
        ("0 0 32W * *", "32W", "32 is out of range"),
        ("0 0 W * *", "W", "a value is missing"),
        ("0 0 L-3 * *", "L-3", "day of month field accepts 1-31, L (the last)"),
        ("L * * * *", "L", 'minute field, "l" is no value'),
        ("15W * * * *", "15W", "minute field"),
        ("0 0 * 1W *", "1W", "month field"),
        ("0 0 * mon *", "mon", "month field accepts 1-12, jan-dec"),
        ("0 0 * * mondey", "mondey", 'did you mean "monday"?'),
        ("0 0 * febuary *", "febuary", 'did you mean "february"?'),
        ("? 0 * * *", "?", "minute field"),
        ("0 ? * * *", "?", "hour field"),
        ("0 0 1,? * *", "1,?", "day of month field"),
        ("0 0 * ? *", "?", "month field"),
        ("0 0 & * mon", "", "a value is missing"),
        ("5& 0 * * *", "5&", "minute field"),
        ("H * * * *", "H", "H is a hash of the entry's name, and there is no name here"),
        ("a b c d e", "a", "minute field"),
        ("-1 * * * *", "-1", "minute field"),
        ("1.5 * * * *", "1.5", "minute field"),
        ("\N{ARABIC-INDIC DIGIT ONE} * * * *", "\N{ARABIC-INDIC DIGIT ONE}", "minute field"),
    ],
)
def test_a_wrong_field_is_refused_with_its_name_and_what_it_accepts(expression, text, says):
    with pytest.raises(InvalidSchedule) as refused:
        crontab.parse(expression, "UTC")

    assert says in str(refused.value)
    assert refused.value.text == text


@pytest.mark.parametrize(
    ("expression", "count"),
    [
        ("", 0), ("   ", 0), ("* * * *", 4), ("0 9", 2), ("0 0 12 * * ? 2027", 7), ("daily", 1),
        ("0 9 * * Europe/Paris", 4), ("TZ=UTC", 0), ("TZ=UTC 0 9 * *", 4),
    ],
)  # fmt: skip
def test_a_wrong_number_of_fields_is_refused_with_their_names(expression, count):
    with pytest.raises(InvalidSchedule, match="five fields") as refused:
        crontab.parse(expression, "UTC")

    assert f"this has {count}" in str(refused.value)


@pytest.mark.parametrize("expression", [None, 5, b"* * * * *", ["*"] * 5])
def test_what_is_no_text_is_refused(expression):
    with pytest.raises(InvalidSchedule, match="five fields"):
        crontab.parse(expression, "UTC")


@pytest.mark.parametrize(
    "expression",
    [
        "0 0 30 2 *",
        "0 0 31 2,4,6,9,11 *",
        "0 0 30,31 feb *",
        "0 0 31 4 */2",
        "0 0 31W 4 *",
        "0 0 30 2 ?",
        "0 0 1 * mon#2&",
        "0 0 0 31 jun *",
    ],
)
def test_a_date_that_never_comes_is_refused(expression):
    with pytest.raises(InvalidSchedule, match="no such date ever comes"):
        crontab.parse(expression, "UTC")


# --- both ways ---------------------------------------------------------------------


def test_before_is_strictly_before_the_instant_asked_for():
    rule = crontab.parse("* * * * *", "UTC")

    assert rule.before(START) == START - 60
    assert rule.before(START + 0.001) == START
    assert rule.before(START + 2.4e-7) == START


def test_a_rule_of_times_of_day_counts_from_nothing():
    rule = crontab.parse("0 9 * * *", "UTC")

    assert rule.anchored(START) is rule


def test_two_readings_of_the_same_are_equal_and_of_another_name_are_not():
    assert crontab.parse("H * * * *", "UTC", name="a") == crontab.parse("H  * * * *", "UTC", name="a")
    assert crontab.parse("H * * * *", "UTC", name="a") != crontab.parse("H * * * *", "UTC", name="b")


# --- what is odd -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("*/7 * * * *", ["in the minute field, a step of 7 is uneven: from 56 on to 0 it is 4 minutes"]),
        ("*/45 * * * *", ["in the minute field, a step of 45 is uneven: from 45 on to 0 it is 15 minutes"]),
        ("0 */5 * * *", ["in the hour field, a step of 5 is uneven: from 20 on to 0 it is 4 hours"]),
        ("0 0 */2 * *", ["in the day of month field, a step of 2 is uneven: from 31 on to 1 it is 1 day"]),
        ("0 0 1 */5 *", ["in the month field, a step of 5 is uneven: from 11 on to 1 it is 2 months"]),
        ("0 0 * * */2", ["in the day of week field, a step of 2 is uneven: from 6 on to 0 it is 1 day"]),
        ("*/7 */5 * * *", ["in the minute field, a step of 7 is uneven: from 56 on to 0 it is 4 minutes", "in the hour field, a step of 5 is uneven: from 20 on to 0 it is 4 hours"]),
        ("*/25 * * * * *", ["in the second field, a step of 25 is uneven: from 50 on to 0 it is 10 seconds"]),
        ("10/25 * * * *", ["in the minute field, a step of 25 is uneven: from 35 on to 10 it is 35 minutes"]),
        ("*/15 */6 * */3 *", []),
        ("5/20 * * * *", []),
        ("*/60 * * * *", []),
        ("8-18/3 * * * *", []),
        ("*/7 9 * * *", []),  # nothing follows within the hour
        ("H/20 * * * *", []),
        ("@daily", []),
        ("every 20 minutes", []),
        ("every 2 weeks", []),
    ],
)  # fmt: skip
def test_a_step_that_is_uneven_is_told(text, sentences):
    assert crontab.odd_steps(text) == sentences


def test_cronsim_and_zoneinfo_are_imported_by_those_who_use_them_only():
    program = (
        "import sys; from mainspring.schedule import catalog; catalog.Catalog().every('10m', 'job');"
        "print(sorted({'cronsim', 'zoneinfo'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=_with_src())

    assert done.stdout.strip() == "[]"


def _with_src():
    import os

    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
