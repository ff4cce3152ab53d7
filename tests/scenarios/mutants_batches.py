"""Faults of one line in the functions of batches; see `mutants`."""

from __future__ import annotations

from mainspring.store import scripts


def fires_again() -> None:
    """Tell of an event whenever it is seen, and keep its callbacks for that."""
    _rewrite(
        {
            'if redis.call("HSETNX", batch, event .. "_at", now_ms) == 0': 'if redis.call("HSET", batch, event .. "_at", 1) < 0',
            'redis.call("HDEL", batch, queue, job)\n': "",
        }
    )


def counts_again() -> None:
    """Count a job at the end of each of its runs, as a counter does that does not know which it has counted."""
    _rewrite({"if n >= tonumber(found[1] or 0) then": COUNTED + "if n >= tonumber(found[1] or 0) then"})


#: What a failed run counts as well.
COUNTED = """
  if found[1] and what == "failed" then
    found[4] = redis.call("HINCRBY", batch, "ok", 1)
  end
  """


def _rewrite(lines: dict[str, str]) -> None:
    """Put other lines into the functions of batches."""
    source = scripts._source

    def changed(path: str) -> str:
        text = source(path)
        for line, other in lines.items() if path == "lib/batch.lua" else ():
            assert text.count(line) == 1, "the functions have changed; so must their mutant"
            text = text.replace(line, other)
        return text

    scripts._source = changed
