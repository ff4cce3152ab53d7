"""The table at the end: what each job came to, and what the office did."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from examples.admissions.evidence import Evidence, Ticks
from examples.admissions.ledger import SETTLED, Event, Line, in_hand

# The first is the sum of those up to "lost": each job has one end.  The rest are about its runs.
COLUMNS = ("job", "enqueued", "done", "discarded", "dead", "waiting", "lost", "retries", "recovered", "twice")


@dataclass(frozen=True, slots=True)
class Recovery:
    """What became of the jobs that a killed worker had begun.

    Attributes:
        jids: Those that another worker has begun again.
        seconds: From the kill until the last of them was begun again.
    """

    jids: frozenset[str]
    seconds: float


NOBODY = Recovery(frozenset(), 0.0)  # was killed


def recovery(lines: Sequence[Line], victim: int, killed_at: float) -> Recovery:
    """Find the jobs that the process *victim* had begun and another worker has begun again."""
    held = in_hand(lines, victim)
    again = {
        line.jid: line.at
        for line in reversed(lines)  # so that the first time is the one that stays
        if line.jid in held and line.event is Event.STARTED and line.pid != victim and line.at > killed_at
    }
    return Recovery(frozenset(again), max(again.values(), default=killed_at) - killed_at)


def jobs(evidence: Evidence, recovered: frozenset[str]) -> list[tuple[str, ...]]:
    """Return the rows of the table of jobs, each a text for each of `COLUMNS`."""
    of_job: dict[str, dict[str, list[Event]]] = defaultdict(lambda: defaultdict(list))
    for line in evidence.lines:
        of_job[_short(line.job)][line.jid].append(line.event)
    rows = [_row(evidence, recovered, of_job[job]) for job in sorted(of_job)]
    totals = [sum(row[column] for row in rows) for column in range(len(COLUMNS) - 1)]
    named = zip([*sorted(of_job), "all"], [*rows, totals], strict=True)
    return [(name, *map(str, numbers)) for name, numbers in named]


def _row(evidence: Evidence, recovered: frozenset[str], events: Mapping[str, Sequence[Event]]) -> list[int]:
    ends = Counter(_end(evidence, jid, its) for jid, its in events.items())
    failed = sum(its.count(Event.FAILED) for its in events.values())
    # Done, and run again, because its worker was killed before it could say that it was done.
    twice = sum(sum(event in SETTLED for event in its) > 1 for its in events.values())
    runs = [failed - ends["dead"], len(recovered & events.keys()), twice]
    return [len(events), *(ends[column] for column in COLUMNS[2:7]), *runs]


def _end(evidence: Evidence, jid: str, events: Sequence[Event]) -> str:
    if jid in evidence.dead:
        return "dead"
    if jid in evidence.waiting:
        return "waiting"
    return "done" if Event.DONE in events else "discarded" if Event.DISCARDED in events else "lost"


def office(evidence: Evidence, recovered: Recovery) -> Iterator[str]:
    """Yield what the office did, a subject a line."""
    outcomes = Counter(one.outcome or "open" for one in evidence.applications.values())
    yield f"applications  {len(evidence.applications)}: {_counted(outcomes)}"
    kinds = Counter(mail.kind for mail in evidence.mails if mail.message_id in evidence.kept)
    again = len(evidence.deliveries) - len(evidence.kept)
    yield f"mails         {len(evidence.kept)}: {_counted(kinds)}; came again and were kept once: {again}"
    yield f"letters       {len(evidence.letters)}, reports {len(evidence.reports)}"
    ticks = (f"{_short(entry)} {_of_ideal(one)}" for entry, one in evidence.ticks.items())
    yield f"ticks         {', '.join(ticks)}"
    yield f"killed        {len(evidence.victims) or 'none'} of the workers, with -9: {_again(recovered)}"


def check(judged: Mapping[str, Sequence[str]], most: int = 5) -> Iterator[str]:
    """Yield a line for each rule, and under it what breaks it: *most* of that, the rest as a number."""
    for sentence, found in judged.items():
        yield f"  {'BROKEN' if found else 'ok':<7} {sentence}"
        yield from (f"          {complaint}" for complaint in found[:most])
        if len(found) > most:
            yield f"          ... and {len(found) - most} more"


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield rows as lines in columns, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *rest in rows:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]
        yield "  ".join(cells)


def _short(job: str) -> str:
    return job.rpartition(".")[2]


def _again(recovered: Recovery) -> str:
    jobs = len(recovered.jids)
    if not jobs:
        return "no job had to be recovered"
    return f"{jobs} jobs in its hands were begun again elsewhere, the last one {recovered.seconds:.1f} s later"


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"


def _of_ideal(ticks: Ticks) -> str:
    return f"{len(ticks.seen)} of {len(ticks.ideal)}" if ticks.ideal else "not due"
