"""Who is killed: how each is started as its documentation says, and where in the store its jobs lie."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import redis

from benchmarks.process import ROOT

PROGRAMS: Final = ROOT / "benchmarks" / "recovery" / "programs"
_PROGRAMS: Final = "benchmarks.recovery.programs"


@dataclass(frozen=True)
class Subject:
    """One queue in one setting.

    Attributes:
        name: What the table shows.
        package: Its environment; empty for ours and Sidekiq, which run in this one.
        setting: How its worker is started and set, in words.
        command: What runs its worker: a program, and arguments.
        push: What enqueues its job.
        marks_failed: Tells whether the store says that the job has failed.
        holds: Tells whether the job is in the store, wherever.
        kills_all: True if the processes that its worker has started are killed with it.
        environment: What else its program wants to know.
    """

    name: str
    package: str
    setting: str
    command: tuple[str, ...]
    push: tuple[str, ...]
    holds: Callable[[redis.Redis], bool]
    marks_failed: Callable[[redis.Redis], bool]
    kills_all: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_ours(self) -> bool:
        """True if it is mainspring."""
        return self.name.startswith("mainspring")


def _any(*patterns: str) -> Callable[[redis.Redis], bool]:
    """Return what tells whether a key exists; lists, sets and hashes exist while something is in them."""
    return lambda client: any(next(client.scan_iter(pattern), None) for pattern in patterns)


def _saq_aborted(client: redis.Redis) -> bool:
    found = [client.get(key) for key in client.scan_iter("saq:job:*")]
    return any(json.loads(raw)["status"] in ("aborted", "failed") for raw in found if raw)


def _unfinished_saq(client: redis.Redis) -> bool:
    return _any("saq:job:*")(client) and not _saq_aborted(client)


def _peer(
    name: str,
    setting: str,
    command: str,
    *,
    holds: Callable[[redis.Redis], bool],
    marks_failed: Callable[[redis.Redis], bool],
    way: str = "",
) -> Subject:
    package = name.split(",", maxsplit=1)[0].lower()
    return Subject(
        name,
        package,
        setting,
        tuple(command.format(program=f"{_PROGRAMS}.{package}").split()),
        ("python", "-m", f"{_PROGRAMS}.push", package),
        holds,
        marks_failed,
        environment={"BENCH_WAY": way},
    )


_NEVER: Final = _any()
_IN_CELERY: Final = _any("celery", "unacked")
_IN_RQ: Final = _any("rq:queue:*", "rq:wip:*", "rq:scheduled:*")
_IN_HUEY: Final = _any("huey.redis.*", "huey.schedule.*")
_RQ_COMMAND: Final = "rq worker --url {{url}}"
_CELERY_COMMAND: Final = "celery --app {program} worker"
_TASKIQ_COMMAND: Final = "taskiq worker {program}:broker"

PEERS: Final = (
    _peer(
        "streaq",
        "",
        "streaq run {program}:worker",
        holds=_any("streaq:*:data:*"),
        marks_failed=_any("streaq:*:results:*"),
    ),
    _peer("arq", "", "arq {program}.WorkerSettings", holds=_any("arq:job:*"), marks_failed=_any("arq:result:*")),
    _peer("dramatiq", "", "dramatiq {program}", holds=_any("dramatiq:*.msgs"), marks_failed=_any("dramatiq:*.XQ")),
    _peer("taskiq, list", "ListQueueBroker", _TASKIQ_COMMAND, holds=_any("taskiq"), marks_failed=_NEVER, way="list"),
    _peer(
        "taskiq, stream", "RedisStreamBroker", _TASKIQ_COMMAND, holds=_any("taskiq"), marks_failed=_NEVER, way="stream"
    ),
    _peer("celery", "", _CELERY_COMMAND, holds=_IN_CELERY, marks_failed=_NEVER),
    _peer(
        "celery, late",
        "task_acks_late, task_reject_on_worker_lost",
        _CELERY_COMMAND,
        holds=_IN_CELERY,
        marks_failed=_NEVER,
        way="late",
    ),
    _peer("huey", "", "huey_consumer {program}.huey", holds=_IN_HUEY, marks_failed=_NEVER),
    _peer(
        "huey, retries", "retries=3", "huey_consumer {program}.huey", holds=_IN_HUEY, marks_failed=_NEVER, way="retries"
    ),
    _peer("SAQ", "", "saq {program}.settings", holds=_unfinished_saq, marks_failed=_saq_aborted),
    _peer(
        "SAQ, retries",
        "retries=3",
        "saq {program}.settings",
        holds=_unfinished_saq,
        marks_failed=_saq_aborted,
        way="retries",
    ),
    _peer("RQ", "", _RQ_COMMAND, holds=_IN_RQ, marks_failed=_any("rq:failed:*")),
    _peer("RQ, retries", "Retry(max=3)", _RQ_COMMAND, holds=_IN_RQ, marks_failed=_any("rq:failed:*"), way="retries"),
)

_RUBY: Final = str(PROGRAMS / "sidekiq_hold.rb")
SIDEKIQ: Final = Subject(
    "Sidekiq",
    "",
    "",
    ("sidekiq", "-r", _RUBY),
    ("ruby", _RUBY, "push"),
    holds=_any("queue:*", "retry", "schedule"),
    marks_failed=_any("dead"),
)


def _ours(name: str, setting: str, *, kills_all: bool) -> Subject:
    return Subject(
        name,
        "",
        setting,
        (sys.executable, "-m", "mainspring", "worker", "-A", f"{_PROGRAMS}.ours"),
        (sys.executable, "-m", f"{_PROGRAMS}.push", "ours"),
        holds=_any("queue:*", "{queue:*}:p:*", "retry"),
        marks_failed=_any("dead"),
        kills_all=kills_all,
    )


OURS: Final = (
    _ours(
        "mainspring, worker", "the worker's process killed, as the kernel does when memory is short", kills_all=False
    ),
    _ours("mainspring, machine", "its pacemaker killed with it, as when the whole machine is lost", kills_all=True),
)
