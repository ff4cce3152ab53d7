"""The check's promise: it passes what is right, and names each thing that is wrong.

Every rule is shown evidence with one planted fault.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace

import pytest
from examples.admissions import evidence, letters, rules, season
from examples.admissions.evidence import Decided, Evidence, Owed, StoreEvidence, Ticks
from examples.admissions.keeper import Delivery
from examples.admissions.ledger import Event, Ledger, Line
from examples.admissions.office import Application
from examples.admissions.settings import Settings

CLOSED = 1000.0
VICTIM, SURVIVOR = 11, 12


def lines(*events: tuple[int, Event, str]) -> tuple[Line, ...]:
    """Return the ledger of these events, in this order."""
    return tuple(Line(float(at), pid, event, jid, "send_mail") for at, (pid, event, jid) in enumerate(events))


ORDINARY = lines(
    (SURVIVOR, Event.PUSHED, "a"),
    (SURVIVOR, Event.STARTED, "a"),
    (SURVIVOR, Event.DONE, "a"),
    (SURVIVOR, Event.PUSHED, "b"),
    (VICTIM, Event.STARTED, "b"),
    (SURVIVOR, Event.STARTED, "b"),
    (SURVIVOR, Event.FAILED, "b"),
    (SURVIVOR, Event.STARTED, "b"),
    (SURVIVOR, Event.DONE, "b"),
)

#: One application rejected, one offered, one still open; one worker killed with job b in its hands.
RIGHT = Evidence(
    closed_at=CLOSED,
    victims=frozenset({VICTIM}),
    disorders=(),
    applications={
        1: Decided(900.0, "rejected", 900.5),
        2: Decided(990.0, "offered", 950.0),
        3: Decided(1000.5, None, None),
    },
    decisions=((1, "rejected"), (2, "offered")),
    mails=(Owed("<r1>", "rejection", 1, is_sent=True), Owed("<o2>", "offer", 2, is_sent=True)),
    kept=frozenset({"<r1>", "<o2>"}),
    deliveries=(Delivery("<r1>", "a"), Delivery("<o2>", "b"), Delivery("<o2>", "b")),
    letters={2: True},
    indexed=frozenset({1, 2, 3}),
    reports=("2026-11-21.txt",),
    damage=(),
    lines=ORDINARY,
    waiting=frozenset(),
    dead=frozenset(),
    ticks={"sweep": Ticks(ideal=frozenset({1.0, 2.0}), seen=frozenset({1.0, 2.0}))},
)


def broken(judged: Evidence) -> dict[str, list[str]]:
    """Return the sentences that are wrong, each with what breaks it."""
    return {sentence: found for sentence, found in rules.judge(judged).items() if found}


def test_what_is_right_breaks_no_rule() -> None:
    assert broken(RIGHT) == {}


def applications(number: int, one: Decided) -> dict[int, Decided]:
    return dict(RIGHT.applications) | {number: one}


@pytest.mark.parametrize(
    ("planted", "complaint"),
    [
        pytest.param(
            replace(RIGHT, applications=applications(3, Decided(1000.0, None, None))),
            "application 3 is past its deadline and not decided",
            id="a deadline forgotten",
        ),
        pytest.param(
            replace(RIGHT, applications=applications(1, Decided(901.0, "rejected", 900.5))),
            "application 1 was rejected 0.500 s before its deadline",
            id="a rejection too early",
        ),
        pytest.param(
            replace(RIGHT, applications=applications(2, Decided(950.0, "offered", 950.0))),
            "application 2 was offered 0.000 s after its deadline",
            id="an offer too late",
        ),
        pytest.param(
            replace(RIGHT, decisions=(*RIGHT.decisions, (1, "rejected"))),
            "application 1 was rejected 2 times",
            id="a rejection twice",
        ),
        pytest.param(
            replace(RIGHT, decisions=(*RIGHT.decisions, (2, "rejected"))),
            "application 2 was rejected once and is not any more",
            id="a decision changed",
        ),
        pytest.param(
            replace(RIGHT, decisions=RIGHT.decisions[1:]),
            "application 1 is rejected and nobody has recorded it",
            id="a decision behind the auditor's back",
        ),
        pytest.param(
            replace(RIGHT, mails=(*RIGHT.mails, Owed("<o1>", "offer", 1, is_sent=True)), kept=RIGHT.kept | {"<o1>"}),
            "applicant 1 is rejected and was told ['offered', 'rejected']",
            id="two answers to one applicant",
        ),
        pytest.param(
            replace(RIGHT, mails=RIGHT.mails[1:], kept=frozenset({"<o2>"})),
            "applicant 1 is rejected and was told nothing",
            id="a decision without a mail",
        ),
        pytest.param(
            replace(RIGHT, mails=(*RIGHT.mails, Owed("<d>", "digest", None, is_sent=False))),
            "mail <d> was owed and never sent",
            id="a mail never sent",
        ),
        pytest.param(
            replace(RIGHT, mails=(*RIGHT.mails, Owed("<d>", "digest", None, is_sent=True))),
            "mail <d> is marked as sent and is not in the mailbox",
            id="a mail lost on its way",
        ),
        pytest.param(
            replace(RIGHT, kept=RIGHT.kept | {"<spam>"}),
            "mail <spam> is in the mailbox and nobody owed it",
            id="a mail that nobody owed",
        ),
        pytest.param(
            replace(RIGHT, deliveries=(*RIGHT.deliveries, Delivery("<r1>", "a"))),
            "mail <r1> came 2 times, from jobs that ran once: a, a",
            id="a mail twice without cause",
        ),
        pytest.param(
            replace(RIGHT, letters={}), "application 2 was offered a place and has no letter", id="a letter missing"
        ),
        pytest.param(
            replace(RIGHT, letters={1: True, 2: True}),
            "application 1 has a letter and no offer",
            id="a letter to the rejected",
        ),
        pytest.param(
            replace(RIGHT, letters={2: False}), "the letter of application 2 is no whole PDF", id="half a letter"
        ),
        pytest.param(
            replace(RIGHT, indexed=frozenset({1, 3})), "application 2 is not in the index", id="not to be found"
        ),
        pytest.param(
            replace(RIGHT, lines=(*ORDINARY, Line(9.0, SURVIVOR, Event.PUSHED, "c", "send_mail"))),
            "job c (send_mail) was acknowledged and is nowhere",
            id="a job lost before it began",
        ),
        pytest.param(
            replace(RIGHT, lines=ORDINARY[:-1]),
            "job b (send_mail) was acknowledged and is nowhere",
            id="a job lost after it had begun",
        ),
        pytest.param(
            replace(RIGHT, lines=(*ORDINARY, Line(9.0, SURVIVOR, Event.STARTED, "a", "send_mail"))),
            f"job a (send_mail) was begun by {SURVIVOR} after {SURVIVOR} had ended it",
            id="a job run again",
        ),
        pytest.param(
            replace(RIGHT, victims=frozenset()),
            f"job b (send_mail) was begun by {SURVIVOR} while {VICTIM} ran it",
            id="a job in two places",
        ),
        pytest.param(replace(RIGHT, waiting=frozenset({"z"})), "1 jobs still wait: z ...", id="a job left behind"),
        pytest.param(
            replace(RIGHT, ticks={"sweep": Ticks(ideal=frozenset({1.0, 2.0}), seen=frozenset({1.0}))}),
            "sweep was not enqueued for 2.000",
            id="a tick lost",
        ),
        pytest.param(
            replace(RIGHT, ticks={"sweep": Ticks(frozenset(), frozenset(), strangers=frozenset({"x"}))}),
            "sweep: job x is of none of its times",
            id="a tick too many",
        ),
        pytest.param(replace(RIGHT, reports=()), "there is no report", id="the report forgotten"),
        pytest.param(
            replace(RIGHT, disorders=("clock ended unasked with exit code 70",)),
            "clock ended unasked with exit code 70",
            id="a process that fell over",
        ),
        pytest.param(replace(RIGHT, damage=("page 3 is torn",)), "page 3 is torn", id="a damaged database"),
    ],
)
def test_a_planted_fault_is_named(planted: Evidence, complaint: str) -> None:
    assert [complaint] in broken(planted).values()


def test_a_job_that_waits_or_is_dead_is_not_lost() -> None:
    pushed = (*ORDINARY, *lines((SURVIVOR, Event.PUSHED, "c"), (SURVIVOR, Event.PUSHED, "d")))
    judged = replace(RIGHT, lines=pushed, waiting=frozenset({"c"}), dead=frozenset({"d"}))

    assert list(rules.nothing_is_lost(judged)) == []


def test_a_job_that_its_worker_put_back_may_begin_again() -> None:
    cut = lines((SURVIVOR, Event.STARTED, "e"), (SURVIVOR, Event.CUT, "e"), (VICTIM, Event.STARTED, "e"))

    assert list(rules.nothing_runs_twice_without_cause(replace(RIGHT, lines=cut))) == []


def names(found: Iterable[rules.Rule]) -> set[str]:
    return {rule.__name__ for rule in found}


def test_no_rule_is_without_a_planted_fault_that_it_alone_or_with_others_names() -> None:
    marks = [mark for mark in test_a_planted_fault_is_named.pytestmark if mark.name == "parametrize"]  # type: ignore[attr-defined]  # pytest puts it there
    planted = [case.values for case in marks[0].args[1]]
    caught = {rule for rule in rules.RULES for judged, complaint in planted if [complaint] == list(rule(judged))}

    assert names(caught) == names(rules.RULES)


def test_evidence_is_what_the_office_has_left(settings: Settings, zoe: Application) -> None:
    Ledger(settings.ledger).write(Event.PUSHED, "a", "send_mail")
    letters.write(settings.letters, zoe, decided_at=CLOSED)
    (settings.letters / "offer-00007.pdf").write_bytes(b"%PDF-1.3 torn")
    (settings.letters / "offer-00008.1-1.draft").write_bytes(b"%PDF-1.3")
    (settings.reports / "2026-11-21.txt").touch()

    found = evidence.gather(settings, StoreEvidence(), closed_at=CLOSED)

    assert found.applications == {zoe.id: Decided(zoe.deadline, None, None)}
    assert found.letters == {zoe.id: True, 7: False}
    assert [line.jid for line in found.lines] == ["a"]
    assert found.reports == ("2026-11-21.txt",)
    assert found.damage == ()


def test_evidence_tells_of_rows_that_point_to_nothing(settings: Settings) -> None:
    with closing(sqlite3.connect(settings.database)) as db, db:
        db.execute("INSERT INTO recommendations VALUES (5, 1, 'of nobody')")

    found = evidence.gather(settings, StoreEvidence(), closed_at=CLOSED)

    assert found.damage == ("recommendations, row 5: what it names is not in applications",)


def test_the_season_has_a_deadline_in_every_tenth_of_a_second() -> None:
    found = list(season.applications(CLOSED, random.Random(1)))

    assert len(found) == season.APPLICATIONS
    assert [one.deadline for one in found[:3]] == [CLOSED + 0.1, CLOSED + 0.2, CLOSED + 0.3]
