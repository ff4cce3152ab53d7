"""A script's name and the text that runs are one: the server knows it by the hash of what we would send."""

from __future__ import annotations

from pathlib import Path

import pytest

from mainspring.store import scripts

NAMES = sorted(path.stem for path in (Path(scripts.__file__).parent / "lua").glob("*.lua"))


@pytest.mark.parametrize("name", NAMES)
def test_the_server_calls_a_script_as_we_do_and_can_read_it(server, name):
    script = scripts.load(name)

    assert server.client.script_load(script.source) == script.sha


@pytest.mark.parametrize("name", NAMES)
def test_a_script_is_sent_without_what_only_people_need(name):
    source = scripts.load(name).source.decode()

    assert not [line for line in source.splitlines() if line.lstrip().startswith("--")]
    assert "local " in source


def test_what_a_script_includes_comes_with_it():
    assert "local function ring(" in scripts.load("set_add").source.decode()
    assert "local function newest_first(" in scripts.load("process_leave").source.decode()


def test_a_script_is_read_once():
    assert scripts.load("job_push") is scripts.load("job_push")


def test_there_is_no_script_that_was_not_written():
    with pytest.raises(FileNotFoundError):
        scripts.load("job_lose")
