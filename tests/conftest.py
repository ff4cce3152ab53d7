"""What every test may use: real servers, flushed before each test and searched for leaks after it.

`server` is one server for the whole run (one per xdist worker).  Tests under
`tests/store` and `tests/contracts`, and those marked `both_stores`, run on each
kind; all others on the embedded Valkey.  `--store KIND` narrows it to one kind.
`private_server(...)` makes one that a test may kill, fill or restart. `postgres()` is a
database server, for tests of what lives in two places. `once(name, make)` makes what takes long once for a whole run.
"""

from __future__ import annotations

import compileall
import fcntl
import gc
import json
import logging
import os
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from hypothesis import HealthCheck, settings

from servers import KINDS, NoSuchServer, Server, binary

if TYPE_CHECKING:
    from postgres import Postgres

Make: TypeAlias = Callable[[], object]

TESTS = Path(__file__).parent
ON_BOTH = ("store", "contracts")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--store``."""
    parser.addoption("--store", choices=(*KINDS, "both"), default=None, help="run every store test on this kind only")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", "both_stores: run this test on Valkey and on Redis")
    # How long an example takes is the machine's, and what else it does at that moment.
    settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("suite")
    if not hasattr(config, "workerinput"):
        # Hundreds of processes import these; where no bytecode may be written, each would compile them anew.
        for folder in ("src", "tests", "examples"):
            compileall.compile_dir(TESTS.parent / folder, quiet=2)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Let pytest keep the assertions that it has rewritten, which takes as long as all else that collecting does."""
    was, sys.dont_write_bytecode = sys.dont_write_bytecode, False
    try:
        return (yield)
    finally:
        sys.dont_write_bytecode = was


def pytest_collection_finish() -> None:
    """Let no collection of garbage go through thousands of tests and all that they import."""
    gc.collect()
    gc.freeze()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give `server` its kinds: by the test's folder, its marker and the command line."""
    if "server" in metafunc.fixturenames:
        metafunc.parametrize("server", _kinds(metafunc), indirect=True)


def _kinds(metafunc: pytest.Metafunc) -> tuple[str, ...]:
    asked = metafunc.config.getoption("--store")
    folder = metafunc.definition.path.relative_to(TESTS).parts[0]
    if asked in KINDS:
        return (str(asked),)
    if asked == "both" or folder in ON_BOTH or metafunc.definition.get_closest_marker("both_stores"):
        return KINDS
    return KINDS[:1]


@pytest.fixture(scope="session")
def once(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Make], Any]:
    """Return a function that makes something under a name, in one of the processes of a run: the others read its JSON."""
    folder = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        folder = folder.parent

    def get(name: str, make: Make) -> Any:
        with (folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            kept = folder / f"{name}.json"
            if not kept.exists():
                kept.write_text(json.dumps(make()))
            return json.loads(kept.read_text())

    return get


def _require(kind: str) -> None:
    """Skip where the machine lacks this kind of server; in CI that is a failure."""
    try:
        binary(kind)
    except NoSuchServer as absent:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{kind}: {absent}")
        pytest.skip(f"{kind}: {absent}")


@pytest.fixture(scope="session")
def running_servers() -> Iterator[Callable[[str], Server]]:
    """Return the session's server of a kind, started when it is first asked for."""
    started: dict[str, Server] = {}

    def get(kind: str) -> Server:
        if kind not in started:
            _require(kind)
            started[kind] = Server(kind)
            started[kind].start()
        return started[kind]

    yield get
    for server in started.values():
        server.close()


@pytest.fixture
def server(request: pytest.FixtureRequest, running_servers: Callable[[str], Server]) -> Iterator[Server]:
    """Give an empty server; afterwards fail if a key was left that would stay for ever."""
    instance = running_servers(request.param)
    # Workers and stores of earlier tests may hold connections still; what is counted here is this test's.
    instance.client.client_kill_filter(_type="normal", skipme=True)
    instance.flush()
    yield instance
    leaked = _leaked(instance)
    assert not leaked, f"keys without TTL that model.py does not call permanent: {sorted(leaked)}"


@pytest.fixture(autouse=True)
def _same_log() -> Iterator[None]:
    """Undo what a command run in this process has done to the package's logger."""
    logger = logging.getLogger("mainspring")
    handlers, level, propagate = list(logger.handlers), logger.level, logger.propagate
    yield
    logger.handlers[:], logger.propagate = handlers, propagate
    logger.setLevel(level)


def _leaked(server: Server) -> set[str]:
    # Imported here: a test of the ground floor must not load the store.
    from mainspring.store import model

    return {key for key in server.lasting() if not model.is_permanent(key)}


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[], Postgres]]:
    """Return the session's PostgreSQL, started when it is first asked for; skip where the machine lacks one."""
    # Imported here: few tests need its driver.
    from postgres import Postgres

    started: list[Postgres] = []

    def get() -> Postgres:
        if not started:
            try:
                server = Postgres()
            except NoSuchServer as absent:
                if os.environ.get("CI") == "true":
                    pytest.fail(f"postgresql: {absent}")
                pytest.skip(f"postgresql: {absent}")
            started.append(server)
            server.start()
        return started[0]

    yield get
    for server in started:
        server.close()


@pytest.fixture
def private_server() -> Iterator[Callable[..., Server]]:
    """Start servers that belong to this test alone; see `Server` for the options."""
    started: list[Server] = []

    def start(kind: str = "valkey9", **options: object) -> Server:
        _require(kind)
        server = Server(kind, **options)  # type: ignore[arg-type]  # handed through; Server checks the names
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.close()
