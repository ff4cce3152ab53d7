"""Says what became of each job: one line a run, and counters that a heartbeat can show."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from mainspring.base.loggers import Log
from mainspring.base.payload import Payload, unix
from mainspring.base.timesource import TimeSource
from mainspring.worker import fault
from mainspring.worker.delivery import Delivery
from mainspring.worker.outcome import Dead, Discarded, Done, GivenBack, Outcome, Parked, Retried, Snoozed

_log: Final = Log("mainspring.job")

#: The retries of a job that says nothing of them.
_USUAL: Final = 25
#: Times beyond this, in unix seconds, are a stranger's mistake.
_FAR: Final = 1e12


class Reporter:
    """Writes a line for each finished run, if anybody listens.

    Attributes:
        tells_starts: Whether the beginning of a run is a line too.
        hears_success: Whether anybody listens to what went well.
    """

    def __init__(self, time: TimeSource, *, starts: bool = False) -> None:
        """Ask the logger once whether it listens.

        Args:
            time: The clocks.
            starts: Whether the beginning of a run is a line too.
        """
        self._time = time
        self.tells_starts = starts
        self.hears_success = _log.hears(logging.INFO)

    def started(self, delivery: Delivery) -> None:
        """Say that a run begins."""
        if self.tells_starts and delivery.payload is not None:
            facts = {"jid": delivery.jid, "class": delivery.payload.name, "queue": delivery.queue}
            _log.info("start", extra={"event": "job.start", "facts": facts})

    def finished(self, delivery: Delivery, verdict: Outcome) -> None:
        """Say what became of a run."""
        if isinstance(verdict, Done) and not self.hears_success:
            return
        level, event, more = _words(verdict, self._time.now())
        facts = self._facts(delivery) | more
        error = getattr(verdict, "error", None)
        message = (
            f"{facts['error']['type']}: {facts['error']['message']}" if error is not None else event.partition(".")[2]
        )
        trace = error if isinstance(verdict, Dead) else None
        _log.log(level, "%s", message, extra={"event": event, "facts": facts}, error=trace)

    def fenced(self, delivery: Delivery) -> None:
        """Say that a job's outcome was refused, because it had been given to another process."""
        _log.warning(
            "%s was given to another process while it ran here; its outcome was not recorded",
            delivery.jid,
            extra={"event": "job.fenced", "facts": self._facts(delivery)},
        )

    def _facts(self, delivery: Delivery) -> dict[str, Any]:
        facts: dict[str, Any] = {"jid": delivery.jid, "queue": delivery.queue}
        if delivery.started:
            facts["run_ms"] = round((self._time.monotonic() - delivery.started) * 1000, 3)
        payload = delivery.payload
        if payload is not None:
            facts["class"] = payload.name
            since = unix(payload.enqueued_at)
            if since is not None and abs(since) < _FAR:
                waited = self._time.now() - since - facts.get("run_ms", 0) / 1000
                facts["wait_ms"] = round(max(waited, 0.0) * 1000, 3)
            facts |= _attempt(payload)
        return facts


def _attempt(payload: Payload) -> dict[str, int]:
    """Return which retry comes next and how many there may be, once a job has failed."""
    count, most = payload.retry_count, payload.retry
    if most is True or not isinstance(most, int):
        # Nothing was said; or a stranger said what means nothing.
        most = _USUAL
    return {"attempt": count + 2 if isinstance(count, int) else 1, "max": int(most)}


def _words(verdict: Outcome, now: float) -> tuple[int, str, dict[str, Any]]:
    make: Callable[[Any, float], tuple[int, str, dict[str, Any]]] = _TABLE[type(verdict)]
    return make(verdict, now)


def _error(error: BaseException) -> dict[str, Any]:
    return {
        "error": {
            "type": fault.class_of(error),
            "message": fault.text_of(error),
            "frame": fault.place(error),
        }
    }


def _retried(verdict: Retried, now: float) -> tuple[int, str, dict[str, Any]]:
    wait = max(verdict.at - now, 0.0)
    return logging.WARNING, "job.retry", {"next_at": verdict.at, "next_in": round(wait, 3)} | _error(verdict.error)


def _dead(verdict: Dead, _now: float) -> tuple[int, str, dict[str, Any]]:
    return logging.ERROR, "job.dead", {"reason": verdict.reason} | _error(verdict.error)


def _discarded(verdict: Discarded, _now: float) -> tuple[int, str, dict[str, Any]]:
    more = _error(verdict.error) if verdict.error is not None else {}
    return logging.WARNING, "job.discard", {"reason": verdict.reason} | more


def _snoozed(verdict: Snoozed, now: float) -> tuple[int, str, dict[str, Any]]:
    more = {"limiter": verdict.limiter, "limited": verdict.limited} if verdict.limited else {}
    return logging.INFO, "job.snooze", {"next_in": round(max(verdict.at - now, 0.0), 3)} | more


_TABLE: Final[dict[type, Callable[[Any, float], tuple[int, str, dict[str, Any]]]]] = {
    Done: lambda _verdict, _now: (logging.INFO, "job.ok", {}),
    Retried: _retried,
    Dead: _dead,
    Discarded: _discarded,
    Snoozed: _snoozed,
    GivenBack: lambda verdict, _now: (logging.INFO if verdict.is_planned else logging.WARNING, "job.pushed_back", {}),
    Parked: lambda verdict, _now: (logging.INFO, "job.parked", {"gate": verdict.gate}),
}
