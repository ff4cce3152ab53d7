"""What the clock says in its log, each event with its facts for machines."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from mainspring.base.durations import in_words
from mainspring.base.loggers import Log
from mainspring.schedule.entry import Entry
from mainspring.schedule.ticks import Due

_log: Final = Log("mainspring.clock")


def tick(name: str, jid: str, lag: float, *, won: bool) -> None:
    """Say that a tick is in its queue; only in debug if another clock put it there.

    Args:
        name: The entry's name.
        jid: The id of the tick's job.
        lag: Seconds from the nominal time to the store's answer.
        won: Whether this clock enqueued it.
    """
    level = logging.INFO if won else logging.DEBUG
    if _log.hears(level):
        facts = {"entry": name, "jid": jid, "lag_ms": round(lag * 1000), "won": won}
        _log.log(level, "%s", name, extra={"event": "clock.tick", "facts": facts})


def skipped(name: str, at: str, why: str) -> None:
    """Say that a tick has no job, and why: a question, a hook, a middleware, or a run that is not done."""
    facts = {"entry": name, "tick": at, "why": why}
    _log.info("%s skipped: %s", name, why, extra={"event": "clock.skipped", "facts": facts})


def missed(entry: Entry, found: Due) -> None:
    """Say what becomes of ticks that were missed."""
    run, left_out = len(found.ticks), found.folded
    facts = {"entry": entry.name, "policy": entry.missed, "run": run, "left_out": left_out}
    text = "%s missed ticks: %d run now, %d left out"
    _log.warning(text, entry.name, run, left_out, extra={"event": "clock.missed", "facts": facts})


def failed(entry: Entry, at: float | None, error: Exception) -> None:
    """Say that a tick of *entry*, nominal time *at*, could not be enqueued."""
    facts = {"entry": entry.name, "tick": at, "error": repr(error)}
    text = "%s could not be enqueued, and is tried again: %s"
    _log.error(text, entry.name, error, extra={"event": "clock.entry_failed", "facts": facts}, error=error)


def crashed(error: Exception) -> None:
    """Say that the loop met an error that it does not know."""
    _log.error("the clock met an error, and goes on", extra={"event": "clock.error", "facts": {}}, error=error)


def hook_failed(error: Exception) -> None:
    """Say that a hook failed which is round more than one tick, or whose tick is settled."""
    _log.error("a hook failed: %s", error, extra={"event": "clock.hook_failed", "facts": {}}, error=error)


def unreadable(name: str, error: Exception) -> None:
    """Say that an entry of the store cannot be served by this release."""
    facts = {"entry": name, "error": repr(error)}
    _log.error("%s cannot be served: %s", name, error, extra={"event": "clock.unreadable", "facts": facts})


def removed(names: Sequence[str]) -> None:
    """Say that entries were removed that are no longer in the code."""
    for name in names:
        facts = {"entry": name}
        _log.warning(
            "%s is removed: the code defines it no more", name, extra={"event": "clock.removed", "facts": facts}
        )


def watching(entries: int, *, is_current: bool) -> None:
    """Say that the clock has begun, and whether the schedule in its code is the one that counts."""
    count = "one entry" if entries == 1 else f"{entries} entries"
    facts = {"entries": entries, "is_current": is_current}
    text = "%s" if is_current else "%s; a newer release defines the schedule, and this clock serves what they share"
    _log.info(text, count, extra={"event": "clock.watching", "facts": facts})


def gone(why: str) -> None:
    """Say that the store does not do what it is asked."""
    _log.error("the store is gone, trying again: %s", why, extra={"event": "store.gone", "facts": {"error": why}})


def back(after: float) -> None:
    """Say that the store is back *after* so many seconds."""
    facts = {"after_ms": round(after * 1000)}
    _log.warning("the store is back after %s", in_words(after), extra={"event": "store.back", "facts": facts})


def stopped() -> None:
    """Say that the clock has ended."""
    _log.info("bye", extra={"event": "clock.stopped", "facts": {}})
