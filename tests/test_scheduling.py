"""An App takes periodic entries where they are written, and makes of each tick the job that an enqueue would make."""

from __future__ import annotations

import inspect
import json
from contextvars import ContextVar
from datetime import date

import pytest

from mainspring import App
from mainspring.base.errors import InvalidName, InvalidSchedule, UnknownJob, WrongArguments
from mainspring.schedule import catalog, record
from mainspring.schedule.ticks import jid
from mainspring.store.periodic import TickJob

TICK, NOW = 1_790_000_000.0, 1_790_000_002.5
TENANT: ContextVar[str] = ContextVar("tenant", default="")


@pytest.fixture
def app():
    return App("redis://127.0.0.1:1", queue="low", tz="Europe/Paris")


@pytest.fixture
def charge(app):
    @app.job(name="shop.charge", queue="billing", retry=3, tags=["money"])
    def charge(customer: int, day: date, *, quietly: bool = False) -> None: ...

    return charge


def made(app, entry, **options):
    """Return the queue and the record of the job of one tick."""
    queue, payload, at = app.tick_payload(entry, TICK, NOW, **options)
    assert at is None
    return queue, json.loads(payload)


# --- where they are written --------------------------------------------------------------


@pytest.mark.parametrize("job", ["shop.charge", "charge", None])
def test_an_entry_names_a_job_by_itself_or_by_a_name_of_it(app, charge, job):
    period = app.every("1h", job or charge, args=[1, date(2026, 12, 1)])
    cron = app.cron("0 9 * * *", job or charge, args=[1, date(2026, 12, 1)], tz="UTC")

    assert [(entry.name, entry.job, entry.tz) for entry in (period, cron)] == [
        ("shop.charge", "shop.charge", "Europe/Paris"),
        ("shop.charge.2", "shop.charge", "UTC"),
    ]
    assert list(app.schedule.values()) == [period, cron]


def test_decorators_make_a_job_of_a_function_and_may_stand_on_one_another(app):
    @app.every("1h", name="often")
    @app.cron("0 4 * * *", name="nightly")
    @app.job(name="sweep")
    def sweep() -> None: ...

    assert app.jobs["sweep"] is sweep
    assert {entry.name: entry.job for entry in app.schedule.values()} == {"nightly": "sweep", "often": "sweep"}


def test_arguments_are_bound_where_they_are_written_and_become_json(app, charge):
    entry = app.every("1h", charge, args=[1], kwargs={"day": date(2026, 12, 1), "quietly": True})

    assert (entry.args, entry.kwargs) == ((1,), {"day": "2026-12-01", "quietly": True})


@pytest.mark.parametrize(
    ("written", "error"),
    [
        ({"job": "nobody"}, UnknownJob),
        ({"args": []}, WrongArguments),
        ({"args": ["one", date(2026, 12, 1)]}, WrongArguments),
        ({"queue": "a b"}, InvalidName),
        ({"name": ""}, InvalidName),
        ({"period": "soon"}, InvalidSchedule),
        ({"cron": "* * * *"}, InvalidSchedule),
        ({"cron": "* * * * *", "jitter": "soon"}, InvalidSchedule),
    ],
    ids=str,
)
def test_what_is_wrong_is_refused_where_it_is_written_and_nothing_is_kept(app, charge, written, error):
    options = {"job": "charge", "args": [1, date(2026, 12, 1)]} | written
    period, cron = options.pop("period", "1h"), options.pop("cron", None)

    with pytest.raises(error):
        _ = app.every(period, **options) if cron is None else app.cron(cron, **options)

    assert not app.schedule


def test_what_is_wrong_can_be_collected_with_where_it_is_written(app):
    line = inspect.currentframe().f_lineno
    with catalog.collect() as found:
        broken = app.every("24h", app.job(name="a")(lambda: None), at="24:00")
        right = app.every("1h", "a")
        app.cron("* * *", "nobody")

        @app.cron("0 0 30 2 *")
        def never() -> None: ...

    assert [(problem.where.rsplit(":", 1)[0], type(problem.error)) for problem in found] == [
        (__file__, InvalidSchedule),
        (__file__, UnknownJob),
        (__file__, InvalidSchedule),
    ]
    assert [int(problem.where.rsplit(":", 1)[1]) - line for problem in found] == [2, 4, 6]
    assert list(app.schedule.values()) == [right]
    assert broken.rule.after(0.0) is None
    assert app.jobs[never.name] is never


# --- what becomes of a tick ----------------------------------------------------------------


def test_the_job_of_a_tick_is_that_of_an_enqueue_and_knows_its_tick(app, charge):
    entry = app.every("1h", charge, args=[1, date(2026, 12, 1)])

    queue, job = made(app, entry, late=2.5)

    assert queue == "billing"
    assert job == {
        "class": "shop.charge",
        "args": [1, "2026-12-01"],
        "jid": jid("shop.charge", TICK),
        "queue": "billing",
        "retry": 3,
        "tags": ["money"],
        "created_at": NOW,
        "enqueued_at": NOW,
        "flow": {"entry": ":shop.charge"},
        "periodic": {"name": "shop.charge", "tick": TICK, "tz": "Europe/Paris", "kind": "scheduled", "late": 2.5},
    } | {name: job[name] for name in ("v", "kwargs") if name in job}


def test_an_entry_may_have_another_queue_than_its_job_and_a_run_another_id_than_its_tick(app, charge):
    entry = app.every("1h", charge, args=[1, date(2026, 12, 1)], queue="urgent")

    queue, job = made(app, entry, kind="manual", jid="a" * 24)

    assert (queue, job["queue"], job["jid"], job["periodic"]["kind"]) == ("urgent", "urgent", "a" * 24, "manual")


def test_ticks_of_another_namespace_have_other_ids(charge, app):
    other = App("redis://127.0.0.1:1", namespace="bank")
    entry = app.every("1h", charge, args=[1, date(2026, 12, 1)])

    _, job = made(other, entry)

    assert job["jid"] == jid("shop.charge", TICK, "bank") != jid("shop.charge", TICK)


def test_a_job_whose_code_lives_elsewhere_has_the_apps_options(app):
    entry = app.schedule.every("1h", "Hard::Worker", args=[1])

    queue, job = made(app, entry)

    assert (queue, job["class"], job["args"], job["retry"]) == ("low", "Hard::Worker", [1], True)


def test_middlewares_and_what_travels_with_jobs_count_for_ticks_too(app, charge):
    entry, seen = app.every("1h", charge, args=[1, date(2026, 12, 1)]), []

    def link(push):
        seen.append(push.fields["periodic"]["tick"])
        push.queue = "slow"
        yield

    app.use(enqueue=link)
    app.carry(TENANT)
    token = TENANT.set("acme")
    try:
        queue, job = made(app, entry)
    finally:
        TENANT.reset(token)

    assert (queue, seen) == ("slow", [TICK])
    assert "acme" in json.dumps(job)


def test_a_middleware_that_stops_the_job_of_a_tick_leaves_nothing_to_push(app, charge):
    entry = app.every("1h", charge, args=[1, date(2026, 12, 1)])

    def stops(push):
        return
        yield

    app.use(enqueue=stops)

    assert app.tick_payload(entry, TICK, NOW) == TickJob("billing", b"")


def test_arguments_from_elsewhere_are_held_against_the_job_and_those_of_the_code_were_before(app, charge):
    own = app.every("1h", charge, args=[1, date(2026, 12, 1)], name="own")
    right, wrong = (
        app.schedule.every_entry("1h", "shop.charge", args=args) for args in ([1, "2026-12-01"], [1, "tomorrow"])
    )

    assert made(app, own)[1]["args"] == made(app, right)[1]["args"]
    with pytest.raises(WrongArguments, match="day"):
        made(app, wrong)


# --- what stands of an entry in the store ----------------------------------------------------


def test_a_definition_holds_the_record_of_an_entry_with_its_digests(app, charge):
    entry = app.every("1h", charge, args=[1, date(2026, 12, 1)], paused=True)

    found = app.definition(entry)

    data = json.loads(found.record)
    assert data == record.record(entry)
    assert (found.name, found.stamp, found.when) == ("shop.charge", record.stamp(data), record.when(data))
    assert found.paused is True
    assert app.definition(app.schedule.every_entry("1h", "shop.charge")).paused is False
