"""Faults of one line in the functions of limits; see `mutants`."""

from __future__ import annotations

from mainspring.store import scripts


def one_slot_more() -> None:
    """Give one slot too many."""
    _rewrite("limit_held(limit, now_us) + cost - limit.n", "limit_held(limit, now_us) + cost - limit.n - 1")


def no_sum() -> None:
    """Write down the interval, and forget to count."""
    _rewrite("limit_text(taken + cost)", "limit_text(taken)")


def half_window() -> None:
    """Look at the newer half of the window only."""
    _rewrite('"(" .. limit_text(at - limit.us)', '"(" .. limit_text(at - limit.us / 2)')


def leaks_twice() -> None:
    """Let the bucket drain in half its time."""
    _rewrite("limit.us * limit.n * 1000000)", "limit.us * limit.n * 2000000)")


def held_too_long() -> None:
    """Hold a slot for ten times its time."""
    _rewrite("n = n, us = us,", "n = n, us = us * 10,")


def _rewrite(line: str, other: str) -> None:
    """Put another line into the functions of limits."""
    source = scripts._source

    def changed(path: str) -> str:
        text = source(path)
        assert path != "lib/limit.lua" or text.count(line) == 1, "the functions have changed; so must their mutant"
        return text.replace(line, other)

    scripts._source = changed
