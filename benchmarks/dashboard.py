"""How long each page of the dashboard takes over a large store, and how often it asks the store.

A million retries, a hundred thousand dead jobs, two hundred queues, two thousand running jobs. The time is the whole
answer's: reading, decoding, rendering; every answer is a fresh one, no cache helps.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

from benchmarks import table
from benchmarks.server import Server
from mainspring import App
from mainspring.web import Anyone, Dashboard
from mainspring.web.cache import FRESH, Cache
from mainspring.web.routes import PAGES

#: The size of what a round trip may cost, and of a page's time: dashboard budgets.
MOST_TRIPS, MOST_MS = 2, 30.0
_BATCH = 10_000
_CLASSES = ("SyncCrm", "ChargeInvoice", "ResizeImage", "SendMail")


def options(parser: argparse.ArgumentParser) -> None:
    """Add what can be changed."""
    parser.add_argument("--retries", type=int, default=1_000_000)
    parser.add_argument("--dead", type=int, default=100_000)
    parser.add_argument("--queues", type=int, default=200)
    parser.add_argument("--running", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=7, help="answers of each page")
    parser.add_argument("--tabs", type=int, default=50, help="tabs that look at one page for some seconds")


def run(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    with Server() as server:
        app = App(server.url)
        _fill(app, arguments)
        reader = Reader(app)
        rows = [_row(reader, path, arguments.rounds) for path in _paths(app)]
        table.show(
            f"{arguments.retries:,} retries, {arguments.dead:,} dead, {arguments.queues} queues,"
            f" {arguments.running:,} running: medians of {arguments.rounds} answers",
            ("page", "status", "round trips", "ms", "kB", "within"),
            rows,
        )
        reads, trips = reader.tabs(arguments.tabs)
        print(f"\n{arguments.tabs} tabs on the overview: {reads:.2f} reads a second, in {trips:.2f} round trips")
        app.close()


class Reader:
    """Asks a dashboard, and counts what it asks the store."""

    def __init__(self, app: App) -> None:
        """Ask a dashboard of *app*."""
        self._dashboard = Dashboard(app, auth=Anyone())
        self._shift = 0.0
        self.trips = 0
        monotonic: Callable[[], float] = app.time.monotonic
        app.time.monotonic = lambda: monotonic() + self._shift  # type: ignore[method-assign]
        begin = app.store._begin  # noqa: SLF001 - counted where all calls go through

        def counted(commands: Any) -> Any:
            self.trips += 1
            return begin(commands)

        app.store._begin = counted  # type: ignore[method-assign]  # noqa: SLF001

    def ask(self, path: str, *, is_live: bool = False) -> tuple[int, int, float, int]:
        """Return status, round trips, milliseconds and bytes of a fresh answer."""
        self._shift += 2 * FRESH
        before, begun = self.trips, time.perf_counter()
        status, size = asyncio.run(self._ask(path, is_live=is_live))
        return status, self.trips - before, (time.perf_counter() - begun) * 1000, size

    def tabs(self, many: int, seconds: float = 10.0) -> tuple[float, float]:
        """Let *many* tabs look again and again; return how often a second the page was read, and in how many trips."""
        reads = Counter[object]()
        get = Cache.get
        Cache.get = lambda self, key, read: get(self, key, lambda: reads.update([key]) or read())  # type: ignore[method-assign, assignment]
        before, begun = self.trips, time.perf_counter()

        async def look() -> None:
            while time.perf_counter() - begun < seconds:
                await asyncio.gather(*(self._ask("/", is_live=True) for _ in range(many)))
                await asyncio.sleep(0.5)

        asyncio.run(look())
        Cache.get = get  # type: ignore[method-assign]
        took = time.perf_counter() - begun
        return max(reads.values()) / took, (self.trips - before) / took

    async def _ask(self, path: str, *, is_live: bool) -> tuple[int, int]:
        whole, _, query = path.partition("?")
        headers = [(b"host", b"bench"), *([(b"x-mainspring-live", b"1")] if is_live else [])]
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": whole,
            "raw_path": whole.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "server": ("bench", 80),
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._dashboard(scope, receive, send)
        return int(sent[0]["status"]), sum(len(message.get("body", b"")) for message in sent[1:])


def _row(reader: Reader, path: str, rounds: int) -> tuple[str, ...]:
    # The first look learns names and compiles templates; a process does that once.
    reader.ask(path)
    answers = [reader.ask(path) for _ in range(rounds)]
    status, trips = answers[0][0], max(answer[1] for answer in answers)
    taken = median(answer[2] for answer in answers)
    is_within = trips <= MOST_TRIPS and taken <= MOST_MS
    return path, str(status), str(trips), f"{taken:.1f}", f"{answers[0][3] / 1024:.0f}", "yes" if is_within else "NO"


def _paths(app: App) -> Iterator[str]:
    jid = next(iter(app.retries.page().items)).jid
    samples = {
        "jid": jid,
        "name": "queue-7",
        "identity": "host-3:1:abcdefabcdef",
        "signature": "none",
        "bid": "none",
        "id": "none",
    }
    for page in PAGES:
        path = page.path.replace(":path}", "}")
        yield (
            path.format_map(samples) if "{" in path and "clock" not in path else path.replace("{", "").replace("}", "")
        )
    yield from ("/jobs?state=retrying", "/jobs?state=dead", "/jobs?state=running", "/jobs?q=class:SyncCrm")
    yield from ("/jobs?q=args.0:999999", "/jobs?q=nothing-like-it", f"/jobs?q={jid}")
    # As lists link to it, and so without a search.
    yield f"/jobs/{jid}?state=retrying"


def _fill(app: App, arguments: argparse.Namespace) -> None:
    now = time.time()
    _fill_set(app, "retry", arguments.retries, now + 60, retry_count=3, failed_at=now - 3600)
    _fill_set(app, "dead", arguments.dead, now - arguments.dead, retry_count=25, failed_at=now - 86_400)
    for number in range(arguments.queues):
        app.enqueue("Tally", [number], queue=f"queue-{number}")
    _fill_running(app, arguments.running, now)


def _fill_set(app: App, key: str, many: int, first: float, **fields: object) -> None:
    client = _client(app)
    for begin in range(0, many, _BATCH):
        members = {_job(number, **fields): first + number for number in range(begin, min(many, begin + _BATCH))}
        client.zadd(key, members)


def _fill_running(app: App, many: int, now: float) -> None:
    client, each = _client(app), 100
    for number in range(many // each):
        identity = f"host-{number}:1:abcdefabcdef"
        info = {
            "hostname": f"host-{number}",
            "pid": 1,
            "started_at": now - 600,
            "queues": ["default"],
            "concurrency": each,
        }
        client.sadd("processes", identity)
        client.hset(
            identity,
            mapping={"info": json.dumps(info), "busy": each, "concurrency": each, "beat": now, "quiet": "false"},
        )
        client.expire(identity, 600)
        work = {
            f"slot-{slot}": json.dumps({"queue": "default", "payload": _job(slot).decode(), "run_at": now - slot})
            for slot in range(each)
        }
        client.hset(f"{identity}:work", mapping=work)
        client.expire(f"{identity}:work", 600)


def _client(app: App) -> Any:
    import redis

    return redis.Redis.from_url(app.url)


def _job(number: int, **fields: object) -> bytes:
    record = {
        "class": _CLASSES[number % len(_CLASSES)],
        "args": [number, {"contact_id": number % 50_000, "locale": "de"}],
        "jid": f"{number:024x}",
        "queue": "default",
        "created_at": 1_790_000_000.5,
        "enqueued_at": 1_790_000_001.5,
        "retry": True,
        **fields,
    }
    if fields:
        record |= {"error_class": "HTTPError", "error_message": f"503 from https://crm.example.test/contacts/{number}"}
    return json.dumps(record, separators=(",", ":")).encode()
