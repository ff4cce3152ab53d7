"""`run_clock` tells what a real clock would enqueue, and when: with every option of an entry, restarts and downtimes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mainspring import App
from mainspring.base.errors import InvalidOption, UnknownJob
from mainspring.testing import Fired, run_clock

# Times without a zone, as most will write them.
MONDAY = datetime(2026, 3, 2)  # noqa: DTZ001
TUESDAY, THURSDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=3)
NOON = MONDAY.replace(hour=12)


@pytest.fixture
def app():
    # Nobody listens there: what reached for a store would fail.
    app = App("redis://127.0.0.1:1/0", tz="Europe/London")
    app.job(name="report")(lambda: None)
    app.job(name="charge")(lambda customer, note="": None)
    return app


def times(fired, shape="%d %H:%M"):
    return [each.at.strftime(shape) for each in fired]


def at(day, hour, minute=0, second=0):
    return MONDAY.replace(day=day, hour=hour, minute=minute, second=second)


# --- what fires ---------------------------------------------------------------------


def test_what_fired_says_which_job_for_which_tick(app):
    app.cron("30 9 * * *", "charge", args=[42], kwargs={"note": "daily"}, queue="billing", name="charge.daily")

    (fired,) = run_clock(app, MONDAY, TUESDAY)

    assert fired == Fired(
        name="charge.daily",
        at=datetime(2026, 3, 2, 9, 30, tzinfo=ZoneInfo("Europe/London")),
        job="charge",
        args=(42,),
        kwargs={"note": "daily"},
        queue="billing",
        kind="scheduled",
        jid=fired.jid,
        late=0.0,
    )
    assert len(fired.jid) == 24


def test_the_start_belongs_to_it_and_the_end_does_not(app):
    app.every("1d", "report", at="00:00")

    assert times(run_clock(app, MONDAY, THURSDAY)) == ["02 00:00", "03 00:00", "04 00:00"]


def test_entries_fire_in_the_order_of_time(app):
    app.every("4h", "report", name="a")
    app.every("6h", "report", name="b", skip_first_run=True)

    fired = run_clock(app, MONDAY, NOON)

    assert [f"{each.name} {each.at.hour}" for each in fired] == ["a 0", "a 4", "b 6", "a 8"]


def test_a_time_without_a_zone_is_meant_in_the_apps_and_one_with_a_zone_in_its_own(app):
    app.every("1d", "report", at="12:00", tz="Asia/Tokyo")

    here = run_clock(app, NOON.replace(month=7), NOON.replace(month=7, day=3))
    there = run_clock(app, datetime(2026, 7, 2, 11, tzinfo=UTC), datetime(2026, 7, 3, 11, tzinfo=UTC))

    assert here == there
    assert [each.at.isoformat() for each in here] == ["2026-07-03T12:00:00+09:00"]


def test_a_time_that_a_change_of_the_clocks_skips_runs_right_after_it(app):
    app.every("1d", "report", at="01:30")

    fired = run_clock(app, MONDAY.replace(day=28), MONDAY.replace(day=31))

    assert [each.at.isoformat()[5:] for each in fired] == [
        "03-28T01:30:00+00:00",
        "03-29T02:00:00+01:00",
        "03-30T01:30:00+01:00",
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [0, 3, 6, 9, 12, 15, 18, 21]),
        ({"skip_first_run": True}, [3, 6, 9, 12, 15, 18, 21]),
        ({"paused": True}, []),
        ({"if_": lambda t: t.hour < 12}, [0, 3, 6, 9]),
        ({"exclude": lambda t: t.hour < 12}, [12, 15, 18, 21]),
        ({"exclude": "* 6-15 * * *"}, [0, 3, 18, 21]),
        ({"exclude": "2026-03-02"}, []),
        ({"start": "2026-03-02 10:00"}, [10, 13, 16, 19, 22]),
        ({"end": "2026-03-02 10:00"}, [0, 3, 6, 9]),
    ],
)
def test_the_options_of_an_entry_do_what_they_do_in_life(app, options, expected):
    app.every("3h", "report", **options)

    assert [each.at.hour for each in run_clock(app, MONDAY, TUESDAY)] == expected


def test_jitter_puts_jobs_off_and_each_time_by_the_same(app):
    app.every("1h", "report", jitter="10m")

    first, again = run_clock(app, MONDAY, TUESDAY), run_clock(app, MONDAY, TUESDAY, restarts=[NOON])

    assert first == again
    assert times(first, "%H:%M") == [f"{hour:02}:00" for hour in range(24)]
    assert all(0 <= each.late < 600 for each in first)
    assert len({each.late for each in first}) > 20


def test_hooks_and_middleware_are_called(app):
    heard = []

    def enqueueing(job):
        heard.append(job.name)
        yield

    app.every("8h", "report")
    app.on_run(before=lambda entry, t: t.hour != 8, after=lambda entry, t: heard.append((entry.name, t.hour)))
    app.on_tick(before=lambda t: heard.append(t.hour))
    app.use(enqueue=enqueueing)

    fired = run_clock(app, MONDAY, TUESDAY)

    assert times(fired, "%H") == ["00", "16"]
    assert heard == [0, "report", ("report", 0), 8, 16, "report", ("report", 16)]


def test_a_question_that_fails_is_reported_and_asked_again(app):
    errors, asked = [], []

    def fails_twice(t):
        asked.append(t)
        return len(asked) > 2 or 1 / 0

    app.every("1d", "report", at="12:00", if_=fails_twice)
    app.on_error(lambda error, job: errors.append(error))

    (fired,) = run_clock(app, MONDAY, TUESDAY)

    assert [type(error) for error in errors] == [ZeroDivisionError]
    assert 0 < fired.late < 10


def test_nothing_fires_without_entries(app):
    assert run_clock(app, MONDAY, TUESDAY) == []


def test_the_app_is_as_it_was(app):
    app.every("1h", "report")
    before = (dict(app.schedule), dict(app.jobs), app.url, app.time)

    run_clock(app, MONDAY, TUESDAY)

    assert (dict(app.schedule), dict(app.jobs), app.url, app.time) == before


# --- restarts and downtimes ---------------------------------------------------------


def test_restarts_run_nothing_again_and_shift_nothing(app):
    app.every("1d", "report", at="09:00", name="daily")
    app.every("5h", "report", name="period")
    deploys = [at(2, hour, 30, 1) for hour in range(24)]

    assert run_clock(app, MONDAY, THURSDAY, restarts=deploys) == run_clock(app, MONDAY, THURSDAY)


def test_a_restart_in_the_very_second_of_a_tick_neither_loses_nor_doubles_it(app):
    app.every("1h", "report")

    assert times(run_clock(app, MONDAY, at(2, 3), restarts=[at(2, 1), at(2, 2)]), "%H") == ["00", "01", "02"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [("10:30", "caught_up", 600)]),
        ({"missed": "once", "grace": "5m"}, []),
        ({"missed": "all"}, [("09:30", "caught_up", 4200), ("10:00", "caught_up", 2400), ("10:30", "caught_up", 600)]),
        ({"missed": "all", "grace": "45m"}, [("10:00", "caught_up", 2400), ("10:30", "caught_up", 600)]),
        ({"missed": "skip"}, []),
    ],
)
def test_after_a_downtime_the_policy_for_missed_ticks_decides(app, options, expected):
    app.every("30m", "report", **options)

    fired = run_clock(app, at(2, 9), at(2, 11, 30), down=[(at(2, 9, 20), at(2, 10, 40))])

    caught_up = [(each.at.strftime("%H:%M"), each.kind, int(each.late)) for each in fired if each.kind != "scheduled"]
    assert caught_up == expected
    assert times([each for each in fired if each.kind == "scheduled"], "%H:%M") == ["09:00", "11:00"]


def test_downtimes_may_overlap_and_may_begin_and_end_the_simulation(app):
    app.every("1h", "report", missed="skip")

    fired = run_clock(
        app,
        MONDAY,
        at(2, 12),
        down=[(at(2, 10), at(2, 12)), (MONDAY, at(2, 3)), (at(2, 5), at(2, 6)), (at(2, 5, 30), at(2, 7, 30))],
    )

    assert times(fired, "%H") == ["03", "04", "08", "09"]


# --- overlaps ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [("allow", [0, 1, 2, 3, 4, 5]), ("skip", [0, 3]), ("buffer", [0, 1, 3, 4])],
)
def test_a_job_that_runs_long_meets_the_next_tick_as_its_entry_says(app, overlap, expected):
    app.every("1h", "report", overlap=overlap)

    fired = run_clock(app, MONDAY, at(2, 6), runs={"report": "2h30m"})

    assert [each.at.hour for each in fired] == expected


def test_jobs_are_done_at_once_unless_it_is_said_how_long_they_run(app):
    app.every("1h", "report", overlap="skip")

    assert len(run_clock(app, MONDAY, TUESDAY, runs={"charge": "3h"})) == 24


# --- what cannot be meant -----------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"end": MONDAY}, "end: 2026-03-02 00:00:00 does not lie after the start"),
        ({"end": "2026-03-03"}, "end: write a datetime, not '2026-03-03'"),
        ({"restarts": [THURSDAY]}, "restarts: 2026-03-05 00:00:00 does not lie within the simulation"),
        ({"down": [(NOON, MONDAY)]}, "down: 2026-03-02 12:00:00 to 2026-03-02 00:00:00"),
        ({"down": [(NOON, THURSDAY)]}, "down: 2026-03-02 12:00:00 to 2026-03-05 00:00:00"),
        ({"down": [(NOON, 5)]}, "down: write a datetime, not 5"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_reason(app, options, said):
    with pytest.raises(InvalidOption) as caught:
        run_clock(app, **{"start": MONDAY, "end": TUESDAY, **options})

    assert str(caught.value).startswith(said)


def test_a_job_that_there_is_not_cannot_run_long(app):
    with pytest.raises(UnknownJob):
        run_clock(app, MONDAY, TUESDAY, runs={"reprot": 5})
