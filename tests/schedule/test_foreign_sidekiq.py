"""What sidekiq-cron and sidekiq-scheduler were told means the same here, or is said not to.

What fugit makes of expressions and durations was asked of fugit 1.14.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mainspring.base.durations import seconds
from mainspring.base.errors import InvalidSchedule
from mainspring.schedule import crontab
from mainspring.schedule.foreign import fugit
from mainspring.schedule.foreign.sidekiq import ported

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


def ticks(expression, count=4):
    rule, tick, found = crontab.parse(expression, "UTC"), NEW_YEAR, []
    for _ in range(count):
        tick = rule.after(tick)
        found.append(f"{datetime.fromtimestamp(tick, UTC):%m-%d %H:%M}")
    return found


# --- fugit's expressions -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("*/5 * * * *", "*/5 * * * *"),
        ("0  9 * *  mon-fri", "0 9 * * mon-fri"),
        ("0 */2 * * * *", "0 */2 * * * *"),
        ("0 22 * * 1-5 America/Chicago", "0 22 * * 1-5 America/Chicago"),
        ("@daily", "@daily"),
        ("0 24 * * *", "0 0 * * *"),
        ("0 8,24 * * *", "0 8,0 * * *"),
        ("0 0 */2 * 1", "0 0 1-31/2 * 1"),
        ("0 0 */2& * 1", "0 0 1-31/2& * 1"),
        ("0 0 1-31 * 1", "0 0 * * 1"),
        ("0 0 */1 * 1", "0 0 * * 1"),
        ("0 0 13 * */2", "0 0 13 * 0-6/2"),
        ("0 0 * * 1/2", "0 0 * * 1"),
        ("every day at five", "every day at 5:00"),
        ("every day at five pm", "every day at 5 pm"),
        ("every three hours", "every 3 hours"),
        ("every 15m", "every 15 minutes"),
        ("every day at 9:00 on America/Los_Angeles", "every day at 9:00 in America/Los_Angeles"),
        ("every monday at 8", "every monday at 8:00"),
        ("61 * * * *", "61 * * * *"),
        ("nonsense", "nonsense"),
    ],
)
def test_an_expression_is_written_so_that_it_keeps_its_meaning(text, written):
    assert fugit.expression(text) == written


@pytest.mark.parametrize(
    ("text", "as_fugit"),
    [
        ("0 0 */2 * 1", ["01-03 00:00", "01-05 00:00", "01-07 00:00", "01-09 00:00"]),
        ("0 0 */2& * 1", ["01-05 00:00", "01-19 00:00", "02-09 00:00", "02-23 00:00"]),
        ("0 0 1-31 * 1", ["01-05 00:00", "01-12 00:00", "01-19 00:00", "01-26 00:00"]),
        ("0 0 13 * */2", ["01-03 00:00", "01-04 00:00", "01-06 00:00", "01-08 00:00"]),
        ("0 0 * * 1/2", ["01-05 00:00", "01-12 00:00", "01-19 00:00", "01-26 00:00"]),
        ("every day at five", ["01-01 05:00", "01-02 05:00", "01-03 05:00", "01-04 05:00"]),
    ],
)
def test_a_day_is_due_as_fugit_has_it(text, as_fugit):
    assert ticks(fugit.expression(text)) == as_fugit


@pytest.mark.parametrize(
    ("text", "written", "span"),
    [
        ("1h30m", "1h30m", 5400),
        ("45 minutes", "45 minutes", 2700),
        ("1.5 hours", "1.5 hours", 5400),
        ("600", "600", 600),
        ("2 hours and 30 minutes", "2h30m", 9000),
        ("1h, 5m", "1h5m", 3900),
        ("5m1h", "1h5m", 3900),
        ("1h 1h", "2h", 7200),
        ("1M", "30d", 30 * 86_400),
        ("1y", "365d", 365 * 86_400),
        ("1H", "1h", 3600),
        ("1m30", "1m30s", 90),
        ("0.5s", "0.5s", 0.5),
    ],
)
def test_a_duration_is_written_as_mainspring_reads_it(text, written, span):
    assert fugit.period(text) == written
    assert seconds(written) == span


@pytest.mark.parametrize("text", ["", " ", "1 hr", "soon", "-5m", "PT", "1h x", "every 1h"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(InvalidSchedule, match="every: write a duration"):
        fugit.period(text)


# --- an entry's keys -----------------------------------------------------------------------


def of_cron(**config):
    return ported("nightly", {"class": "Hard", "cron": "0 0 * * *"} | config, "sidekiq-cron")


def of_scheduler(**config):
    return ported("Nightly", config, "sidekiq-scheduler")


@pytest.mark.parametrize(
    ("config", "options"),
    [
        ({"queue": "low"}, {"queue": "low"}),
        ({"args": [1, {"a": 2}]}, {"args": [1, {"a": 2}]}),
        ({"args": {"hard": "stuff"}}, {"args": [{"hard": "stuff"}]}),
        ({"args": 7}, {"args": [7]}),
        ({"args": "one"}, {"args": ["one"]}),
        ({"args": '[1, "two"]'}, {"args": [1, "two"]}),
        ({"args": None}, {}),
        ({"description": "Hard."}, {"description": "Hard."}),
        ({"description": ""}, {}),
        ({"status": "disabled"}, {"paused": True}),
        ({"status": "enabled"}, {}),
        ({"active_job": True, "symbolize_args": "true", "source": "schedule"}, {}),
        ({"queue": "low", "queue_name_prefix": "shop"}, {"queue": "shop_low"}),
        ({"queue": "low", "queue_name_prefix": "shop", "queue_name_delimiter": "."}, {"queue": "shop.low"}),
        ({"namespace": "default", "date_as_argument": False}, {}),
        ({"missed": "all", "overlap": "skip"}, {"missed": "all", "overlap": "skip"}),
    ],
)
def test_a_key_of_sidekiq_cron_is_understood(config, options):
    made = of_cron(**config)

    assert (made.row.name, made.row.job, made.row.cron) == ("nightly", "Hard", "0 0 * * *")
    assert (dict(made.row.options), made.notes) == (options, [])


@pytest.mark.parametrize(
    ("config", "row"),
    [
        ({"cron": "@daily"}, {"cron": "@daily"}),
        ({"cron": ["@daily"]}, {"cron": "@daily"}),
        ({"every": "30s"}, {"every": "30s", "skip_first_run": True}),
        ({"every": ["30s"]}, {"every": "30s", "skip_first_run": True}),
        ({"every": ["30s", {"first_in": "0s"}]}, {"every": "30s", "skip_first_run": False}),
        ({"every": ["30s", {"first": "now"}]}, {"every": "30s", "skip_first_run": False}),
        ({"every": 30}, {"every": "30", "skip_first_run": True}),
        ({"interval": "1h"}, {"every": "1h", "skip_first_run": True}),
        ({"cron": "@daily", "every": "1h"}, {"cron": "@daily"}),
        ({"cron": "", "every": "1h"}, {"every": "1h", "skip_first_run": True}),
        ({"cron": "@daily", "enabled": False}, {"cron": "@daily", "paused": True}),
        ({"cron": "@daily", "args": '["a"]'}, {"cron": "@daily", "args": ['["a"]']}),
        ({"cron": "@daily", "args": {"a": 1}, "keyword_argument": True}, {"cron": "@daily", "kwargs": {"a": 1}}),
        ({"cron": "@daily", "args": {"a": 1}}, {"cron": "@daily", "args": [{"a": 1}]}),
        ({"cron": "@daily", "persist": True}, {"cron": "@daily"}),
    ],
)
def test_a_key_of_sidekiq_scheduler_is_understood(config, row):
    made = of_scheduler(**config)

    assert (made.row.name, made.row.job, made.notes) == ("Nightly", "Nightly", [])
    assert {"cron": made.row.cron, "every": made.row.every, **made.row.options} == {"cron": None, "every": None} | row


@pytest.mark.parametrize(
    ("made", "noted"),
    [
        (of_cron(date_as_argument=True), "date_as_argument: the time is no argument here; the job asks current_job()"),
        (of_scheduler(cron="@daily", include_metadata=True), "include_metadata: the time is no argument here"),
        (of_cron(retry=3), "retry: it belongs to the job: @app.job(retry=3)"),
        (of_cron(namespace="stats"), "namespace: an App has one for all of its entries: App(namespace='stats')"),
        (of_scheduler(cron="@daily", rails_env="production"), "rails_env: it ran in 'production' only"),
        (of_cron(colour="red"), "colour: 'red': neither mainspring nor the gem's own pages know this key"),
        (of_cron(cron="every day at 3:15 and 4:30"), "cron: fugit took the first of these times only"),
        (of_scheduler(every=["30s", {"first_in": "120s"}]), "first_in: '120s': the first run comes one period after"),
        (of_scheduler(every=["30s", {"times": 3}]), "times: 3: left out"),
        (of_scheduler(cron=["@daily", {"overlap": False}]), "overlap: False: left out"),
    ],
)
def test_what_is_lost_is_noted(made, noted):
    assert made.row is not None
    assert len(made.notes) == 1
    assert made.notes[0].startswith(noted)


@pytest.mark.parametrize(
    ("made", "refused"),
    [
        (of_cron(**{"class": None}), "class: it names no class to run"),
        (of_cron(cron=None), "it says no time: write cron or every"),
        (of_cron(cron="0 */90 * * *"), "a step of 90 is beyond the 24 values"),
        (of_cron(cron="every 90 minutes"), 'write app.every("90m", ...)'),
        (of_cron(cron="0 9 * * mon%2"), "day of week field"),
        (of_scheduler(every="sometimes"), "every: write a duration"),
        (of_scheduler(at="3001/01/01"), "at: it runs once"),
        (of_scheduler(**{"in": "1h"}), "in: it runs once"),
        (of_scheduler(), "it says no time"),
        (of_cron(queue=["a"]), "queue, in the entry 'nightly': write a text"),
    ],
)
def test_what_has_no_equivalent_is_refused_with_the_reason(made, refused):
    assert made.row is None
    assert refused in made.refused
