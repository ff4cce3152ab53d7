"""What must be true when the office has closed: each rule names all that breaks it.

The rules look at evidence that was gathered beforehand, so each can be shown evidence
that breaks it: a check that cannot fail proves nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from examples.admissions.evidence import Evidence
from examples.admissions.ledger import SETTLED, Event, Line

Rule = Callable[[Evidence], Iterator[str]]


def deadlines_are_kept(evidence: Evidence) -> Iterator[str]:
    """Each application past its deadline is decided; none was rejected before it, or offered after."""
    for number, one in evidence.applications.items():
        if one.decided_at is None:
            if one.deadline <= evidence.closed_at:
                yield f"application {number} is past its deadline and not decided"
        elif one.outcome == "rejected" and one.decided_at < one.deadline:
            yield f"application {number} was rejected {one.deadline - one.decided_at:.3f} s before its deadline"
        elif one.outcome == "offered" and one.decided_at >= one.deadline:
            yield f"application {number} was offered {one.decided_at - one.deadline:.3f} s after its deadline"


def each_is_decided_once(evidence: Evidence) -> Iterator[str]:
    """The auditor's list has each decision once, and no other."""
    audited = Counter(evidence.decisions)
    decided = {(number, one.outcome) for number, one in evidence.applications.items() if one.outcome is not None}
    for (number, outcome), times in audited.items():
        if times > 1:
            yield f"application {number} was {outcome} {times} times"
        if (number, outcome) not in decided:
            yield f"application {number} was {outcome} once and is not any more"
    for number, outcome in sorted(decided - audited.keys()):
        yield f"application {number} is {outcome} and nobody has recorded it"


def each_decision_is_told(evidence: Evidence) -> Iterator[str]:
    """Each decided applicant has the one mail that says so, and nobody else has one."""
    told: dict[int, set[str]] = defaultdict(set)
    for mail in evidence.mails:
        if mail.message_id in evidence.kept and mail.application_id is not None and mail.kind in _TELLS:
            told[mail.application_id].add(_TELLS[mail.kind])
    for number, one in evidence.applications.items():
        expected = set() if one.outcome is None else {one.outcome}
        if told[number] != expected:
            yield f"applicant {number} is {one.outcome or 'undecided'} and was told {sorted(told[number]) or 'nothing'}"


def each_mail_is_kept(evidence: Evidence) -> Iterator[str]:
    """Each mail that was owed is marked as sent and lies in the mailbox, and no other mail does."""
    owed = {mail.message_id for mail in evidence.mails}
    for mail in evidence.mails:
        if not mail.is_sent:
            yield f"mail {mail.message_id} was owed and never sent"
        elif mail.message_id not in evidence.kept:
            yield f"mail {mail.message_id} is marked as sent and is not in the mailbox"
    for message_id in sorted(evidence.kept - owed):
        yield f"mail {message_id} is in the mailbox and nobody owed it"


def no_mail_comes_twice_without_cause(evidence: Evidence) -> Iterator[str]:
    """A mail came in twice only where its job was begun twice: retried, or recovered from a dead worker."""
    begun = Counter(line.jid for line in evidence.lines if line.event is Event.STARTED)
    senders: dict[str, list[str]] = defaultdict(list)
    for delivery in evidence.deliveries:
        senders[delivery.message_id].append(delivery.jid)
    for message_id, jids in senders.items():
        if len(jids) > 1 and all(begun[jid] < 2 for jid in jids):
            yield f"mail {message_id} came {len(jids)} times, from jobs that ran once: {', '.join(jids)}"


def each_offer_has_its_letter(evidence: Evidence) -> Iterator[str]:
    """Each offer has its letter, a whole PDF, and nobody else has one."""
    offered = {number for number, one in evidence.applications.items() if one.outcome == "offered"}
    for number in sorted(offered - evidence.letters.keys()):
        yield f"application {number} was offered a place and has no letter"
    for number, is_whole in evidence.letters.items():
        if number not in offered:
            yield f"application {number} has a letter and no offer"
        elif not is_whole:
            yield f"the letter of application {number} is no whole PDF"


def all_are_found(evidence: Evidence) -> Iterator[str]:
    """The search index holds every application."""
    for number in sorted(evidence.applications.keys() - evidence.indexed):
        yield f"application {number} is not in the index"


def nothing_is_lost(evidence: Evidence) -> Iterator[str]:
    """Each job that the store acknowledged has ended, is dead, or is still in the store."""
    settled = {line.jid for line in evidence.lines if line.event in SETTLED}
    known = settled | evidence.dead | evidence.waiting
    for line in evidence.lines:
        if line.event is Event.PUSHED and line.jid not in known:
            yield f"job {line.jid} ({line.job}) was acknowledged and is nowhere"


def nothing_runs_twice_without_cause(evidence: Evidence) -> Iterator[str]:
    """No job runs in two places at once, or again after its end, but those which a killed worker held."""
    for jid, lines in _by_jid(evidence.lines).items():
        for before, after in pairwise(lines):
            if after.event is not Event.STARTED or before.pid in evidence.victims:
                continue
            if before.event is Event.STARTED:
                yield f"job {jid} ({after.job}) was begun by {after.pid} while {before.pid} ran it"
            elif before.event in SETTLED:
                yield f"job {jid} ({after.job}) was begun by {after.pid} after {before.pid} had ended it"


def nothing_is_left(evidence: Evidence) -> Iterator[str]:
    """The office closed in order: within the time it had, no job was left waiting."""
    if evidence.waiting:
        yield f"{len(evidence.waiting)} jobs still wait: {', '.join(sorted(evidence.waiting)[:5])} ..."


def each_tick_comes_once(evidence: Evidence) -> Iterator[str]:
    """Each entry of the clock was enqueued at each of its times, and at no other."""
    for entry, ticks in evidence.ticks.items():
        for tick in sorted(ticks.ideal - ticks.seen):
            yield f"{entry} was not enqueued for {tick:.3f}"
        for jid in sorted(ticks.strangers):
            yield f"{entry}: job {jid} is of none of its times"


def the_report_is_written(evidence: Evidence) -> Iterator[str]:
    """The nightly report was written, at its minute or when the office closed."""
    if not evidence.reports:
        yield "there is no report"


def processes_end_in_order(evidence: Evidence) -> Iterator[str]:
    """Each process ran until it was told to stop or killed on purpose, and then ended with exit code 0."""
    yield from evidence.disorders


def the_database_is_sound(evidence: Evidence) -> Iterator[str]:
    """SQLite finds no damage, and no row points to nothing."""
    yield from evidence.damage


RULES: tuple[Rule, ...] = (
    deadlines_are_kept,
    each_is_decided_once,
    each_decision_is_told,
    each_mail_is_kept,
    no_mail_comes_twice_without_cause,
    each_offer_has_its_letter,
    all_are_found,
    nothing_is_lost,
    nothing_runs_twice_without_cause,
    nothing_is_left,
    each_tick_comes_once,
    the_report_is_written,
    processes_end_in_order,
    the_database_is_sound,
)

_TELLS = {"offer": "offered", "rejection": "rejected"}


def judge(evidence: Evidence) -> dict[str, list[str]]:
    """Return what breaks each rule, by the rule's sentence."""
    return {(rule.__doc__ or rule.__name__): list(rule(evidence)) for rule in RULES}


def _by_jid(lines: Iterable[Line]) -> dict[str, list[Line]]:
    runs: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if line.event is not Event.PUSHED:
            runs[line.jid].append(line)
    return runs
