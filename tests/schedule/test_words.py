"""What a cron expression says can be read without knowing cron, and is never wrong."""

from __future__ import annotations

import pytest

from mainspring.schedule.words import cron_in_words, period_in_words

CASES = [
    # how often
    ("* * * * *", "every minute"),
    ("*/10 * * * *", "every 10 minutes"),
    ("*/7 * * * *", "every 7 minutes of each hour"),
    ("*/10 8-18 * * mon-fri", "every 10 minutes from 08:00 to 18:59, monday to friday"),
    ("* 9 * * *", "every minute from 09:00 to 09:59"),
    ("*/15 8-11,14-17 * * *", "every 15 minutes from 08:00 to 11:59 and from 14:00 to 17:59"),
    ("*/15 22-2 * * *", "every 15 minutes from 22:00 to 02:59"),
    ("*/15 */2 * * *", "every 15 minutes in every 2nd hour"),
    ("*/10 * * * * *", "every 10 seconds"),
    ("* * * * * *", "every second"),
    ("*/25 * 9 * * *", "every 25 seconds of each minute from 09:00 to 09:59"),
    ("0 * * * *", "every hour"),
    ("15 * * * *", "every hour at minute 15"),
    ("0,30 * * * *", "every hour at minutes 0 and 30"),
    ("0 */2 * * *", "every 2 hours"),
    ("30 */6 * * *", "every 6 hours at minute 30"),
    ("0 8-18 * * *", "every hour from 08:00 to 18:00"),
    ("15 8-18/2 * * *", "every 2 hours from 08:15 to 18:15"),
    ("5,35 8-18 * * *", "every hour from 08:00 to 18:59 at minutes 5 and 35"),
    ("@hourly", "every hour"),
    # at what times
    ("0 9 * * *", "every day at 09:00"),
    ("30 6 9 * * *", "every day at 09:06:30"),
    ("0 9,18 * * *", "every day at 09:00 and 18:00"),
    ("0 9-11 * * mon", "at 09:00, 10:00 and 11:00, on monday"),
    ("5,35 8-9 * * *", "every day at 08:05, 08:35, 09:05 and 09:35"),
    ("@daily", "every day at 00:00"),
    ("@NOON", "every day at 12:00"),
    # on which days
    ("0 9 * * mon-fri", "at 09:00, monday to friday"),
    ("0 9 * * fri-mon", "at 09:00, friday to monday"),
    ("0 9 * * mon,fri", "at 09:00, on monday and friday"),
    ("0 9 * * 1-3,5", "at 09:00, on monday to wednesday and friday"),
    ("0 9 * * sat-sun", "at 09:00, on saturday and sunday"),
    ("0 9 * * 7", "at 09:00, on sunday"),
    ("0 9 * * mon#1", "at 09:00, on the first monday of the month"),
    ("0 9 * * mon#1,5L", "at 09:00, on the first monday of the month and the last friday of the month"),
    ("0 9 * * wed,fri#-1", "at 09:00, on wednesday and the last friday of the month"),
    ("@weekly", "at 00:00, on sunday"),
    ("0 0 1 * *", "at 00:00, on day 1 of the month"),
    ("0 0 1,15 * *", "at 00:00, on days 1 and 15 of the month"),
    ("0 0 1-7 * *", "at 00:00, on days 1 to 7 of the month"),
    ("0 0 */2 * *", "at 00:00, on every 2nd day of the month"),
    ("0 0 */3 * ?", "at 00:00, on every 3rd day of the month"),
    ("0 0 L * *", "at 00:00, on the last day of the month"),
    ("0 0 LW * *", "at 00:00, on the last weekday of the month"),
    ("0 0 15W * *", "at 00:00, on the weekday nearest to day 15 of the month"),
    ("0 0 1,15W,L * *", "at 00:00, on day 1, the weekday nearest to day 15 and the last day of the month"),
    ("0 0 13 * fri", "at 00:00, on day 13 of the month or on friday"),
    ("0 0 13 * fri&", "at 00:00, on day 13 of the month if on friday"),
    ("0 9 1-7 * mon-fri&", "at 09:00, on days 1 to 7 of the month if on monday to friday"),
    ("0 0 1-7 * */7", "at 00:00, on days 1 to 7 of the month if on sunday"),
    # in which months
    ("0 6 1 jan,jul *", "at 06:00, on day 1 of january and july"),
    ("0 6 * 7 *", "every day at 06:00, in july"),
    ("0 6 * nov-feb mon", "at 06:00, on monday, from november to february"),
    ("*/5 * * 1-3 *", "every 5 minutes, from january to march"),
    ("0 0 1 */3 *", "at 00:00, on day 1 of january, april, july and october"),
    ("0 0 L 2 mon&", "at 00:00, on the last day of february if on monday"),
    ("0 0 * 6-8 sun#-1", "at 00:00, on the last sunday of june to august"),
    ("@yearly", "at 00:00, on day 1 of january"),
    # what the name's hash decides
    ("H * * * *", "every hour at a minute of its own"),
    ("H */2 * * *", "every 2 hours at a minute of its own"),
    ("H H * * *", "every day at a time of its own"),
    ("H H * * sun", "at a time of its own, on sunday"),
    ("H H(0-5) * * *", "every day at a time of its own"),
    ("H 9 * * *", "every day at a time of its own from 09:00 to 09:59"),
    ("H/15 * * * *", "every 15 minutes"),
    # what is in words already
    ("every weekday at 9:30", "every weekday at 9:30"),
    ("every 2 weeks", "every 2 weeks"),
]
HARD = [
    "1,2,3,5,7,11,13 * * * *", "*/10,7 * * * *", "0 1-23/3,5 * * *", "5,10,15 1,2,3,4 * * *", "0 */5 * * *", "*/10 8-18/2 * * *",
    "*/10 5 * * * *", "30 * * * * *", "* 0 0 * * *", "0 0 H * *", "H/7,3 * * * *", "0 H * * *",
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), CASES)
def test_an_expression_is_said_in_plain_english(text, words):
    assert cron_in_words(text) == words


@pytest.mark.parametrize("text", HARD)
def test_what_would_be_harder_to_read_in_words_stays_as_it_was_written(text):
    assert cron_in_words(text) == text


@pytest.mark.parametrize("text", ["", "nonsense", "60 * * * *", "@whenever", "0 9 * *"])
def test_what_is_no_expression_stays_as_it_is(text):
    assert cron_in_words(text) == text


@pytest.mark.parametrize("text", ["every 1d at 09:00, 17:00", "every 10m", "every ", "at noon", ""])
def test_a_period_is_said_as_it_was_written(text):
    assert period_in_words(text) == text
