"""The checks tell what needs somebody and where to look, and do not cry where all is well."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mainspring import App
from mainspring.api import checks
from mainspring.api.checks import Finding
from mainspring.api.failures import Failure
from mainspring.api.health import Reading
from mainspring.api.overview import Snapshot
from mainspring.api.processes import Process
from mainspring.api.queues import QueueState
from mainspring.store import failures as notes
from mainspring.store.failures import Noted

NOW = 1_790_000_000.0


def process(role: str = "worker", **facts: object) -> Process:
    known = {
        "identity": "web-1:7:a",
        "role": role,
        "host": "web-1",
        "pid": 7,
        "tag": "",
        "started_at": NOW - 60,
        "queues": ["default"],
        "labels": [],
        "busy": 0,
        "concurrency": 5,
        "rss_kb": 0,
        "rtt_us": 0,
        "is_quiet": False,
        "beat": NOW - 3,
        "version": "1.0.0",
        "work": (),
        "_store": None,
    }
    return Process(**(known | facts))  # type: ignore[arg-type]  # by name


def failure(**facts: object) -> Failure:
    known = {
        "signature": "ab12",
        "job": "crm.SyncCrm",
        "error_class": "HTTPError",
        "message": "503 from {n}",
        "frame": "",
        "queue": "default",
        "count": 1071,
        "first_seen": NOW - 1320,
        "last_seen": NOW - 5,
        "series": [0] * 59 + [7],
        "hours": (),
        "samples": (),
        "_backtrace": "",
    }
    return Failure(**(known | facts))  # type: ignore[arg-type]  # by name


def reading(
    queues: tuple[QueueState, ...] = (), processes: tuple[Process, ...] | None = None, **facts: object
) -> Reading:
    """Return a reading of a store in which all is well, but for what is said."""
    counts = {
        name: facts.pop(name, 0)
        for name in ("scheduled", "retries", "dead", "processed", "failed", "periodic", "batches")
    }
    snapshot = Snapshot(
        at=NOW,
        queues=queues,
        processes=(process(),) if processes is None else processes,
        next_retry=facts.pop("next_retry", None),  # type: ignore[arg-type]  # seconds
        **counts,  # type: ignore[arg-type]  # counts
    )
    return Reading(snapshot, **facts)  # type: ignore[arg-type]  # by name


def wrong(given: Reading) -> list[Finding]:
    return [finding for finding in checks.judge(given) if finding.severity != "ok"]


FULL = {"used_memory": "95", "maxmemory": "100", "maxmemory_policy": "noeviction"}

TROUBLES = {
    "an error that is new": (
        reading(failures=[failure()]),
        "bad",
        "SyncCrm started failing 22 min ago",
        "/failures/ab12",
    ),
    "a queue without a worker": (
        reading((QueueState("reports/x", 17, 540.0, is_paused=False),)),
        *("bad", "Queue reports/x has no worker", "/queues/reports%2Fx"),
    ),
    "a queue that only quiet processes hear": (
        reading((QueueState("default", 1, 1.0, is_paused=False),), (process(is_quiet=True),)),
        *("bad", "Queue default has no worker", "/queues/default"),
    ),
    "a queue behind its target": (
        reading((QueueState("default", 2, 90.0, is_paused=False),), targets={"default": 60.0}),
        *("warn", "Queue default is behind its target", "/queues/default"),
    ),
    "a queue that is paused while jobs wait": (
        reading((QueueState("default", 2, 90.0, is_paused=True),)),
        *("warn", "Queue default is paused", "/queues/default"),
    ),
    "scheduled jobs that nobody pushes": (
        reading(due=NOW - 180),
        *("bad", "Scheduled jobs are overdue by 3 m", "/scheduled"),
    ),
    "retries that nobody pushes": (reading(next_retry=NOW - 180), "bad", "Retries are overdue by 3 m", "/failures"),
    "a schedule without a clock": (
        reading(periodic=31, has_clock=False),
        *("bad", "No clock is running", "/clock"),
    ),
    "missed ticks": (
        reading(periodic=31, has_clock=True, missed={"report": NOW - 100}),
        *("warn", "Ticks of 1 entry were missed", "/clock"),
    ),
    "a silent process": (reading(processes=(process(beat=NOW - 45),)), "warn", "Worker web-1:7 is silent", "/workers"),
    "mixed versions": (
        reading(processes=(process(), process(version="2.0.0"))),
        *("warn", "Processes run different versions", "/workers"),
    ),
    "deaths of late": (reading(died=3, dead=23), "warn", "3 jobs died within the hour", "/morgue"),
    "a dead set that is almost full": (reading(dead=9_500), "warn", "The dead set is almost full", "/morgue"),
    "a store that is full": (reading(server=FULL), "bad", "The store is 95% full", "/store"),
    "a store that evicts": (
        reading(server=FULL | {"used_memory": "1", "maxmemory_policy": "allkeys-lru"}),
        *("bad", "The store may throw jobs away", "/store"),
    ),
    "a dashboard for everybody": (reading(is_open=True), "warn", "The dashboard asks nobody who they are", ""),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_each_trouble_is_told_once_with_where_to_look(name):
    given, severity, title, path = TROUBLES[name]

    found = wrong(given)

    assert [(each.severity, each.title, each.path) for each in found] == [(severity, title, path)]


@pytest.mark.parametrize(
    "given",
    [
        reading(),
        reading((QueueState("default", 5, 9.0, is_paused=False),), targets={"default": 60.0}),
        reading((QueueState("other", 0, 0.0, is_paused=True),)),
        reading(due=NOW + 5, next_retry=NOW - 10),
        reading(periodic=31, has_clock=True),
        reading(periodic=31, has_clock=None),
        reading((), (process("clock"), process()), periodic=31, has_clock=False),
        reading(failures=[failure(first_seen=NOW - 9 * 86_400)]),
        reading(failures=[failure(last_seen=NOW - 7_200)]),
        reading(server={"used_memory": "100", "maxmemory": "0", "maxmemory_policy": "allkeys-lru"}),
        reading(missed={"report": NOW - 100_000}, periodic=1, has_clock=True),
    ],
)
def test_where_all_is_well_nothing_needs_anybody(given):
    assert wrong(given) == []


def test_what_is_worst_comes_first_and_each_check_that_is_well_says_so():
    found = checks.judge(reading(died=1, due=NOW - 999, is_open=False, server=FULL | {"used_memory": "2"}))

    order = ["bad", "warn", "ok"]
    assert [each.severity for each in found] == sorted((each.severity for each in found), key=order.index)
    well = {each.check for each in found if each.severity == "ok"}
    assert well == {
        *("errors.new", "queue.workers", "queue.target", "process.stale", "process.versions"),
        *("store.memory", "dashboard.open"),
    }


@pytest.mark.parametrize(
    ("deploys", "said"),
    [
        ([(NOW - 1_400, "a91f3c")], "right after deploy a91f3c"),
        ([(NOW - 9_000, "old")], "since deploy old"),
        ([(NOW - 60, "later")], ""),
        ([(NOW - 9_000, "old"), (NOW - 1_330, "new"), (NOW - 60, "later")], "right after deploy new"),
    ],
)
def test_a_new_error_is_put_down_to_the_deploy_before_it(deploys, said):
    (found,) = wrong(reading(failures=[failure()], deploys=deploys))

    assert found.text.endswith(said)
    assert ("deploy" in found.text) == bool(said)


def test_many_of_one_kind_are_counted():
    queues = tuple(QueueState(f"q{number}", 1, 1.0, is_paused=False) for number in range(9))
    errors = [replace(failure(), signature=f"{number:04}") for number in range(9)]

    titles = [each.title for each in wrong(reading(queues, failures=errors))]

    assert "4 more queues have no worker" in titles
    assert "4 more errors are new" in titles
    assert len(titles) == 12


def test_an_app_checks_its_own_store(server):
    app = App(server.url)

    @app.job(name="shop.report")
    def report() -> None: ...

    app.enqueue("shop.other", queue="reports")
    app.periodic.put("sweep", "shop.report", every="1h")
    app.metrics.mark_deploy("a91f3c")
    now = app.time.now()
    facts = ("shop.report", "ValueError", "no", "", "default", "")
    app.store.run(notes.note([Noted("ab12", facts, 3, now, now, ["a"])], now=now))

    found = {each.check: each for each in app.checks() if each.severity != "ok"}

    assert set(found) == {"errors.new", "queue.workers", "clock.alive"}
    assert "right after deploy a91f3c" in found["errors.new"].text
    app.close()
