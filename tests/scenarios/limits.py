"""A crowd that wants one limiter, and the judge who says from outside whether it got more than there was.

The judge knows of each grant only between which two instants it was made: when the call was sent, and when its
answer was there. It counts what is certain, so it never accuses wrongly.
"""

from __future__ import annotations

import json
import math
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from scenarios.nursery import Born, nursery
from scenarios.program import boot_time
from support import until

#: What rounding may add to a bucket that leaks, in units.
TOLERANCE = 0.01


@dataclass(frozen=True, slots=True)
class Grant:
    """One permit.

    Attributes:
        sent: When the call was made, in seconds of the machine's clock.
        got: When its answer was there.
        left: When its holder let go; None if it died, or holds still.
    """

    sent: float
    got: float
    left: float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """What a limiter is to let through: *n* in a *span* of seconds, as its *kind* means it."""

    kind: str
    n: int
    span: float

    def excess(self, grants: Sequence[Grant]) -> int:
        """Count the grants that certainly were too many."""
        judges: Mapping[str, Callable[[Sequence[Grant]], int]] = {
            "concurrent": self._at_once,
            "bucket": self._in_intervals,
            "window": self._in_spans,
        }
        return judges.get(self.kind, self._in_buckets)(grants)

    def _at_once(self, grants: Sequence[Grant]) -> int:
        # The slot of one who died, or holds for too long, is not given to others before its time is over.
        ends = [min(math.inf if each.left is None else each.left, each.sent + self.span) for each in grants]
        steps = sorted([(end, -1) for end in ends] + [(each.got, 1) for each in grants])
        held = worst = 0
        for _, step in steps:
            held += step
            worst = max(worst, held)
        return max(0, worst - self.n)

    def _in_intervals(self, grants: Sequence[Grant]) -> int:
        # Intervals are counted on the wall clock.
        offset = time.time() - boot_time()
        certain = Counter(
            (each.sent + offset) // self.span
            for each in grants
            if (each.sent + offset) // self.span == (each.got + offset) // self.span
        )
        return sum(max(0, count - self.n) for count in certain.values())

    def _in_spans(self, grants: Sequence[Grant]) -> int:
        # The k-th grant was not made before the k-th call, nor after the k-th answer.
        sent, got = sorted(each.sent for each in grants), sorted(each.got for each in grants)
        return sum(later - earlier < self.span for earlier, later in zip(sent, got[self.n :], strict=False))

    def _in_buckets(self, grants: Sequence[Grant]) -> int:
        sent, got = sorted(each.sent for each in grants), sorted(each.got for each in grants)
        rate, floor, found = self.n / self.span, math.inf, 0
        for count, (earlier, later) in enumerate(zip(sent, got, strict=True)):
            floor = min(floor, count - rate * earlier)
            found += count + 1 - rate * later - floor > self.n + TOLERANCE
        return found


@dataclass
class Crowd:
    """Processes whose threads all want one limiter.

    Attributes:
        rule: What the limiter is to let through.
        url: The store.
        directory: Where the oracle is written.
        hold: For how many seconds a slot is held.
        mutant: A known fault, to be put into each process.
        killed: The processes that were killed with -9, and when.
    """

    rule: Rule
    url: str
    directory: Path
    hold: float = 0.0
    mutant: str = ""
    seed: int = field(default_factory=lambda: random.SystemRandom().randrange(10**6))
    killed: dict[int, float] = field(default_factory=dict)
    _running: list[Born] = field(default_factory=list)
    _read: int = 0
    _lines: int = 0

    def __enter__(self) -> Self:
        self.directory.mkdir(exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running:
            process.kill()
            process.wait(10)

    @property
    def oracle(self) -> Path:
        """What the contenders wrote down."""
        return self.directory / "oracle"

    def start(self, threads: int = 10) -> Born:
        """Let one more process contend."""
        settings = vars(self) | {"oracle": str(self.oracle), "threads": threads}
        settings |= {"kind": self.rule.kind, "n": self.rule.n, "span": self.rule.span}
        asked = {name: value for name, value in settings.items() if isinstance(value, str | int | float)}
        log = self.directory / f"log-{len(self._running)}"
        process = nursery().start("scenarios.contender", asked, os.environ, log)
        self._running.append(process)
        return process

    def kill(self, process: Born) -> None:
        """Kill a process with -9."""
        process.kill()
        process.wait(10)
        self.killed[process.pid] = boot_time()
        self._running.remove(process)

    def contend(self, acquires: int, kills: int) -> None:
        """Let fifty contend until they have got so many; meanwhile kill some, and start others in their place."""
        rng = random.Random(self.seed)
        for _ in range(5):
            self.start()
        for number in range(1, kills + 1):
            until(lambda: self.count() > acquires * number / (kills + 1), 600, every=0.02)  # noqa: B023 - called here
            self.kill(rng.choice(self._running))
            self.start()
        until(lambda: self.count() >= acquires, 600, every=0.02)
        self.stop()

    def stop(self) -> None:
        """End all as an operator would; none may have met an error."""
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.wait(60)
        self._running.clear()
        complaints = "".join(path.read_text() for path in self.directory.glob("log-*"))
        assert not complaints, complaints[-3000:]

    def count(self) -> int:
        """Count the answers in the oracle; what was counted before is not read again."""
        with self.oracle.open("ab+") as file:
            file.seek(self._read)
            new = file.read()
        self._read += len(new)
        self._lines += new.count(b"\n")
        return self._lines // (2 if self.hold else 1)

    def lines(self) -> Iterable[dict[str, Any]]:
        """Return what the contenders wrote down."""
        return map(json.loads, self.oracle.read_bytes().splitlines())

    def grants(self) -> list[Grant]:
        """Return what they got."""
        lines = list(self.lines())
        left = {line["name"]: line["left"] for line in lines if "left" in line}
        return [Grant(line["sent"], line["got"], left.get(line["name"])) for line in lines if line.get("gave")]
