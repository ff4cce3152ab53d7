"""A schedule holds what was written, under names that do not clash, or refuses it where it is written."""

from __future__ import annotations

import pytest

from mainspring.base.errors import InvalidName, InvalidSchedule
from mainspring.schedule.catalog import Catalog
from mainspring.schedule.crontab import Cron
from mainspring.schedule.every import Interval


@pytest.fixture
def catalog():
    return Catalog()


def test_an_entry_keeps_what_was_written(catalog):
    entry = catalog.every(
        "10m",
        "shop.sweep",
        name="sweep",
        args=[42],
        kwargs={"deep": True},
        queue="low",
        missed="all",
        grace="5m",
        skip_first_run=True,
        description="Sweeps.",
    )

    assert catalog["sweep"] is entry
    assert (entry.job, entry.args, entry.kwargs, entry.queue) == ("shop.sweep", (42,), {"deep": True}, "low")
    assert (entry.missed, entry.grace, entry.skip_first_run) == ("all", 300.0, True)
    assert (entry.rule, entry.schedule, entry.description) == (Interval(600), "every 10m", "Sweeps.")


def test_an_entry_has_quiet_defaults(catalog):
    entry = catalog.cron("0 9 * * *", "report")

    assert isinstance(entry.rule, Cron)
    assert (entry.name, entry.schedule, entry.tz) == ("report", "0 9 * * *", "UTC")
    assert (entry.args, entry.kwargs, entry.queue, entry.missed, entry.grace) == ((), {}, None, "once", None)


def test_what_the_caller_changes_later_does_not_change_the_entry(catalog):
    args, kwargs = [1], {"a": 1}
    entry = catalog.every("1m", "job", args=args, kwargs=kwargs)

    args.append(2)
    kwargs["b"] = 2

    assert (entry.args, entry.kwargs) == ((1,), {"a": 1})


def test_several_entries_of_one_job_are_numbered_from_the_second_on(catalog):
    names = [catalog.every(f"{n}m", "sweep").name for n in (1, 2, 3)]

    assert names == ["sweep", "sweep.2", "sweep.3"] == list(catalog)
    assert len(catalog) == 3


def test_a_number_that_is_taken_is_passed_over(catalog):
    catalog.every("1m", "other", name="sweep.2")
    catalog.every("1m", "sweep")

    assert catalog.every("2m", "sweep").name == "sweep.3"


def test_a_name_that_is_taken_is_refused(catalog):
    catalog.every("1m", "sweep", name="hello")

    with pytest.raises(InvalidSchedule, match="another entry has this name"):
        catalog.every("2m", "sweep", name="hello")

    assert catalog["hello"].rule == Interval(60)


@pytest.mark.parametrize("name", ["", "a\nb", "a\0b", "\ud800", "x" * 256, "\N{SNOWMAN}" * 100, 5])
def test_a_name_that_cannot_be_stored_or_shown_is_refused(catalog, name):
    with pytest.raises(InvalidName, match="no name for an entry"):
        catalog.every("1m", "sweep", name=name)

    assert not catalog


def test_the_zone_of_the_app_is_that_of_entries_that_name_none():
    catalog = Catalog(tz="Europe/Paris")

    assert catalog.every("1d", "a", at="12:00").tz == "Europe/Paris"
    assert catalog.every("1d", "b", at="12:00", tz="UTC").tz == "UTC"
    assert catalog["a"].rule.after(0) == catalog["b"].rule.after(0) - 3600


def test_the_schedule_is_shown_as_it_was_written(catalog):
    catalog.every("1d", "a", at=["06:00", "18:00"])
    catalog.every(90, "b")
    catalog.cron("  0 9 *  * mon-fri", "c")

    assert [entry.schedule for entry in catalog.values()] == [
        "every 1d at 06:00, 18:00",
        "every 90",
        "0 9 * * mon-fri",
    ]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"missed": "never"}, "'once', 'all', 'skip'"),
        ({"missed": None}, "missed"),
        ({"grace": "-1s"}, "grace"),
        ({"grace": "later"}, "grace"),
        ({"tz": "Europe/Pariss"}, "Europe/Paris"),
        ({"args": "42"}, "args"),
        ({"args": 42}, "args"),
        ({"args": {1, 2}}, "args"),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused_and_nothing_is_kept(catalog, options, says):
    for define in (lambda: catalog.every("1m", "job", **options), lambda: catalog.cron("* * * * *", "job", **options)):
        with pytest.raises(InvalidSchedule, match=says):
            define()

    assert not catalog


def test_an_unknown_option_is_refused(catalog):
    with pytest.raises(TypeError, match="mised"):
        catalog.every("1m", "job", mised="all")


def test_a_period_counts_from_just_before_its_anchor_and_a_skipped_first_run_from_it(catalog):
    soon = catalog.every("1m", "soon")
    later = catalog.every("1m", "later", skip_first_run=True)
    rule = soon.rule.anchored(1000.0)

    assert rule.after(soon.begins(rule, 1000.0)) == 1000.0
    assert rule.after(later.begins(rule, 1000.0)) == 1060.0


def test_a_skipped_first_run_of_a_time_of_day_is_its_first_time(catalog):
    entry = catalog.every("1d", "job", at="06:00", skip_first_run=True)

    assert entry.rule.after(entry.begins(entry.rule, 0.0)) == (24 + 6) * 3600
