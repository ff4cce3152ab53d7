"""An entry from outside of code is checked as one in code is, and cannot keep a cluster busy or fill its store."""

from __future__ import annotations

import queue
from datetime import UTC, date, datetime, timedelta

import pytest

from api.shop import jobs, shop, state
from mainspring import App
from mainspring.base.errors import InvalidName, InvalidOption, InvalidSchedule, UnknownJob, WrongArguments
from mainspring.clock import Clock
from mainspring.schedule import catalog
from mainspring.schedule.row import Row
from mainspring.schedule.source import MOST_ENTRIES
from mainspring.store import entries
from mainspring.store.entries import Definition


@pytest.fixture
def app(server):
    app = shop(server.url, tz="Europe/London")
    yield app
    app.close()


# --- what is accepted -----------------------------------------------------------------


def test_a_clock_that_runs_serves_it_within_its_next_look(server, app):
    ticks = queue.SimpleQueue()
    clock = Clock(app)
    clock.ticked = ticks.put
    clock.start()

    app.periodic.put("sum", "add", every="1h", args=[1])

    assert (ticks.get(timeout=10).entry, [job["args"] for job in jobs(server, "sums")]) == ("sum", [[1]])
    assert clock.stop()


def test_every_option_of_an_entry_can_be_put(app):
    start = datetime(2026, 12, 1, tzinfo=UTC)
    entry = app.periodic.put(
        "sum", app.job_named("add"), every="90m", at=["*:30", "Mon **:00"], tz="Asia/Tokyo", args=[1], kwargs={"y": 2},
        queue="low", missed="all", grace="1h", overlap="buffer", jitter=timedelta(seconds=9), start=start,
        end="2027-01-01", exclude=[date(2026, 12, 24), "* * 25 12 *"], dst="both", skip_first_run=True, paused=True,
        description="adds",
    )  # fmt: skip

    found = entry.definition

    assert (found.every, found.at, found.missed, found.grace, found.jitter) == (
        5_400, ("*:30", "Mon **:00"), "all", 3_600, 9
    )  # fmt: skip
    assert (found.start, found.end) == (start.timestamp(), datetime(2026, 12, 31, 15, tzinfo=UTC).timestamp())
    assert (found.exclude, found.dst, found.skip_first_run) == (("2026-12-24", "* * 25 12 *"), "both", True)
    assert (entry.is_paused, entry.job, entry.overlap) == (True, "shop.add", "buffer")


@pytest.mark.parametrize("day", [date(2026, 11, 22), "2026-11-22"])
def test_arguments_may_be_given_as_they_are_or_as_json(app, day):
    assert app.periodic.put("report", "report", every="1d", kwargs={"day": day}).kwargs == {"day": "2026-11-22"}


def test_a_changed_entry_keeps_its_phase_its_past_and_its_pause(server, app):
    app.periodic.put("sum", "add", every="1h", args=[1], description="old")
    app.periodic.pause("sum")
    app.periodic.trigger("sum")
    before = state(server, "sum")

    entry = app.periodic.put("sum", "add", every="2h", args=[2])

    after = state(server, "sum")
    assert (after["anchor"], after["paused"]) == (before["anchor"], before["paused"])
    assert float(after["since"]) > float(before["since"])
    assert (entry.args, entry.description, entry.is_paused) == ((2,), None, True)
    assert len(entry.history()) == 1


def test_what_is_put_again_as_it_was_changes_nothing(server, app):
    app.periodic.put("sum", "add", every="1h", args=[1])
    before = server.snapshot()

    app.periodic.put("sum", "shop.add", every="1h", args=(1,), kwargs={}, paused=False)

    assert state(server, "sum")["origin"] == "api"
    assert server.snapshot() == before


@pytest.mark.parametrize(
    "rule",
    [
        {"every": "1s"},
        {"cron": "*/10 * * * * *"},
        {"cron": "0 * * * * *"},
        {"cron": "* * * * *"},
        {"cron": "7,27,47 * * * * *"},
        {"cron": "every day at noon"},
        {"cron": "0 0 29 2 *"},
        {"cron": "0 0 0 29 2 *"},
        {"every": "1d", "at": "12:00"},
    ],
)
def test_what_is_not_too_often_is_accepted(app, rule):
    assert app.periodic.put("report", "report", **rule).next is not None


# --- what is refused ------------------------------------------------------------------

TOO_OFTEN = [
    ({"cron": "* * * * * *"}, "it is due 1 s after its last time; from outside of code 10 s or more are accepted"),
    ({"cron": "*/2 * * * * *"}, "it is due 2 s after its last time"),
    ({"cron": "0,9 30 9 1 1 *"}, "it is due 9 s"),
    ({"cron": "55-59/4 * * * * *"}, "it is due 4 s"),
    ({"cron": "0,55 * * * * *"}, "it is due 5 s"),
    ({"every": 0.5}, "from outside of code a period of 1 s or more is accepted"),
    ({"every": "100ms"}, "from outside of code a period of 1 s or more is accepted"),
    ({"every": 0.01}, ""),
]
TOO_MUCH = [
    ({"args": ["x" * 10_000]}, "it has 10,004 bytes; from outside of code 10,000 are accepted"),
    ({"kwargs": {"text": "x" * 10_000}}, "it has 10,011 bytes"),
    ({"description": "x" * 1_000}, "it has 1,002 bytes; from outside of code 1,000 are accepted"),
    ({"exclude": ["2026-12-25"] * 400}, "it has 5,201 bytes; from outside of code 4,000 are accepted"),
    ({"queue": "x" * 201}, ""),
    ({"cron": "0 9 * * * " + " " * 5_000}, "it has"),
    ({"at": ["12:00"] * 1_000}, "it has"),
    ({"tz": "x" * 5_000}, "it has"),
    ({"every": "1h" + " " * 5_000}, "it has"),
]
NO_MEANING = [
    ({"every": None}, "an entry has one of every and cron, and neither is there"),
    ({"cron": "* * * * *", "every": "1h"}, "an entry has one of every and cron, and both are there"),
    ({"cron": "0 0 30 2 *"}, ""),
    ({"tz": "Mars/Olympus"}, "no such time zone"),
    ({"colour": "red"}, "there is no such key"),
    ({"if_": print}, "there is no such key"),
    ({"exclude": print}, ""),
    ({"args": "x"}, ""),
    ({"paused": 1}, ""),
    ({"missed": "never"}, "missed: write one of"),
    ({"every": float("nan")}, ""),
    ({"start": "soon"}, ""),
]


def refused(app, given, error, says=""):
    row = {"name": "bad", "job": "free", **({} if "cron" in given else {"every": "1h"}), **given}
    name, job = row.pop("name"), row.pop("job")
    with pytest.raises(error) as caught:
        app.periodic.put(name, job, **row)
    assert says in str(caught.value)
    return caught.value


@pytest.fixture
def free(server, app):
    """Give an App with a job that takes anything; afterwards nothing must have been written."""
    app.job(name="free")(lambda *args, **kwargs: None)
    yield app
    assert server.snapshot() == {}


@pytest.mark.parametrize(("given", "says"), [*TOO_OFTEN, *TOO_MUCH])
def test_what_would_be_too_often_or_too_much_is_refused_with_the_bound(free, given, says):
    error = InvalidName if "queue" in given else InvalidSchedule

    refused(free, given, error, says)


@pytest.mark.parametrize(("given", "says"), NO_MEANING)
def test_what_cannot_be_meant_is_refused(free, given, says):
    refused(free, given, (InvalidSchedule, WrongArguments), says)


@pytest.mark.parametrize("name", ["", "x" * 256, "é" * 128, "x" * 10_000, "a\nb", "a\0b", 5])
def test_a_name_that_cannot_be_stored_or_shown_is_refused(free, name):
    refused(free, {"name": name}, (InvalidName, InvalidSchedule))


def test_a_name_may_have_255_bytes(app):
    assert app.periodic.put("é" * 127 + "x", "report", every="1h").name in app.periodic


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"job": "repport"}, UnknownJob, "did you mean"),
        ({"job": "nothing.like.it"}, UnknownJob, "no job is named"),
        ({"job": "Ruby", "queue": "a b"}, InvalidName, "cannot name a queue"),
        ({"job": "add"}, WrongArguments, "parameter 'x'"),
        ({"job": "add", "args": ["one"]}, WrongArguments, "expected int"),
        ({"job": "add", "args": [1], "kwargs": {"z": 1}}, WrongArguments, "parameter 'z'"),
        ({"job": "report", "args": ["soon"]}, WrongArguments, "parameter 'day'"),
        ({"job": "Ruby", "queue": "ruby", "args": [object()]}, WrongArguments, "JSON"),
        ({"job": "free", "args": [float("inf")]}, WrongArguments, ""),
    ],
)
def test_arguments_and_jobs_are_checked_when_it_is_put(free, given, error, says):
    refused(free, given, error, says)


def test_a_short_name_that_fits_several_jobs_is_refused_also_with_a_queue(free):
    free.job(name="other.add")(lambda: None)

    refused(free, {"job": "add", "queue": "low", "args": [1]}, UnknownJob, "ambiguous")


@pytest.mark.parametrize(
    "row",
    [
        Row(name="bad", job="free", every="1h", options={"if_": print}),
        Row(name="bad", job="free", every="1h", options={"args": "abc"}),
        Row(name="bad", job="free", every="1h", cron="* * * * *"),
        Row(name="bad", job="free"),
    ],
)
def test_a_row_that_was_made_by_hand_is_checked_too(free, row):
    with pytest.raises(InvalidSchedule):
        free.periodic.put_row(row)


def test_a_row_is_put(app):
    assert app.periodic.put_row(Row(name="report", job="report", every="1h", options={"queue": "low"})).queue == "low"


# --- whose it is ------------------------------------------------------------------------


def test_an_entry_of_code_is_changed_in_code_only(server, app):
    app.every("1h", "report", name="code")
    with pytest.raises(InvalidSchedule, match="'code': name: an entry in code has it, and is changed there"):
        app.periodic.put("code", "report", every="2h")
    Clock(app).step()
    other = shop(server.url)

    with pytest.raises(InvalidSchedule, match="'code': name: an entry in code has it, and is changed there"):
        other.periodic.put("code", "report", every="2h")

    assert other.periodic["code"].schedule == "every 1h"
    other.close()


def test_an_entry_of_a_source_is_changed_in_the_source_only(app):
    app.store.run(entries.define("", [Definition("staff", "s", "w", b'{"job":"shop.report"}')], origin="sync:hr"))

    with pytest.raises(InvalidSchedule, match="'staff': name: an entry of sync:hr has it, and is changed there"):
        app.periodic.put("staff", "report", every="2h")


def test_there_may_be_ten_thousand_entries(app):
    made = [Definition(f"{n:05}", "s", "w", b"{}") for n in range(MOST_ENTRIES)]
    for n in range(0, MOST_ENTRIES, 500):
        app.store.run(entries.define("", made[n : n + 500], origin="api"))

    with pytest.raises(InvalidSchedule, match=r"'more': there are 10,000 entries, and no more are accepted"):
        app.periodic.put("more", "report", every="1h")
    app.periodic.put("00000", "report", every="1h")

    assert len(app.periodic) == MOST_ENTRIES


# --- from a file --------------------------------------------------------------------------

SCHEDULE = """
[sum]
job = "add"
cron = "0 9 * * mon-fri"
tz = "Asia/Tokyo"
args = [1]

[report]
job = "report"
every = "1d"
at = "09:00"
kwargs = {day = 2026-11-22}
queue = "low"
"""


def test_a_file_s_entries_become_entries_of_the_code(server, app, tmp_path):
    (tmp_path / "schedule.toml").write_text(SCHEDULE)

    loaded = app.periodic.load(tmp_path / "schedule.toml")

    assert [entry.name for entry in loaded] == list(app.schedule) == ["sum", "report"]
    assert (loaded[0].job, loaded[0].cron, loaded[0].tz, loaded[0].args) == (
        "shop.add", "0 9 * * mon-fri", "Asia/Tokyo", (1,)
    )  # fmt: skip
    assert (loaded[1].at, loaded[1].tz, loaded[1].queue, loaded[1].kwargs) == (
        ("09:00",), "Europe/London", "low", {"day": "2026-11-22"}
    )  # fmt: skip
    assert {entry.origin for entry in app.periodic.values()} == {"code"}
    assert server.snapshot() == {}


def test_a_file_may_be_yaml_with_sidekiq_s_keys(app, tmp_path):
    (tmp_path / "schedule.yml").write_text("nightly:\n  cron: '30 4 * * *'\n  class: report\n  queue: low\n")

    (entry,) = app.periodic.load(str(tmp_path / "schedule.yml"))

    assert (entry.name, entry.job, entry.cron, entry.queue) == ("nightly", "shop.report", "30 4 * * *", "low")


@pytest.mark.parametrize(
    ("name", "text", "error", "says"),
    [
        ("schedule.toml", SCHEDULE + '[more]\njob = "add"\nevery = "1h"\n', WrongArguments, "parameter 'x'"),
        ("schedule.toml", SCHEDULE + '[more]\njob = "ad"\nevery = "1h"\n', UnknownJob, "did you mean"),
        ("schedule.toml", SCHEDULE + '[more]\njob = "report"\ncron = "0 0 30 2 *"\n', InvalidSchedule, "30 2"),
        ("schedule.toml", "[sum", InvalidSchedule, "no TOML"),
        ("schedule.ini", "", InvalidSchedule, ".ini"),
        ("schedule.toml", b"\xff", InvalidOption, "cannot be read"),
        ("nothing.toml", None, InvalidOption, "cannot be read"),
    ],
)
def test_a_file_that_is_wrong_says_what_is_wrong(app, tmp_path, name, text, error, says):
    if text is not None:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(error, match=says):
        app.periodic.load(tmp_path / name)


def test_all_that_is_wrong_in_a_file_is_collected(app, tmp_path):
    file = tmp_path / "schedule.toml"
    file.write_text(SCHEDULE + '[a]\njob = "ad"\nevery = "1h"\n[b]\njob = "report"\ncron = "61 * * * *"\n')

    with catalog.collect() as problems:
        loaded = app.periodic.load(file)

    assert [entry.name for entry in loaded] == ["sum", "report"]
    assert [(problem.where, type(problem.error)) for problem in problems] == [
        (str(file), UnknownJob), (str(file), InvalidSchedule)
    ]  # fmt: skip


# --- sources ------------------------------------------------------------------------------


def rows():
    return []


def test_sources_are_registered_by_call_and_as_decorators():
    app = App("redis://127.0.0.1:1/0")

    assert app.periodic.sync(rows, "30s") is rows

    @app.periodic.sync
    def staff():
        yield {}

    @app.periodic.sync(every=2, name="s")
    def shifts():
        return []

    assert [(found.name, found.read, found.every, found.origin) for found in app.sources] == [
        ("rows", rows, 30.0, "sync:rows"), ("staff", staff, 60.0, "sync:staff"), ("s", shifts, 2.0, "sync:s")
    ]  # fmt: skip


async def awaited():
    return []


@pytest.mark.parametrize(
    ("source", "options", "error"),
    [
        (rows, {"every": 0.01}, InvalidOption),
        (rows, {"name": "a\nb"}, InvalidName),
        (rows, {"name": ""}, InvalidName),
        ("rows", {"name": "x"}, InvalidOption),
        (lambda session: [], {"name": "x"}, InvalidOption),
        (awaited, {}, InvalidOption),
        (rows, {"name": "taken"}, InvalidOption),
    ],
)
def test_a_source_that_cannot_be_one_is_refused(source, options, error):
    app = App("redis://127.0.0.1:1/0")
    app.periodic.sync(list, name="taken")

    with pytest.raises(error):
        app.periodic.sync(source, **options)

    assert len(app.sources) == 1
