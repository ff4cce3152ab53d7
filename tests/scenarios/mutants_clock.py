"""Faults of one line or two in the clock and in the script that claims; see `mutants`."""

from __future__ import annotations

from mainspring.clock.servertime import ServerTime
from mainspring.store import scripts


def no_compare() -> None:
    """Claim a tick whether or not it, or a later one, was claimed."""
    _rewrite("if tonumber(tick) <= math.max(tonumber(known[2]) or 0, tonumber(known[3]) or 0) then", "if false then")


def local_time() -> None:
    """Go by the machine's own clock, and let nobody object."""
    _rewrite("if tonumber(due) > time[1] + time[2] / 1000000 then", "if false then")
    ServerTime.now = lambda self: self._time.now()  # type: ignore[method-assign]


def _rewrite(line: str, other: str) -> None:
    """Put another line into the script of claims."""
    source = scripts._source

    def changed(path: str) -> str:
        text = source(path)
        assert path != "periodic_claim.lua" or line in text, "the script has changed; so must its mutant"
        return text.replace(line, other)

    scripts._source = changed
