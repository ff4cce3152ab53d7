"""Writes docs/deploys.md and docs/deploys.svg, the story of `deploys` with its figures: ``python -m tests.scenarios.deploypage``."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "src")]

from benchmarks import table  # noqa: E402 - as a program it finds its neighbours itself
from benchmarks.peers.chart import STYLE  # noqa: E402 - likewise

from scenarios import deploys  # noqa: E402 - likewise
from scenarios.deploylines import DAY, LINES, Line  # noqa: E402 - likewise

#: One story among many: any other seed tells the same of our clocks.
SEED = 25
DAILY = "invoices.send"

PAGE = """\
# Twenty-five deploys a day

A team that deploys often restarts its clock often. This page follows a schedule of thirty entries through fourteen such
days, and counts.

![{title}](deploys.svg)

## What happens

Two machines run a clock each, for one store. The schedule has thirty entries, from every minute to once a week: periods,
times of day and cron expressions in {zones} zones, some with jitter, some that catch up with what they missed and some
that do not. The days are chosen so that Europe and America put their clocks back.

Twenty-five times a day, at random moments, both machines are restarted:

- Four deploys of five are *rolling*: one machine after the other, each with its new clock started up to 20 s before or
  after the old one ends, so that up to three clocks run side by side.
- At every fifth, both clocks are gone for up to a minute.
- For two minutes from the beginning of each deploy no worker takes a job.

That makes {deploys:,} deploys, {processes:,} clock processes, and {gaps} times without any clock.

## What comes out

| clock | jobs | too few | too many |
|---|---:|---:|---:|
| ideal | {ideal:,} | | |
| **mainspring** | **{ours:,}** | **{missing}** | **{double}** |
| naive | {naive:,} | {naive_missing} | {naive_more:,} |

Every entry has exactly the ticks that its rule asks for, each enqueued once. The one that runs once a day without saying
when (`{daily}`) runs {daily_ours} times in fourteen days: a restart neither repeats nor shifts it. While a clock was there,
no job came more than a millisecond late; what came due while none was there came as soon as one was.
Only entries with `missed="skip"` leave out what came due while there was no clock; the ideal leaves it out as well.

The **naive** clock is a model of what clockwork does: it remembers nothing and asks nobody. Each process runs an entry
with a period as soon as it starts, and a time of day if it looks within its minute. Two machines make two jobs of each
tick, and each restart makes one more of every period: `{daily}` runs {daily_naive} times. *Too few* counts ticks
of times of day for which no process looked in their minute; for periods nobody could say which job is that of which tick.

{rows}

## How it is counted

The clocks are the real ones: the same loop and the same decisions, on a simulated time and on a store in memory that
a test holds against a real server. The ideal does not come from them: it asks each minute of an entry's zone
whether it is one of its times, by other code.

`python -m tests.scenarios.deploypage` makes this page and its picture, in about ten seconds; chance begins with the
same number each time. `make test` tells the story anew with another number, and again with real processes, a real
server, TERM and kill -9, at periods of a second; `make faults` does so for some minutes. More of the kind, such as
twenty clocks that are killed at random and machines whose time jumps by a year, stands in
[What it survives](faults.md), F22 to F25.

Your own schedule can be put through the same: see `mainspring.testing.run_clock` in [The clock](clock.md).
"""

_HEADS = ("entry", "ideal", "mainspring", "naive")
_TITLE = "Fourteen days of twenty-five deploys on two machines"


def page(story: deploys.Story) -> str:
    """Return the page's text."""
    counts = {each.line.name: each for each in story.counts}
    ideal, naive = (sum(each.wanted for each in story.counts), sum(each.naive for each in story.counts))
    return PAGE.format(
        title=_TITLE,
        zones=len({line.tz for line in LINES}),
        deploys=len(story.deploys),
        processes=len(story.spans),
        gaps=len(story.gaps),
        ideal=ideal,
        ours=sum(each.enqueued for each in story.counts),
        missing=sum(each.missing for each in story.counts),
        double=sum(each.double for each in story.counts),
        naive=naive,
        naive_missing=sum(each.naive_missing or 0 for each in story.counts),
        naive_more=naive - ideal,
        daily=DAILY,
        daily_ours=counts[DAILY].enqueued,
        daily_naive=counts[DAILY].naive,
        rows=table.markdown(_HEADS, [_row(each) for each in story.counts]),
    )


def _row(found: deploys.Count) -> tuple[str, ...]:
    numbers = (found.wanted, found.enqueued, found.naive)
    return (f"{found.line.name}, `{_rule(found.line)}`", *map(table.count, numbers))


def _rule(line: Line) -> str:
    if line.cron is not None:
        return f"{line.cron} {line.tz}"
    times = [line.at] if isinstance(line.at, str) else line.at or []
    return f"every {_length(line.every or 0)}" + (f" at {', '.join(times)} {line.tz}" if times else "")


def _length(seconds: float) -> str:
    units = (("w", 604_800), ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))
    name, unit = next((name, unit) for name, unit in units if seconds % unit == 0)
    return f"{seconds / unit:.0f}{name}"


# --- the picture ----------------------------------------------------------------------------

_WIDTH, _LEFT, _RIGHT, _TOP, _HEIGHT, _GAP = 760, 70, 130, 56, 150, 62


@dataclass(frozen=True)
class _Panel:
    """One plot: how many jobs there were up to each moment."""

    title: str
    ideal: Sequence[float]
    ours: Sequence[float]
    naive: Sequence[float]


def picture(story: deploys.Story) -> str:
    """Return the picture: jobs since the beginning, of all entries, and of one that runs once a day."""
    panels = (
        _Panel("Jobs of all thirty entries", *(_all(of) for of in (story.ideal, story.ours, story.naive))),
        _Panel(
            f"Jobs of {DAILY}, which runs once a day",
            *(sorted(of[DAILY]) for of in (story.ideal, story.ours, story.naive)),
        ),
    )
    spoken = "; ".join(
        f"{each.title}: ideal {len(each.ideal):,}, mainspring {len(each.ours):,}, naive {len(each.naive):,}"
        for each in panels
    )
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_TOP + 2 * (_HEIGHT + _GAP) - 20}" role="img">',
        f"<title>{escape(_TITLE)}</title>",
        f"<desc>{escape(spoken)}</desc>",
        f"<style>{STYLE}  .ideal {{ stroke-width: 7; stroke-opacity: 0.25; }}\n</style>",
        f'<text class="title" x="8" y="20">{escape(_TITLE)}</text>',
    ]
    for number, panel in enumerate(panels):
        lines += _draw(panel, _TOP + number * (_HEIGHT + _GAP), story)
    return "\n".join([*lines, "</svg>", ""])


def _all(lines: object) -> list[float]:
    assert isinstance(lines, dict)
    return sorted(moment for moments in lines.values() for moment in moments)


def _draw(panel: _Panel, top: float, story: deploys.Story) -> list[str]:
    most, right, bottom = len(panel.naive), _WIDTH - _RIGHT, top + _HEIGHT
    days = round((story.end - story.start) / DAY)

    def x(moment: float) -> float:
        return _LEFT + (right - _LEFT) * (moment - story.start) / (story.end - story.start)

    def y(number: float) -> float:
        return bottom - _HEIGHT * number / most

    lines = [f'<text class="small" x="{_LEFT}" y="{top - 8}">{escape(panel.title)}</text>']
    lines += [
        f'<line class="rule" x1="{_LEFT}" x2="{right}" y1="{y(number):.1f}" y2="{y(number):.1f}"/>'
        for number in (0, len(panel.ideal), most)
    ]
    for number, label in ((len(panel.ideal), f"{len(panel.ideal):,}"), (most, f"{most:,}")):
        lines.append(f'<text class="small name" x="{_LEFT - 6}" y="{y(number) + 4:.1f}">{label}</text>')
    for day in range(0, days + 1, 2):
        at = x(story.start + day * DAY)
        lines.append(f'<text class="small" x="{at:.1f}" y="{bottom + 15}" text-anchor="middle">day {day}</text>')
    moments = [story.start + part * DAY / 8 for part in range(days * 8 + 1)]
    named = (
        ("ideal", "line ideal", panel.ideal),
        ("naive", "line second", panel.naive),
        ("mainspring", "line", panel.ours),
    )
    for name, kind, jobs in named:
        points = " ".join(f"{x(moment):.1f},{y(bisect_right(jobs, moment)):.1f}" for moment in moments)
        lines.append(f'<polyline class="{kind}" points="{points}"/>')
        if name != "ideal":
            label = f"{name} = ideal" if len(jobs) == len(panel.ideal) else name
            lines.append(f'<text class="small" x="{right + 6}" y="{y(len(jobs)) + 4:.1f}">{label}</text>')
    return lines


def main() -> int:
    """Write both; 1 if a tick is missing or double."""
    story = deploys.tell(SEED)
    (ROOT / "docs" / "deploys.md").write_text(page(story), "utf-8")
    (ROOT / "docs" / "deploys.svg").write_text(picture(story), "utf-8")
    return int(any(each.missing or each.double for each in story.counts))


if __name__ == "__main__":
    sys.exit(main())
