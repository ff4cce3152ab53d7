"""The table's promise: each job is counted once, under what became of it."""

from __future__ import annotations

from dataclasses import replace

from examples.admissions import table
from examples.admissions.evidence import Evidence
from examples.admissions.ledger import Event, Line
from examples.admissions.table import Recovery

VICTIM, SURVIVOR = 11, 12

LINES = tuple(
    Line(at, pid, event, jid, f"examples.admissions.jobs.{job}")
    for at, pid, event, jid, job in [
        (0.0, SURVIVOR, Event.PUSHED, "a", "send_mail"),
        (1.0, VICTIM, Event.STARTED, "a", "send_mail"),
        (1.1, VICTIM, Event.STARTED, "c", "ask_reference"),
        (1.2, VICTIM, Event.FAILED, "c", "ask_reference"),
        (5.5, SURVIVOR, Event.STARTED, "c", "ask_reference"),
        (5.6, SURVIVOR, Event.DONE, "c", "ask_reference"),
        (6.0, SURVIVOR, Event.STARTED, "a", "send_mail"),
        (6.1, SURVIVOR, Event.DONE, "a", "send_mail"),
        (7.0, SURVIVOR, Event.PUSHED, "d", "send_mail"),
        (8.0, SURVIVOR, Event.STARTED, "d", "send_mail"),
        (8.1, SURVIVOR, Event.FAILED, "d", "send_mail"),
        (9.0, SURVIVOR, Event.PUSHED, "e", "send_mail"),
        (9.1, SURVIVOR, Event.PUSHED, "f", "send_mail"),
        (9.2, SURVIVOR, Event.PUSHED, "g", "reject"),
        (9.3, VICTIM, Event.STARTED, "g", "reject"),
        (9.4, VICTIM, Event.DONE, "g", "reject"),
        (9.5, SURVIVOR, Event.STARTED, "g", "reject"),
        (9.6, SURVIVOR, Event.DISCARDED, "g", "reject"),
    ]
)

FOUND = Evidence(
    closed_at=0.0,
    victims=frozenset({VICTIM}),
    disorders=(),
    applications={},
    decisions=(),
    mails=(),
    kept=frozenset(),
    deliveries=(),
    letters={},
    indexed=frozenset(),
    reports=(),
    damage=(),
    lines=LINES,
    waiting=frozenset({"e"}),
    dead=frozenset({"d"}),
    ticks={},
)


def test_recovered_is_what_the_victim_had_begun_and_not_ended() -> None:
    assert table.recovery(LINES, VICTIM, 2.0) == Recovery(frozenset({"a"}), 4.0)


def test_nothing_is_recovered_where_nobody_was_killed() -> None:
    assert table.recovery(LINES, 0, 0.0) == Recovery(frozenset(), 0.0)


def test_each_job_has_a_row_and_all_have_one() -> None:
    rows = table.jobs(FOUND, frozenset({"a"}))

    assert [dict(zip(table.COLUMNS, row, strict=True)) for row in rows] == [
        _row("ask_reference", enqueued=1, done=1, retries=1),
        _row("reject", enqueued=1, done=1, twice=1),
        _row("send_mail", enqueued=4, done=1, dead=1, waiting=1, lost=1, recovered=1),
        _row("all", enqueued=6, done=3, dead=1, waiting=1, lost=1, retries=1, recovered=1, twice=1),
    ]


def _row(job: str, **numbers: int) -> dict[str, str]:
    return {"job": job} | {column: str(numbers.get(column, 0)) for column in table.COLUMNS[1:]}


def test_a_day_without_jobs_has_a_table_too() -> None:
    assert list(table.aligned([table.COLUMNS, *table.jobs(replace(FOUND, lines=()), frozenset())]))


def test_the_recovered_are_told_of() -> None:
    told = list(table.office(FOUND, table.recovery(LINES, VICTIM, 2.0)))

    assert told[-1] == (
        "killed        1 of the workers, with -9: 1 jobs in its hands were begun again elsewhere, the last one 4.0 s later"
    )


def test_a_broken_rule_shows_what_breaks_it() -> None:
    judged = {"All is well.": [], "Nothing is lost.": [f"job {n} is nowhere" for n in range(7)]}

    assert list(table.check(judged, most=2)) == [
        "  ok      All is well.",
        "  BROKEN  Nothing is lost.",
        "          job 0 is nowhere",
        "          job 1 is nowhere",
        "          ... and 5 more",
    ]
