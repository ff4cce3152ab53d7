"""What a worker weighs over many minutes of steady work, with one job in a hundred failing.

A worker process, of ten slots, runs plain and async jobs that another process pushes one by one.
Of a hundred jobs one fails and runs again a second later; of a thousand one dies after three runs.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from benchmarks import soak_page, table
from benchmarks.process import Program, Silent
from benchmarks.programs import TRIES
from benchmarks.server import Server
from benchmarks.soak_page import Sample
from benchmarks.subjects import python
from benchmarks.throughput import Unequal

_DRAIN = 60.0


def options(parser: argparse.ArgumentParser) -> None:
    """Add what can be changed."""
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=1_000.0, help="jobs pushed a second")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two samples")
    parser.add_argument("--write", type=Path, help="a directory for soak.md, soak.svg and soak.json")


def run(arguments: argparse.Namespace) -> None:
    """Measure, print, and write the page if it is asked for."""
    seconds = arguments.minutes * 60
    environment = {"BENCH_RATE": str(arguments.rate), "BENCH_SECONDS": str(seconds)}
    with Server() as server:
        environment |= {"BENCH_URL": server.url, "BENCH_EVERY": str(arguments.every)}
        with Program(python("endurance"), environment) as worker:
            worker.event("ready", timeout=30)
            with Program(python("feed"), environment) as producer:
                producer.event("feeding", timeout=30)
                samples = _watch(server, worker, seconds)
                pushed = producer.event("fed", timeout=60)["pushed"]
            _drain(server)
            dead, stored = int(server.client.zcard("dead")), _stored(server)
            worker.end()
            last = worker.event("window", timeout=30)
    checked = _check(pushed, last, dead, stored)
    result = soak_page.Result(arguments.rate, samples, pushed, last["succeeded"], last["failed"], dead)
    table.show(result.title, soak_page.HEADS, soak_page.rows(result))
    table.show("The bars", soak_page.BAR_HEADS, soak_page.bar_rows(result))
    print(checked)
    if arguments.write:
        soak_page.write(arguments.write, result)


def _watch(server: Server, worker: Program, seconds: float) -> list[Sample]:
    """Take a sample each time that the worker speaks, while it is fed."""
    began, samples = time.monotonic(), []
    while time.monotonic() - began < seconds:
        window = worker.event("window", timeout=60)
        if "p50" in window:
            samples.append(_sample(server, worker, window, (time.monotonic() - began) / 60))
    return samples


def _sample(server: Server, worker: Program, window: dict[str, Any], minute: float) -> Sample:
    client = server.client
    keys = client.info("keyspace")["db0"]
    process = Path(f"/proc/{worker.pid}")
    return Sample(
        minute=minute,
        rss=worker.rss(),
        pacemaker=worker.children_rss(),
        files=_count(process / "fd"),
        threads=_count(process / "task"),
        lasting=keys["keys"] - keys["expires"],
        passing=keys["expires"],
        store=client.info("memory")["used_memory"] / 2**20,
        queued=int(client.llen("queue:default")),
        retries=int(client.zcard("retry")),
        dead=int(client.zcard("dead")),
        ran=window["succeeded"] + window["failed"],
        failed=window["failed"],
        p50=window["p50"],
        p99=window["p99"],
    )


def _count(directory: Path) -> int:
    return sum(1 for _ in directory.iterdir())


def _drain(server: Server) -> None:
    """Wait until nothing but the dead is left."""
    deadline = time.monotonic() + _DRAIN
    while server.left() > server.client.zcard("dead"):
        if time.monotonic() > deadline:
            raise Silent(f"{server.left()} jobs were left {_DRAIN:.0f} s after the last push")
        time.sleep(0.2)


def _stored(server: Server) -> tuple[int, int]:
    return int(server.client.get("stat:processed") or 0), int(server.client.get("stat:failed") or 0)


def _check(pushed: int, last: dict[str, Any], dead: int, stored: tuple[int, int]) -> str:
    """Compare what ran with what should have.

    Raises:
        Unequal: If they differ.
    """
    dying = pushed // 1000
    failing = pushed // 100 - dying + dying * TRIES
    expected = (pushed - dying, failing, dying, (pushed - dying + failing, failing))
    found = (last["succeeded"], last["failed"], dead, stored)
    if found != expected:
        raise Unequal(f"succeeded, failed, dead, (counted by the store): {found} in place of {expected}")
    return (
        f"{pushed:,} pushed, {pushed - dying:,} succeeded, {dying:,} died, {failing:,} runs failed: all as it must be"
    )
