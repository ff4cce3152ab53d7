"""Where time and chance may come from, and who may wait: what reads a clock by itself cannot be tested at will."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from house.source import Finding, Source

# They run on real time, and hand it down.
TOP_FLOORS = frozenset({"worker", "clock", "web", "cli", "testing"})
TIMESOURCE = "base/timesource.py"
# The one object that holds what is held, the process's chance included.
APP = "app.py"
PURE = frozenset({"base", "schedule"})

_CLOCKS = frozenset(
    {f"time.{name}" for name in ("time", "monotonic", "perf_counter", "process_time", "clock_gettime")}
    | {f"time.{name}_ns" for name in ("time", "monotonic", "perf_counter", "process_time", "clock_gettime")}
    | {"time.sleep"}
    | {f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")}
    | {"datetime.date.today"}
)
# They read the clock unless they are told a time.
_CLOCKS_IF_BARE = frozenset({"time.gmtime", "time.localtime", "time.ctime"})
_CHANCE_OF_THE_SYSTEM = frozenset({"uuid.uuid1", "uuid.uuid4", "os.urandom", "os.getrandom"})
_OUTSIDE_WORLD = frozenset(
    {"asyncio", "http", "select", "shutil", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "urllib.request"}
)
_DOORS = frozenset({"open", "print", "input", "os.open", "os.getenv", "os.environ.get", "io.open"})


def clock_read(source: Source) -> Iterator[Finding]:
    """Find reads of a clock outside `base/timesource.py` and the top floors."""
    if _may_read_clocks(source):
        return
    bare = {id(call.func) for call in source.calls() if not call.args}
    for node, name in _names(source):
        if name in _CLOCKS or (name in _CLOCKS_IF_BARE and id(node) in bare):
            yield Finding(node.lineno, f"{name}: let `now` or a TimeSource come in by argument")


def chance(source: Source) -> Iterator[Finding]:
    """Find `random.` outside the App and the top floors; ``random.Random`` as a type is no chance."""
    if _may_read_clocks(source) or source.inside == APP:
        return
    types = {id(node) for node, name in _names(source) if name == "random.Random"}
    called = {id(call.func) for call in source.calls()}
    for node, name in _names(source):
        drawn = name.startswith("random.") and (id(node) not in types or id(node) in called)
        of_system = source.room in PURE and (name in _CHANCE_OF_THE_SYSTEM or name.startswith("secrets."))
        if drawn or of_system:
            yield Finding(node.lineno, f"{name}: let a random.Random come in by argument")


def outside_world(source: Source) -> Iterator[Finding]:
    """Find I/O on the ground floor and in the schedule."""
    if source.room not in PURE:
        return
    for name in set(source.origins.values()):
        if any(name == module or name.startswith(f"{module}.") for module in _OUTSIDE_WORLD):
            yield Finding(1, f"{name} is imported, but this floor does no I/O")
    for call in source.calls():
        if source.dotted(call.func) in _DOORS:
            yield Finding(call.lineno, f"{source.dotted(call.func)}() is called, but this floor does no I/O")


def sleeping(source: Source) -> Iterator[Finding]:
    """Find calls of anything named ``sleep``: a test that sleeps is slow on good days and fails on bad ones."""
    for call in source.calls():
        called = call.func
        name = called.attr if isinstance(called, ast.Attribute) else source.dotted(called).rpartition(".")[2]
        if name == "sleep":
            yield Finding(call.lineno, "sleep(): wait for a signal or an event, or step the time")


def _may_read_clocks(source: Source) -> bool:
    return source.inside == TIMESOURCE or source.room in TOP_FLOORS


def _names(source: Source) -> Iterator[tuple[ast.expr, str]]:
    """Yield the outermost names of the file, resolved: ``a.b.c`` is one, not three."""
    inner = {id(node.value) for node in source.nodes if isinstance(node, ast.Attribute)}
    for node in source.nodes:
        if isinstance(node, (ast.Name, ast.Attribute)) and id(node) not in inner:
            yield node, source.dotted(node)
