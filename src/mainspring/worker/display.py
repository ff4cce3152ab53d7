"""How a process describes itself to people, in Sidekiq's form, so that Ruby's pages show it too."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from mainspring.base.timesource import TimeSource
from mainspring.worker.delivery import Delivery
from mainspring.worker.lease import Lease
from mainspring.worker.settings import CapsuleSettings

_PAGE_KB: Final = os.sysconf("SC_PAGE_SIZE") // 1024


class Shown(Protocol):
    """What of a capsule is shown."""

    settings: CapsuleSettings

    def busy(self) -> list[tuple[str, Delivery]]:
        """Return the slots that run something, and what."""


def rss_kb() -> int:
    """Return how much memory this process holds, in kilobytes; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * _PAGE_KB
    except (OSError, IndexError, ValueError):
        return 0


class Display:
    """Builds the description of one process."""

    def __init__(
        self,
        *,
        lease: Lease,
        capsules: Sequence[Shown],
        role: str,
        tag: str,
        labels: Sequence[str],
        version: str,
        is_quiet: Callable[[], bool],
        is_embedded: bool,
        time: TimeSource,
    ) -> None:
        """Note what does not change.

        Args:
            lease: The process's identity.
            capsules: Its capsules; none for a clock.
            role: ``worker``, ``clock`` or ``outbox``.
            tag: A name for people.
            labels: Words for people.
            version: The package's version.
            is_quiet: Whether it fetches no more.
            is_embedded: Whether it lives in a process that does something else, and cannot be stopped.
            time: The clocks.
        """
        self._lease = lease
        self._capsules = capsules
        self._is_quiet = is_quiet
        self._time = time
        self._info: dict[str, Any] = {
            "hostname": lease.host,
            "started_at": time.now(),
            "pid": os.getpid(),
            "tag": tag,
            "concurrency": self.concurrency,
            "queues": list(dict.fromkeys(queue for capsule in capsules for queue in capsule.settings.names)),
            "labels": list(labels),
            "weights": [dict(capsule.settings.queues) for capsule in capsules],
            "version": version,
            "embedded": is_embedded,
            "capsules": {capsule.settings.name: _capsule(capsule.settings) for capsule in capsules},
            "role": role,
        }

    @property
    def concurrency(self) -> int:
        """How many jobs the process runs at once."""
        return sum(capsule.settings.concurrency for capsule in self._capsules)

    def description(self, rtt: float) -> dict[str, str | int | float]:
        """Return the fields of the process's hash; *rtt* is the last round trip in seconds."""
        return {
            "info": json.dumps(self._info | {"identity": self._lease.identity}, separators=(",", ":")),
            "busy": sum(len(capsule.busy()) for capsule in self._capsules),
            "beat": self._time.now(),
            "rtt_us": round(rtt * 1e6),
            "quiet": "true" if self._is_quiet() else "false",
            "rss": rss_kb(),
            "concurrency": self.concurrency,
        }

    def work(self) -> dict[str, bytes]:
        """Return what runs, by slot, as JSON in which the job is a text, as in Sidekiq."""
        offset = self._time.now() - self._time.monotonic()
        return {
            slot: json.dumps(
                {
                    "queue": delivery.queue,
                    "payload": delivery.raw.decode("utf-8", "replace"),
                    "run_at": int(delivery.started + offset),
                },
                ensure_ascii=False,
                separators=(",", ":"),
            ).encode()
            for capsule in self._capsules
            for slot, delivery in capsule.busy()
            if delivery.started
        }


def _capsule(settings: CapsuleSettings) -> dict[str, Any]:
    return {"concurrency": settings.concurrency, "mode": settings.mode, "weights": dict(settings.queues)}
