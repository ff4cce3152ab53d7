"""How soon a clock enqueues what is due, what it costs when nothing is, and how long finding the next time takes."""

from __future__ import annotations

import argparse
import json
import platform
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks import table
from benchmarks.process import Program
from benchmarks.server import Server
from mainspring.schedule.catalog import Catalog
from mainspring.schedule.entry import Entry

#: What a user types; its log is lines of JSON with the event's name in each.
COMMAND = [sys.executable, "-m", "mainspring", "clock", "-A", "benchmarks.programs.schedule", "--log-format", "json"]

#: The most seconds until all that is due in one is enqueued; of lag at p99; for finding a next time.
MOST_CROWD, MOST_LAG = 1.0, 0.050
MOST_MEDIAN, MOST_P99 = 50e-6, 1e-3
#: The most of an idle clock: of a core, and commands a second.
MOST_CPU, MOST_COMMANDS = 0.01, 3.0

_ZONES = Catalog()
#: Rules that many have.
COMMON = (
    _ZONES.every_entry("10m", "nop"),
    _ZONES.every_entry("1d", "nop", at="09:00", tz="Europe/London"),
    _ZONES.every_entry("1h", "nop", at="**:15"),
    _ZONES.every_entry("1w", "nop", at="Monday 12:30", tz="America/New_York"),
    _ZONES.cron_entry("* * * * *", "nop"),
    _ZONES.cron_entry("*/5 * * * *", "nop"),
    _ZONES.cron_entry("0 9 * * *", "nop", tz="Europe/London"),
    _ZONES.cron_entry("30 8 * * mon-fri", "nop", tz="America/New_York"),
    _ZONES.cron_entry("0 0 * * *", "nop", tz="Asia/Tokyo"),
    _ZONES.cron_entry("0 0 1 * *", "nop"),
)
#: Rules that few have.
RARE = (
    _ZONES.every_entry("2d", "nop", at=["06:00", "18:00"], tz="Europe/Paris"),
    _ZONES.cron_entry("*/10 8-18 * * mon-fri", "nop", tz="Australia/Sydney"),
    _ZONES.cron_entry("*/15 * * * * *", "nop"),
    _ZONES.cron_entry("0 12 L * *", "nop", tz="Europe/Paris"),
    _ZONES.cron_entry("0 9 * * mon#1", "nop", tz="Europe/Paris"),
    _ZONES.cron_entry("0 0 LW * *", "nop"),
    _ZONES.cron_entry("0 0 1 1 *", "nop"),
    _ZONES.cron_entry("30 2 29 2 *", "nop", tz="Europe/Berlin"),
)


_PAGE = """\
# The clock

`python -m benchmarks clock --write docs/benchmarks` makes this page. Measured on {day} with {python} and a
redis-server, on two cores that both share with whatever else the machine does.

{parts}

## How it is measured

- **The clock** is `mainspring clock` as one starts it, a process of its own, with a line of log for each tick.
- **Due at one moment** are entries of one expression, every 20 s. The time ends when the queue, looked at every 5 ms,
  holds all jobs, by the server's clock. The first moment does not count.
- **Lags** are those of the entries' histories over {seconds:.0f} s, in which the server notes when it took a tick.
- **Commands** are those that arrive at the server, as MONITOR shows them, in {seconds:.0f} s.
- **The next time** is found after random moments of five years. The bars are a median of {median:.0f} us for the first
  ten rules, which many have, and a p99 of {p99:.0f} ms for all.
"""


@dataclass
class Result:
    """What came out; seconds all, but the commands a second and the share of a core.

    Attributes:
        entries: How many were due at once.
        busy: How many were due each second.
        seconds: For how long lags and an idle clock were measured.
        crowd: Until all that was due at once was enqueued, by the number of clocks, at some moments.
        lags: p50, p99 and the longest from due to enqueued, by the number of clocks.
        cpu: Share of a core that an idle clock uses.
        commands: What an idle clock sends, by command.
        steps: Median and p99 of finding the next time, by rule.
    """

    entries: int
    busy: int
    seconds: float
    crowd: dict[int, list[float]] = field(default_factory=dict)
    lags: dict[int, tuple[float, float, float]] = field(default_factory=dict)
    cpu: float = 0.0
    commands: dict[str, float] = field(default_factory=dict)
    steps: dict[str, tuple[float, float]] = field(default_factory=dict)


def options(parser: argparse.ArgumentParser) -> None:
    """Add what can be changed."""
    parser.add_argument("--entries", type=int, default=10_000, help="entries that are due at one moment")
    parser.add_argument("--tries", type=int, default=5, help="moments at which they are")
    parser.add_argument("--busy", type=int, default=200, help="entries at 1 s periods")
    parser.add_argument("--seconds", type=float, default=60.0, help="for which lags and an idle clock are measured")
    parser.add_argument("--steps", type=int, default=20_000, help="next times that are found of each rule")
    parser.add_argument("--write", type=Path, help="a directory for clock.md and clock.json")


def run(arguments: argparse.Namespace) -> None:
    """Measure, print, and write the page if it is asked for."""
    result = Result(arguments.entries, arguments.busy, arguments.seconds)
    with Server() as server:
        for clocks in (1, 3):
            result.crowd[clocks] = _crowd(server, clocks, arguments)
            result.lags[clocks] = _lags(server, clocks, arguments)
        result.cpu, result.commands = _idling(server, arguments.seconds)
    result.steps = {_label(entry): _steps(entry, arguments.steps) for entry in (*COMMON, *RARE)}
    for title, heads, rows in _sections(result):
        table.show(title, heads, rows)
    if arguments.write:
        _write(arguments.write, result)


# --- what is due ---------------------------------------------------------------------------


def _crowd(server: Server, clocks: int, arguments: argparse.Namespace) -> list[float]:
    """Return for some moments at which all entries are due, how long it took until all jobs were in their queue."""
    server.client.flushall()
    found = []
    with ExitStack() as stack:
        _start(stack, server, clocks, arguments.entries, "cron */20 * * * * *")
        for _ in range(arguments.tries + 1):
            due = _until_due(server, 20)
            server.client.delete("queue:default")
            found.append(_until_enqueued(server, arguments.entries) - due)
    # At the first the clocks and the server meet what they have never done before.
    return found[1:]


def _until_due(server: Server, period: int) -> float:
    """Wait until shortly before the next moment of a period, and return that moment."""
    now = _now(server)
    due = now // period * period + period
    time.sleep(max(0.0, due - now - 0.1))
    return due


def _until_enqueued(server: Server, jobs: int) -> float:
    """Return the server's time when so many jobs are in the queue."""
    while True:
        with server.client.pipeline(transaction=True) as both:
            length, (seconds, microseconds) = both.llen("queue:default").time().execute()
        if length >= jobs:
            return float(seconds + microseconds / 1e6)
        time.sleep(0.005)


def _lags(server: Server, clocks: int, arguments: argparse.Namespace) -> tuple[float, float, float]:
    """Return p50, p99 and the longest of the lags that the entries' histories show, by the server's clock."""
    server.client.flushall()
    with ExitStack() as stack:
        _start(stack, server, clocks, arguments.busy, "every 1s")
        time.sleep(arguments.seconds)
    lags = []
    for number in range(arguments.busy):
        lines = server.client.lrange(f"mainspring:periodic::history:entry.{number}", 0, -1)
        # The last of them is the first, which came while all were defined.
        lags += [_lag(line) for line in lines[:-1]]
    return table.percentile(lags, 50), table.percentile(lags, 99), max(lags)


def _lag(line: bytes) -> float:
    at, _, record = line.partition(b" ")
    return float(at) - float(json.loads(record)["tick"])


def _start(stack: ExitStack, server: Server, clocks: int, entries: int, rule: str) -> list[Program]:
    environment = {
        "BENCH_URL": server.url,
        "BENCH_ENTRIES": str(entries),
        "BENCH_RULE": rule,
        "MAINSPRING_URL": server.url,
    }
    programs = [stack.enter_context(Program(COMMAND, environment)) for _ in range(clocks)]
    for program in programs:
        program.event("clock.watching", timeout=120)
    return programs


# --- what is not ---------------------------------------------------------------------------


def _idling(server: Server, seconds: float) -> tuple[float, dict[str, float]]:
    """Return the share of a core that an idle clock uses, and what it sends a second."""
    server.client.flushall()
    with ExitStack() as stack:
        (program,) = _start(stack, server, 1, 100, "cron 0 0 1 1 *")
        time.sleep(2)
        cpu = program.cpu()
        sent = Counter(_commands(server, time.monotonic() + seconds))
        return (program.cpu() - cpu) / seconds, {word: count / seconds for word, count in sent.items()}


def _commands(server: Server, end: float) -> Iterator[str]:
    """Yield the name of each command that arrives at the server; those within scripts do not."""
    with server.client.monitor() as monitor:
        while time.monotonic() < end:
            line = monitor.next_command()
            if line["client_type"] != "lua":
                yield str(line["command"]).split(maxsplit=1)[0].lower()


def _steps(entry: Entry, count: int) -> tuple[float, float]:
    """Return the median and p99 of the seconds that it takes to find the next time after a random moment."""
    rng = random.Random(7)
    rule = entry.rule.anchored(1_790_000_000.0)
    took = []
    for _ in range(count):
        moment = rng.uniform(1_790_000_000.0, 1_950_000_000.0)
        began = time.perf_counter()
        rule.after(moment)
        took.append(time.perf_counter() - began)
    return table.percentile(took, 50), table.percentile(took, 99)


def _now(server: Server) -> float:
    seconds, microseconds = server.client.time()
    return float(seconds + microseconds / 1e6)


# --- what came out ---------------------------------------------------------------------------


def _sections(result: Result) -> list[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
    """Return titles, heads and rows of all tables."""
    crowd = [
        (_clocks(number), *(f"{seconds:.2f} s" for seconds in _spread(tries)), _reached(median(tries) <= MOST_CROWD))
        for number, tries in result.crowd.items()
    ]
    lags = [
        (_clocks(number), *map(table.milli, found), _reached(found[1] <= MOST_LAG))
        for number, found in result.lags.items()
    ]
    commands = sum(result.commands.values())
    idle = [
        ("of a core", f"{result.cpu:.2%}", f"{MOST_CPU:.0%}", _reached(result.cpu <= MOST_CPU)),
        ("commands a second", f"{commands:.2f}", f"{MOST_COMMANDS:.0f}", _reached(commands <= MOST_COMMANDS)),
        *((f"- {word}", f"{rate:.2f}", "", "") for word, rate in sorted(result.commands.items())),
    ]
    steps = [
        (
            f"`{rule}`",
            table.micro(middle),
            table.micro(late),
            _reached(late <= MOST_P99 and middle <= _most_median(rule)),
        )
        for rule, (middle, late) in result.steps.items()
    ]
    crowd_title = f"{result.entries:,} entries due at one moment: until the last job is in its queue"
    lag_title = f"{result.busy} entries, each due each second at the same moment: from due to enqueued"
    return [
        (crowd_title, ("", "fastest", "median", "slowest", f"median within {MOST_CROWD:.0f} s"), crowd),
        (lag_title, ("", "p50", "p99", "max", f"p99 within {MOST_LAG * 1000:.0f} ms"), lags),
        ("An idle clock with 100 entries", ("", "measured", "bar", "reached"), idle),
        ("Finding the next time", ("rule", "median", "p99", "reached"), steps),
    ]


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    return min(values), median(values), max(values)


def _clocks(number: int) -> str:
    return "one clock" if number == 1 else f"{number} clocks"


def _reached(value: bool) -> str:  # noqa: FBT001 - it is all that it is about
    return "yes" if value else "NO"


def _most_median(rule: str) -> float:
    return MOST_MEDIAN if rule in {_label(entry) for entry in COMMON} else MOST_P99


def _label(entry: Entry) -> str:
    return entry.schedule if entry.tz == "UTC" else f"{entry.schedule} {entry.tz}"


def _write(directory: Path, result: Result) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    parts = [f"## {title}\n\n{table.markdown(heads, rows)}" for title, heads, rows in _sections(result)]
    text = _PAGE.format(
        day=datetime.now(UTC).date(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        parts="\n\n".join(parts),
        seconds=result.seconds,
        median=MOST_MEDIAN * 1e6,
        p99=MOST_P99 * 1e3,
    )
    (directory / "clock.md").write_text(text, "utf-8")
    (directory / "clock.json").write_text(json.dumps(asdict(result), indent=1) + "\n", "utf-8")
