"""A cron expression means what its writer meant, or is refused with the reason."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from mainspring.base.errors import InvalidSchedule
from mainspring.schedule import crontab

START = datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp()  # a Monday


def following(expression, count=3, start=START):
    """Return the next ticks as texts, in UTC."""
    rule, found = crontab.parse(expression, "UTC"), []
    for _ in range(count):
        start = rule.after(start)
        found.append(datetime.fromtimestamp(start, UTC).strftime("%a %d %b %H:%M"))
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
    ],
)
def test_an_expression_ticks_as_cron_does(expression, ticks):
    assert following(expression) == ticks


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
        ("30-10 * * * *", "30-10", "upward ranges"),
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
    "expression", ["", "   ", "* * * *", "* * * * * *", "@hourly", "0 9 * * * Europe/Paris", "0 9"]
)
def test_a_wrong_number_of_fields_is_refused_with_their_names(expression):
    with pytest.raises(InvalidSchedule, match="five fields") as refused:
        crontab.parse(expression, "UTC")

    assert f"this has {len(expression.split())}" in str(refused.value)


@pytest.mark.parametrize("expression", [None, 5, b"* * * * *", ["*"] * 5])
def test_what_is_no_text_is_refused(expression):
    with pytest.raises(InvalidSchedule, match="five fields"):
        crontab.parse(expression, "UTC")


@pytest.mark.parametrize("expression", ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "0 0 30,31 feb *", "0 0 31 4 */2"])
def test_a_date_that_never_comes_is_refused(expression):
    with pytest.raises(InvalidSchedule, match="no such date ever comes"):
        crontab.parse(expression, "UTC")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Europe/Pariss", 'did you mean "Europe/Paris"'),
        ("europe/paris", 'did you mean "Europe/Paris"'),
        ("Mars/Olympus", "no such time zone"),
        ("Europe", "no such time zone"),
        ("", "Europe/London"),
        ("../etc/passwd", "no such time zone"),
        ("+02:00", "no such time zone"),
        (2, "no such time zone"),
    ],
)
def test_an_unknown_zone_is_refused_and_a_near_one_named(name, says):
    with pytest.raises(InvalidSchedule, match="tz: ") as refused:
        crontab.zone(name)

    assert says in str(refused.value)


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
