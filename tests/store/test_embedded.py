"""The embedded store's promise: one server a folder while anybody uses it, and no death loses data."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from mainspring.base.errors import BootError
from mainspring.store import bundled, embedded
from support import until

# Takes a share, says so, and keeps it until its input ends.
USER = """
import sys
from pathlib import Path
from mainspring.store import embedded
share = embedded.ensure(Path(sys.argv[1]))
print(share.pid, share.started, share.url, flush=True)
sys.stdin.read()
"""

# Forks; the child says a word and lives until its input ends, the parent ends at once if it is told to.
FORKING_USER = """
import os, sys
from pathlib import Path
from mainspring.store import embedded
share = embedded.ensure(Path(sys.argv[1]))
if os.fork() == 0:
    if sys.argv[2] == "child-stays":
        print(share.pid, share.started, share.url, flush=True)
        sys.stdin.read()
    sys.exit(0)
if sys.argv[2] == "parent-stays":
    os.wait()
    print(share.pid, share.started, share.url, flush=True)
    sys.stdin.read()
"""

# Is gone between the birth of the server and its first answer.
DEAD_STARTER = """
import os, sys
from pathlib import Path
from mainspring.store import embedded
embedded._launch(embedded._prepare(Path(sys.argv[1])))
os._exit(0)
"""


class User:
    """A process that uses the store of a folder."""

    def __init__(self, folder: Path, *words: str, program: str = USER) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, str(folder), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def ready(self) -> User:
        """Wait until it has its share, and note what it says of the server."""
        assert self.process.stdout is not None
        pid, started, self.url = self.process.stdout.readline().split()
        self.server, self.started = int(pid), started == "True"
        return self

    def leave(self) -> None:
        """Let it end as a program does."""
        self.process.communicate(timeout=30)

    def kill9(self) -> None:
        """End it as the kernel would."""
        self.process.kill()
        self.process.communicate(timeout=30)


@pytest.fixture
def user(folder: Path) -> Iterator[Callable[..., User]]:
    """Start processes that use the folder's store."""
    users: list[User] = []

    def start(*words: str, program: str = USER) -> User:
        users.append(User(folder, *words, program=program))
        return users[-1]

    yield start
    for each in users:
        if each.process.poll() is None:
            each.kill9()


def ends(pid: int | None) -> bool:
    """Wait for a process that has done its work; init may take its time to bury it."""
    return until(lambda: not is_alive(pid), timeout=30)


def is_alive(pid: int | None) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# --- one server --------------------------------------------------------------------------


def test_two_processes_share_one_server(folder, user):
    first = user().ready()
    second = user().ready()

    assert first.server == second.server
    assert (first.started, second.started) == (True, False)


def test_eight_processes_that_start_at_once_get_one_server(folder, user):
    users = [user() for _ in range(8)]

    servers = {each.ready().server for each in users}

    assert len(servers) == 1
    assert sum(each.started for each in users) == 1


def test_a_starter_that_dies_before_the_first_answer_does_not_make_it_two(folder):
    subprocess.run(
        [sys.executable, "-c", DEAD_STARTER, str(folder)],
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )

    share = embedded.ensure(folder)

    assert not share.started
    share.release()
    assert embedded.status(folder) is None


def test_threads_that_revive_a_dead_server_together_start_one(folder):
    share = embedded.ensure(folder)
    os.kill(share.pid or 0, signal.SIGKILL)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: share.ensure_running(), range(8)))

    assert (folder / bundled.LOG).read_text().count("Ready to accept connections") == 2
    share.release()


def test_a_folder_reached_through_a_link_is_the_same_folder(folder, tmp_path):
    share = embedded.ensure(folder)
    (tmp_path / "link").symlink_to(folder)

    other = embedded.ensure(tmp_path / "link")

    assert (other.url, other.pid) == (share.url, share.pid)
    other.release()
    share.release()


# --- who stops it ------------------------------------------------------------------------


def test_only_the_last_to_leave_stops_the_server(folder, user):
    first = user().ready()
    second = user().ready()

    first.leave()
    assert is_alive(second.server)
    second.leave()

    assert ends(second.server)
    assert embedded.status(folder) is None


def test_a_kill_9_of_the_starter_leaves_server_and_data_to_the_others(folder, user, connect):
    first = user().ready()
    second = user().ready()
    store = connect(first.url)
    store.set("key", "value")

    first.kill9()

    assert store.get("key") == b"value"
    second.leave()
    assert ends(second.server)


def test_a_kill_9_of_the_only_user_leaves_the_server_to_the_next_one_who_stops_it(folder, user, connect):
    first = user().ready()
    connect(first.url).set("key", "value")
    first.kill9()

    second = user().ready()

    assert second.server == first.server
    assert connect(second.url).get("key") == b"value"
    second.leave()
    assert ends(first.server)


def test_what_was_written_is_there_after_the_last_left_and_the_next_came(folder, connect):
    share = embedded.ensure(folder)
    connect(share.url).set("key", "value")
    share.release()

    share = embedded.ensure(folder)

    assert share.started
    assert connect(share.url).get("key") == b"value"
    share.release()


def test_a_forked_child_that_ends_takes_the_store_from_nobody(folder, user, connect):
    parent = user("parent-stays", program=FORKING_USER).ready()

    assert connect(parent.url).ping()

    parent.leave()
    assert ends(parent.server)


def test_a_forked_child_that_outlives_its_parent_keeps_the_store_and_stops_it(folder, user, connect):
    child = user("child-stays", program=FORKING_USER).ready()
    child.process.wait(30)

    assert connect(child.url).ping()

    child.leave()
    assert ends(child.server)


def test_a_share_that_is_forgotten_is_given_back(folder):
    share = embedded.ensure(folder)
    pid = share.pid

    del share
    gc.collect()

    assert ends(pid)


def test_two_shares_in_one_process_are_two(folder):
    first, second = embedded.ensure(folder), embedded.ensure(folder)

    first.release()
    first.release()
    assert embedded.status(folder) is not None
    second.release()

    assert embedded.status(folder) is None


def test_leaving_and_arriving_at_the_same_moment_never_lose_the_store(folder, user, connect):
    leaving = user().ready()

    for turn in range(1, 13):
        arriving = user()
        leaving.leave()
        arriving.ready()
        assert connect(arriving.url).incr("turns") == turn
        leaving = arriving


def test_threads_that_come_and_go_lose_no_write(folder):
    def visit(_: int) -> None:
        share = embedded.ensure(folder)
        with redis.Redis.from_url(share.url, retry=Retry(NoBackoff(), 0)) as store:
            store.incr("visits")
        share.release()

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(visit, range(30)))

    assert embedded.status(folder) is None
    share = embedded.ensure(folder)
    with redis.Redis.from_url(share.url) as store:
        assert store.get("visits") == b"30"
    share.release()


# --- the stop command --------------------------------------------------------------------


def test_stop_ends_the_server_under_its_users_who_do_not_start_it_again(folder):
    share = embedded.ensure(folder)
    pid = share.pid

    assert embedded.stop(folder) is True
    share.ensure_running()

    assert ends(pid)
    assert embedded.status(folder) is None


def test_a_new_process_starts_a_stopped_server_and_old_users_may_revive_it_again(folder, connect):
    share = embedded.ensure(folder)
    connect(share.url).set("key", "value")
    embedded.stop(folder)

    newcomer = embedded.ensure(folder)
    assert connect(newcomer.url).get("key") == b"value"
    os.kill(newcomer.pid or 0, signal.SIGKILL)
    share.ensure_running()

    assert connect(share.url).get("key") == b"value"
    newcomer.release()
    share.release()


def test_stop_of_a_folder_without_a_server_says_so_and_makes_nothing(folder):
    assert embedded.stop(folder) is False
    assert not folder.exists()

    embedded.ensure(folder).release()

    assert embedded.stop(folder) is False
    assert not (folder / "stopped").exists()


def test_a_server_that_does_not_end_is_reported(folder, monkeypatch):
    share = embedded.ensure(folder)
    pid = share.pid or 0
    monkeypatch.setattr(embedded, "STOP_LIMIT", 0.2)
    os.kill(pid, signal.SIGSTOP)

    with pytest.raises(BootError, match=f"pid {pid}"):
        embedded.stop(folder)

    os.kill(pid, signal.SIGCONT)
    # It was sent SIGTERM, which it takes now.
    assert ends(pid)


# --- deaths of the server ----------------------------------------------------------------


def test_a_server_killed_with_9_comes_back_with_every_answered_write(folder, connect):
    share = embedded.ensure(folder)
    store = connect(share.url)
    for number in range(1000):
        store.rpush("list", number)
    os.kill(share.pid or 0, signal.SIGKILL)

    share.ensure_running()

    assert store.llen("list") == 1000
    share.release()


def test_a_dead_server_is_started_by_the_next_process_too(folder, user, connect):
    first = user().ready()
    connect(first.url).set("key", "value")
    os.kill(first.server, signal.SIGKILL)

    second = user().ready()

    assert second.started
    assert second.server != first.server
    assert connect(first.url).get("key") == b"value"


def test_stale_files_deceive_nobody_and_an_innocent_process_is_left_alone(folder):
    folder.mkdir()
    (folder / "store.sock").touch()
    innocent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    (folder / bundled.PID).write_text(str(innocent.pid))

    bundled.terminate(folder)
    share = embedded.ensure(folder)

    assert share.started
    assert share.pid != innocent.pid
    assert innocent.poll() is None
    innocent.communicate(b"\n", timeout=30)
    share.release()
