"""The rules of the house hold in every file, and each rule can fail.

What import-linter checks (floors, circles, who knows the Redis client) is in
pyproject.toml; what Lua scripts promise is in `store/test_lua_headers.py`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from functools import cache
from types import MappingProxyType

import pytest

from house import danger, literals, purity, shape, state
from house.source import PACKAGE, ROOT, Finding, Source, breaches, files, read

SRC = ("src",)
TESTS = ("tests",)
EVERYTHING = ("src", "tests", "examples", "benchmarks", "tools")

# --- who may do what others may not, and why -----------------------------------------

MAY_IMPORT_BY_NAME = MappingProxyType(
    {
        "cli/boot.py": "finds the App that -A names; a person typed it",
        "worker/runners/spawned.py": "finds the App that the worker, its parent, runs already",
    }
)
MAY_CATCH_EVERYTHING = MappingProxyType(
    {
        "base/arguments.py:_converter_of": "evaluates an annotation, which is the user's code",
        "base/converters.py:converter_for": "likewise, for the fields of the user's classes",
        "base/loggers.py:Log.log": "a handler of the log is a guest; a line that is lost must not cost a job",
        "base/retry.py:_answer": "asks the user's backoff; the job that failed must not be lost for it",
        "base/service.py:Service._safely": "the service loop, which reports it",
        "clock/clock.py:Clock.step": "the service loop, which reports it",
        "clock/clock.py:Clock._hand": "asks an entry's rule, which may be of any release; the other entries go on",
        "clock/claims.py:Claims._open_round": "calls the user's hooks, and reports what they raise",
        "clock/claims.py:Claims._attempt": "asks the user's questions, hooks and middleware; the other entries go on",
        "clock/claims.py:Claims._close": "calls the user's hooks; the tick is in its queue, and stays there",
        "clock/claims.py:Claims._break_off": "likewise; all of them hear of the end",
        "events.py:_call": "a handler is a guest, and changes nothing for the job",
        "features/results.py:Packer.given": "asks the user's value for its parts; the job succeeded all the same",
        "web/dashboard.py:Dashboard._serve": "logs it, and shows a page with its id",
        "worker/executor.py:Executor.run": "runs the job; whatever it raises is its outcome",
        "worker/executor.py:Executor.arun": "likewise",
        "worker/executor.py:Executor._run_watched": "likewise",
        "worker/judge.py:Judge._ended": "a handler is a guest, and changes nothing for the job",
        "worker/gatekeeper.py:Gatekeeper._by_class": "asks the user's functions by which jobs are told apart",
        "worker/runners/threads.py:ThreadRunner._serve": "the loop of a slot, which reports it",
        "worker/fault.py:text_of": "asks an error for its text, which may do anything",
        "middleware.py:_link.call": "throws it on into the user's link, which raises it again unless it was handled",
        "middleware.py:_mixed_link.call": "likewise",
        "middleware.py:_async_link.call": "likewise",
    }
)
MAY_SAY_ANY = MappingProxyType(
    {
        "base/payload.py": "fields that strangers wrote may hold any JSON",
        "context.py": "overrides a method that the standard library types so",
        "features/workflows.py": "stands for a result among arguments of any type",
        "middleware.py": "a generator of either kind; which, is known at run time",
        "store/connection.py": "the client library does not type what it reads",
        "store/line.py": "the same",
    }
)


def module_state(source: Source) -> Iterator[Finding]:
    """Find what can change, knowing which of our classes cannot."""
    return state.module_state(frozen_classes())(source)


@cache
def frozen_classes() -> frozenset[str]:
    """Return the names of our classes whose instances cannot change."""
    return state.frozen_classes(files(*SRC))


RULES = MappingProxyType(
    {
        "function too long": (shape.function_too_long, EVERYTHING),
        "file too long": (shape.file_too_long, EVERYTHING),
        "too deep": (shape.too_deep, EVERYTHING),
        "clock read": (purity.clock_read, SRC),
        "chance": (purity.chance, SRC),
        "outside world": (purity.outside_world, SRC),
        "sleeping": (purity.sleeping, TESTS),
        "key literal": (literals.key_literal(), SRC),
        "Lua in Python": (literals.lua_in_python, SRC),
        "module state": (module_state, SRC),
        "runs data": (danger.runs_data, SRC),
        "imports by name": (danger.imports_by_name(MAY_IMPORT_BY_NAME), SRC),
        "catches everything": (danger.catches_everything(MAY_CATCH_EVERYTHING), SRC),
        "untyped": (danger.untyped(MAY_SAY_ANY), SRC),
    }
)

# --- the house -----------------------------------------------------------------------


@pytest.fixture(scope="module", autouse=True)
def _trees() -> Iterator[None]:
    """Forget what was parsed: each later test would pay for it whenever garbage is collected."""
    yield
    read.cache_clear()
    frozen_classes.cache_clear()


@pytest.mark.parametrize("name", RULES)
def test_no_file_breaks_the_rule(name):
    rule, folders = RULES[name]

    found_here = breaches(rule, files(*folders))

    assert not found_here, "\n" + "\n".join(found_here)


def test_lua_stands_in_one_folder():
    scripts = {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "src").rglob("*.lua")}

    assert scripts <= {"src/mainspring/store/lua", "src/mainspring/store/lua/lib"}


@pytest.mark.parametrize("allowed", [MAY_IMPORT_BY_NAME, MAY_CATCH_EVERYTHING, MAY_SAY_ANY])
def test_each_exception_is_still_needed(allowed):
    rules = (danger.imports_by_name({}), danger.catches_everything({}), danger.untyped({}))
    makers = dict(zip(map(id, (MAY_IMPORT_BY_NAME, MAY_CATCH_EVERYTHING, MAY_SAY_ANY)), rules, strict=True))
    paths = {place.split(":")[0] for place in allowed}

    broken = {line.removeprefix(PACKAGE).split(":")[0] for line in breaches(makers[id(allowed)], files(*SRC))}

    assert paths - broken == set()


# --- the rules themselves ------------------------------------------------------------

KEYS = """
from typing import Final
BELL = "mainspring:bell"
RETRY = "retry"
STAT = "stat:processed"
LATER: Final = "later:all"

def queue(name):
    "Return the list queue:NAME."
    return f"queue:{name}"

def signals(identity):
    return f"{identity}-signals"

def process(identity):
    return identity
"""

long_function = "def f():\n" + "    x = 1\n" * 40
documented = 'def f():\n    """Do.\n' + "\n    more\n" * 20 + '    """\n' + "    x = 1\n" * 36


def at(path: str, code: str) -> Source:
    return Source(PACKAGE + path, textwrap.dedent(code))


def found(rule, code: str, path: str = "store/verbs.py") -> list[str]:
    return [finding.text for finding in rule(at(path, code))]


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (shape.function_too_long, long_function),
        (shape.function_too_long, "class C:\n" + textwrap.indent(long_function, "    ")),
        (shape.file_too_long, "x = 1\n" * 401),
        (shape.too_deep, "def f():\n for a in b:\n  if a:\n   with a:\n    if c:\n     pass"),
        (shape.too_deep, "def f():\n try:\n  pass\n except E:\n  while a:\n   if b:\n    match c:\n     case 1: pass"),
        (purity.clock_read, "import time\ntime.time()"),
        (purity.clock_read, "from time import monotonic as m\nm()"),
        (purity.clock_read, "from datetime import datetime\ndatetime.now(tz)"),
        (purity.clock_read, "import datetime as dt\ndt.datetime.utcnow()"),
        (purity.clock_read, "import time\ndef f(clock=time.time): ..."),
        (purity.clock_read, "from datetime import date\ndate.today()"),
        (purity.clock_read, "import time\ntime.gmtime()"),
        (purity.chance, "import random\nrandom.random()"),
        (purity.chance, "from random import shuffle\nshuffle(x)"),
        (purity.chance, "import random\nrng = random.Random()"),
        (purity.chance, "from random import Random\nrng = Random(1)"),
        (purity.sleeping, "import time\ntime.sleep(1)"),
        (purity.sleeping, "from time import sleep\nsleep(1)"),
        (purity.sleeping, "import asyncio\nasync def f(): await asyncio.sleep(0)"),
        (literals.key_literal(KEYS), "x = 'mainspring:bell'"),
        (literals.key_literal(KEYS), "x = 'mainspring:another'"),
        (literals.key_literal(KEYS), "x = b'stat:processed'"),
        (literals.key_literal(KEYS), "x = 'later:all'"),
        (literals.key_literal(KEYS), "x = f'queue:{name}'"),
        (literals.key_literal(KEYS), "x = 'queue:' + name"),
        (literals.key_literal(KEYS), "x = 'queue:%s' % name"),
        (literals.key_literal(KEYS), "x = f'{me}-signals'"),
        (literals.key_literal(KEYS), "x = f'{{queue:{name}}}:owners'"),
        (literals.key_literal(KEYS), "from m import Command\nCommand('s', ('retry',), (), int)"),
        (literals.key_literal(KEYS), "from m import Command\nCommand('s', keys=(f'{x}', A), args=())"),
        (literals.key_literal(KEYS), "from m import plain\nplain('LLEN', 'retry', decode=int)"),
        (literals.key_literal(KEYS), "client.zadd('retry', {})"),
        (literals.lua_in_python, "x = 'return redis.call(1)'"),
        (literals.lua_in_python, "x = f'local a = KEYS[1] {b}'"),
        (literals.lua_in_python, "client.register_script(text)"),
        (literals.lua_in_python, "send('EVALSHA', sha)"),
        (state.module_state(), "cache = {}"),
        (state.module_state(), "seen: set[str] = set()"),
        (state.module_state(), "if x:\n    jobs = []"),
        (state.module_state(), "TABLE = {}\ndef f(): TABLE['a'] = 1"),
        (state.module_state(), "NAMES = []\ndef f(): NAMES.append(1)"),
        (state.module_state(), "app = App()"),
        (state.module_state(), "LOCK = threading.Lock()"),
        (state.module_state(), "pair = (1, [])"),
        (state.module_state(), "LOCKS = {'a': threading.Lock()}"),
        (state.module_state(), "count = 0\ndef f():\n    global count\n    count += 1"),
        (state.module_state(), "class Open: ...\nit = Open()"),
        (danger.runs_data, "import pickle"),
        (danger.runs_data, "def f():\n    from marshal import loads"),
        (danger.runs_data, "eval(text)"),
        (danger.imports_by_name({}), "import importlib\nimportlib.import_module(name)"),
        (danger.imports_by_name({}), "from importlib import import_module as load\nload(name)"),
        (danger.catches_everything({}), "try: ...\nexcept Exception: ..."),
        (danger.catches_everything({}), "try: ...\nexcept (ValueError, BaseException) as e: log(e)"),
        (danger.catches_everything({}), "try: ...\nexcept: ..."),
        (danger.catches_everything({}), "with contextlib.suppress(Exception): ..."),
        (danger.catches_everything({"store/verbs.py:g": "why"}), "def f():\n    try: ...\n    except Exception: ..."),
        (danger.untyped({}), "from typing import Any\nx: Any"),
        (danger.untyped({}), "import typing as t\ndef f(x: int | t.Any): ..."),
        (danger.untyped({}), "from typing import Any\ndef f(*x: Any): ..."),
        (danger.untyped({}), "from typing import Any\ndef f() -> Any: ..."),
    ],
)  # fmt: skip
def test_a_breach_is_caught(rule, code):
    assert found(rule, code) != []


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (shape.function_too_long, "def f():\n" + "    x = 1\n" * 39),
        (shape.function_too_long, documented),
        (shape.file_too_long, "x = 1\n" * 400),
        (shape.too_deep, "def f():\n for a in b:\n  if a:\n   with a:\n    pass"),
        (shape.too_deep, "def f():\n if a: pass\n elif b: pass\n elif c: pass\n elif d: pass\n elif e: pass"),
        (purity.clock_read, "import time\ntime.gmtime(now)"),
        (purity.clock_read, "def f(now, time): return time.seconds + now"),
        (purity.clock_read, "from datetime import datetime\ndef f(when: datetime): return datetime.fromtimestamp(1)"),
        (purity.chance, "import random\ndef f(rng: random.Random): return rng.random()"),
        (literals.key_literal(KEYS), "x = 'retry'"),
        (literals.key_literal(KEYS), "x = f'the queue: {name}'"),
        (literals.key_literal(KEYS), "x = 'queue: is empty'"),
        (literals.key_literal(KEYS), "def f():\n    'Reads queue:NAME.'"),
        (literals.key_literal(KEYS), "from m import Command, keys\nCommand('s', (keys.RETRY, keys.queue(n)), ('retry',), int)"),
        (literals.lua_in_python, "def f():\n    'Calls redis.call.'"),
        (state.module_state(), "LIMIT = 10\n_NAMES = ('a', 'b')\nT = TypeVar('T')"),
        (state.module_state(), "TABLE = {'a': 1}\ndef f(): return TABLE['a']"),
        (state.module_state(), "__all__ = ['a']"),
        (state.module_state(), "A = frozenset({1, 2})\nB = re.compile('x')\nlog = logging.getLogger('x')"),
        (state.module_state(), "Time = float | int\nHandler = Callable[[int], str]"),
        (state.module_state(), "@dataclass(frozen=True)\nclass Row:\n    a: int\nFIRST = Row(1)\nROWS = (Row(1), Row(2))"),
        (state.module_state(frozenset({"Retry"})), "from m import Retry\nNEVER = Retry(max=0)"),
        (state.module_state(), "def f():\n    cache = {}\n    cache['a'] = 1"),
        (danger.runs_data, "import json\nre.compile('x')\nevaluate(x)"),
        (danger.imports_by_name({"store/verbs.py": "why"}), "import importlib\nimportlib.import_module(name)"),
        (danger.catches_everything({}), "try: ...\nexcept ValueError: ..."),
        (danger.catches_everything({}), "try: ...\nexcept BaseException:\n    close()\n    raise"),
        (danger.catches_everything({"store/verbs.py:C.f": "why"}), "class C:\n  def f(self):\n    try: ...\n    except Exception: ..."),
        (danger.untyped({}), "from typing import Any\ndef f(any: object, x: list[Any]) -> Job[..., Any]: ..."),
        (danger.untyped({}), "from typing import Any, overload\n@overload\ndef f(x: int): ...\ndef f(x: Any) -> Any: ..."),
        (state.module_state(), "A = {1} | B | {Literal}\nC = (1, {'a': (2, 3)}, *B)"),
    ],
)  # fmt: skip
def test_what_is_right_passes(rule, code):
    assert found(rule, code) == []


@pytest.mark.parametrize(
    ("rule", "code", "path", "is_caught"),
    [
        (purity.clock_read, "import time\ntime.time()", "base/timesource.py", False),
        (purity.clock_read, "import time\ntime.time()", "worker/heartbeat.py", False),
        (purity.clock_read, "import time\ntime.time()", "app.py", True),
        (purity.chance, "import random\nrandom.random()", "clock/clock.py", False),
        (purity.chance, "import secrets\nsecrets.token_hex()", "base/payload.py", True),
        (purity.chance, "import uuid\nuuid.uuid4()", "schedule/entry.py", True),
        (purity.chance, "import secrets\nsecrets.token_hex()", "client.py", False),
        (purity.outside_world, "import socket", "base/logs.py", True),
        (purity.outside_world, "open('x')", "schedule/catalog.py", True),
        (purity.outside_world, "import socket", "store/connection.py", False),
        (literals.key_literal(KEYS), "x = 'mainspring:bell'", "store/keys.py", False),
        (literals.lua_in_python, "send('EVALSHA', sha)", "store/connection.py", False),
    ],
)  # fmt: skip
def test_a_rule_knows_where_it_holds(rule, code, path, is_caught):
    assert bool(found(rule, code, path)) is is_caught
