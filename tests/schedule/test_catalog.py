"""A schedule holds what was written, under names that do not clash, or refuses it where it is written."""

from __future__ import annotations

import pytest

from mainspring.base.errors import InvalidName, InvalidSchedule
from mainspring.schedule import catalog as catalogs
from mainspring.schedule.catalog import Catalog, Problem
from mainspring.schedule.crontab import Crontab
from mainspring.schedule.interval import Interval
from mainspring.schedule.row import Row


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

    assert isinstance(entry.rule, Crontab)
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
        "every 1 m 30 s",
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


# --- problems --------------------------------------------------------------------------


def test_where_problems_are_collected_they_are_noted_and_elsewhere_they_are_not():
    error = InvalidSchedule("24:00", "at: there is no such time")

    assert catalogs.note("clock.py:1", error) is False
    with catalogs.collect() as found:
        assert catalogs.note("clock.py:1", error) is True
        with catalogs.collect() as inner:
            catalogs.note("clock.py:2", error)
    assert found == [Problem("clock.py:1", error)]
    assert inner == [Problem("clock.py:2", error)]
    assert catalogs.note("clock.py:3", error) is False


def test_what_stands_for_a_broken_entry_is_never_due():
    broken = catalogs.broken()

    assert (broken.rule.after(0.0), broken.rule.before(1e9), broken.rule.anchored(5.0).after(0.0)) == (None, None, None)


# --- rows ------------------------------------------------------------------------------


def test_a_row_makes_the_entry_that_code_makes_and_adds_nothing(catalog):
    options = {"args": [1], "jitter": "5m", "exclude": ["2026-12-25"]}

    period = catalog.row_entry(Row(name="a", job="job", every="1d", at="09:00", tz="Europe/Paris", options=options))
    cron = catalog.row_entry(Row(name="b", job="job", cron="0 9 * * *", options=options))

    assert not catalog
    assert period == catalog.every("1d", "job", at="09:00", tz="Europe/Paris", name="a", **options)
    assert cron == catalog.cron("0 9 * * *", "job", name="b", **options)
