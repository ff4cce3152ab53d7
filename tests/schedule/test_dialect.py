"""What stands beside the five fields counts as it is meant: zones, names of expressions, hashes of the entry's name."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from mainspring.base.errors import InvalidSchedule
from mainspring.schedule import crontab, fields
from mainspring.schedule.zones import zone

START = datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp()  # a Monday


def following(expression, count, name):
    """Return the next ticks as texts, in UTC."""
    rule, t, found = crontab.parse(expression, "UTC", name=name), START, []
    for _ in range(count):
        t = rule.after(t)
        found.append(datetime.fromtimestamp(t, UTC).strftime("%a %d %b %H:%M"))
    return found


# --- zones -------------------------------------------------------------------------


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
        zone(name)

    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("expression", "text", "tz"),
    [
        ("0 9 * * *", "0 9 * * *", "America/New_York"),
        ("0 9 * * * Europe/Paris", "0 9 * * *", "Europe/Paris"),
        ("0 0 9 * * * Europe/Paris", "0 0 9 * * *", "Europe/Paris"),
        (" 0  9 * * *   UTC ", "0 9 * * *", "UTC"),
        ("0 9 * * * Japan", "0 9 * * *", "Japan"),
        ("0 9 * * * EST5EDT", "0 9 * * *", "EST5EDT"),
        ("TZ=Europe/Paris 0 9 * * *", "0 9 * * *", "Europe/Paris"),
        ("CRON_TZ=Europe/Paris 0 9 * * *", "0 9 * * *", "Europe/Paris"),
        ("TZ=UTC @daily", "@daily", "UTC"),
        ("@daily Asia/Ho_Chi_Minh", "@daily", "Asia/Ho_Chi_Minh"),
        ("@daily America/Argentina/Buenos_Aires", "@daily", "America/Argentina/Buenos_Aires"),
        ("0 9 * * mon-fri Etc/GMT-14", "0 9 * * mon-fri", "Etc/GMT-14"),
        # A day of week is no zone, and a step no part of its name.
        ("0 0 9 * * MON", "0 0 9 * * MON", "America/New_York"),
        ("0 0 9 * * Mon-Fri/2", "0 0 9 * * Mon-Fri/2", "America/New_York"),
        ("0 0 9 * * MON#1,5L", "0 0 9 * * MON#1,5L", "America/New_York"),
    ],
)
def test_a_zone_in_the_expression_counts_and_is_no_part_of_its_text(expression, text, tz):
    rule = crontab.parse(expression, "America/New_York")

    assert (rule.text, rule.tz) == (text, tz)
    nine = datetime.fromtimestamp(rule.after(START), ZoneInfo(tz))
    assert (nine.hour, nine.minute) == ((0, 0) if "@daily" in text else (9, 0))


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("0 9 * * * Europe/Pariss", 'did you mean "Europe/Paris"'),
        ("0 9 * * * europe/paris", 'did you mean "Europe/Paris"'),
        ("TZ=Mars/Olympus 0 9 * * *", "no such time zone"),
        ("TZ= 0 9 * * *", "no such time zone"),
        ("CRON_TZ=UTC 0 9 * * * Europe/Paris", "it names two zones"),
        ("@daily Europe/Nowhere", "no such time zone"),
        ("0 0 9 * * Funday", 'did you mean "sunday"?'),
    ],
)
def test_a_wrong_zone_in_the_expression_is_refused(expression, says):
    with pytest.raises(InvalidSchedule) as refused:
        crontab.parse(expression, "UTC")

    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("@dayly", 'did you mean "@daily"'),
        ("@reboot", "enqueue the job where your program begins"),
        ("@every 1h30m", 'write app.every("1h30m", ...)'),
        ("@whenever", "@yearly"),
        ("@", "@yearly"),
    ],
)
def test_an_unknown_name_for_an_expression_is_refused_with_what_is_near(expression, says):
    with pytest.raises(InvalidSchedule) as refused:
        crontab.parse(expression, "UTC")

    assert says in str(refused.value)


def test_an_unknown_policy_for_changes_of_the_clocks_is_refused():
    with pytest.raises(InvalidSchedule, match="dst: write one of 'vixie', 'skip', 'both'"):
        crontab.parse("0 9 * * *", "UTC", dst="twice")


# --- a hash of the name ------------------------------------------------------------


def test_a_hash_spreads_entries_and_is_the_same_in_every_process():
    # Written down: another hash in a later version would shift every entry.
    assert following("H H * * *", 2, "report") == ["Mon 02 Mar 16:43", "Tue 03 Mar 16:43"]
    assert following("H H * * *", 2, "invoices") != following("H H * * *", 2, "report")
    assert following("H/15 * * * *", 5, "report") == following("13/15 * * * *", 5, "report")


@pytest.mark.parametrize(
    ("field", "index", "values"),
    [
        ("H", 1, range(60)),
        ("H", 2, range(24)),
        ("H", 3, range(1, 29)),
        ("H", 4, range(1, 13)),
        ("H", 5, range(7)),
        ("H", 0, range(60)),
        ("H(10-19)", 1, range(10, 20)),
        ("H(22-2)", 2, [22, 23, 0, 1, 2]),
        ("H(mon-fri)", 5, range(1, 6)),
        ("H(0-29)/10", 1, range(30)),
        ("H/1", 1, range(60)),
    ],
)
def test_a_hash_reaches_each_value_and_no_other(field, index, values):
    words = ["0", "0", "0", "1", "1", "*"]
    words[index] = field
    if index == 5:
        words[3] = "*"

    found = {
        value
        for number in range(1000)
        for item in fields.read(" ".join(words), f"entry {number}").row[index]
        for value in item.values
    }

    assert found == set(values)


@pytest.mark.parametrize(
    ("part", "says"),
    [("H/90", "a step of 90 is beyond the 60"), ("H(5)", "is no value"), ("H(0-70)", "70 is out of range"), ("Hx", "is no value"), ("H/", "is no step"), ("H/0", "is no step")],
)  # fmt: skip
def test_a_wrong_hash_is_refused(part, says):
    with pytest.raises(InvalidSchedule, match="in the minute field") as refused:
        crontab.parse(f"{part} * * * *", "UTC", name="report")

    assert says in str(refused.value)


@pytest.mark.parametrize(("part", "count"), [("H/1", 60), ("H/7", 9), ("H/15", 4), ("H/60", 1), ("H(0-29)/10", 3)])
def test_a_hash_with_a_step_comes_as_often_as_a_star_with_it(part, count):
    line = fields.read(f"{part} * * * *", "entry 9")

    assert len(line.minute[0].values) in {count, count - 1}
    assert not line.is_fixed


def test_what_is_too_long_is_refused_before_it_is_read():
    with pytest.raises(InvalidSchedule, match="longer than 500 characters") as refused:
        crontab.parse("0," * 5_000 + "0 9 * * *", "UTC")

    assert len(str(refused.value)) < 100
