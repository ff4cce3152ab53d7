"""The peers: how each is set for one worker process, and how many jobs it gets.

Each setting is the fastest of those that the peer's own documentation offers for short jobs
in one process, found by trying them; what was tried stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

_PROGRAMS: Final = "benchmarks.peers.programs"


@dataclass(frozen=True)
class Peer:
    """One peer in one setting.

    Attributes:
        name: What the table shows.
        package: Its file of requirements, its program, and what `--only` calls it.
        setting: The setting in words.
        command: What runs its worker: a program of its environment, and arguments.
        jobs: Jobs in a round, so that one takes a few seconds.
        keeps: True if a job stays in the store until it has run.
        slots: How many jobs it may run at once, where its program says so.
        environment: What else its program wants to know.
    """

    name: str
    package: str
    setting: str
    command: tuple[str, ...]
    jobs: int
    keeps: bool
    slots: int = 10
    environment: Mapping[str, str] = field(default_factory=dict)


_RQ: Final = f"from {_PROGRAMS}.rq import work; work()"
_CELERY: Final = "worker --loglevel WARNING --without-gossip --without-mingle --without-heartbeat"
_TASKIQ: Final = f"taskiq worker {_PROGRAMS}.taskiq:broker --workers 1 --log-level WARNING"


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


PEERS: Final = (
    Peer(
        "dramatiq",
        "dramatiq",
        "1 process, 8 threads, as by default",
        _words(f"dramatiq {_PROGRAMS}.dramatiq --processes 1"),
        jobs=5_000,
        keeps=True,
    ),
    Peer(  # 8 threads take a third more CPU; 10,000 ahead gain nothing more
        "dramatiq, tuned",
        "dramatiq",
        "1 process, 1 thread, dramatiq_queue_prefetch=1000",
        _words(f"dramatiq {_PROGRAMS}.dramatiq --processes 1 --threads 1"),
        jobs=10_000,
        keeps=True,
        environment={"dramatiq_queue_prefetch": "1000"},
    ),
    Peer(  # 1, 4 and 8 threads are no faster
        "huey",
        "huey",
        "2 threads, blocking Redis list, no results, no periodic tasks",
        _words(f"huey_consumer {_PROGRAMS}.huey.huey --workers 2 --quiet --no-periodic"),
        jobs=10_000,
        keeps=False,
    ),
    Peer(  # 100 at once, the default, and 10 take more CPU
        "taskiq, stream",
        "taskiq",
        "RedisStreamBroker, --max-async-tasks 1 --max-prefetch 100, uvloop",
        _words(f"{_TASKIQ} --max-async-tasks 1 --max-prefetch 100"),
        jobs=5_000,
        keeps=True,
        environment={"BENCH_BROKER": "stream"},
    ),
    Peer(
        "taskiq, list",
        "taskiq",
        "ListQueueBroker, --max-async-tasks 100 --max-prefetch 100, uvloop",
        _words(f"{_TASKIQ} --max-async-tasks 100 --max-prefetch 100"),
        jobs=5_000,
        keeps=False,
        environment={"BENCH_BROKER": "list"},
    ),
    Peer(  # solo is slower, and so is prefork, which hands each task to a second process
        "celery",
        "celery",
        "threads, concurrency 1, prefetch multiplier 128, early acknowledgement, no results, no gossip or mingle",
        _words(f"celery --app {_PROGRAMS}.celery {_CELERY} --pool threads --concurrency 1"),
        jobs=3_000,
        keeps=False,
    ),
    Peer(
        "arq",
        "arq",
        "max_jobs 10, poll_delay 0.01, no results, uvloop",
        _words(f"arq {_PROGRAMS}.arq.WorkerSettings --custom-log-dict {_PROGRAMS}.arq.QUIET"),
        jobs=3_000,
        keeps=True,
    ),
    Peer(
        "SAQ",
        "saq",
        "concurrency 10, no results, uvloop",
        _words(f"saq {_PROGRAMS}.saq.settings"),
        jobs=3_000,
        keeps=True,
    ),
    Peer(
        "streaq",
        "streaq",
        "concurrency 32, no results, silent tasks, uvloop",
        _words(f"streaq run {_PROGRAMS}.streaq:worker"),
        slots=32,
        jobs=3_000,
        keeps=True,
    ),
    Peer(
        "RQ SimpleWorker",
        "rq",
        "runs in the worker's own process, no results",
        ("python", "-c", _RQ),
        jobs=1_000,
        keeps=True,
        environment={"BENCH_WORKER": "simple"},
    ),
    Peer(  # SpawnWorker starts an interpreter for each job, and is slower again
        "RQ",
        "rq",
        "forks for each job, as by default, no results",
        ("python", "-c", _RQ),
        jobs=100,
        keeps=True,
        environment={"BENCH_WORKER": "fork"},
    ),
)
