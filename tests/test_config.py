"""The environment and pyproject.toml are read in one place; what is wrong there is named, with where it stands."""

from __future__ import annotations

import os

import pytest

from mainspring import config
from mainspring.base.errors import InvalidOption
from mainspring.config import Timing


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({"MAINSPRING_URL": "redis://a", "REDIS_URL": "redis://b"}, "redis://a"),
        ({"REDIS_URL": "redis://b"}, "redis://b"),
        ({"MAINSPRING_URL": "", "REDIS_URL": "redis://b"}, "redis://b"),
        ({}, "embedded://.mainspring"),
    ],
)
def test_our_own_variable_comes_before_the_common_one_and_none_means_embedded(environment, url):
    assert config.store_url(environment) == url


def test_timing_has_the_protocols_figures():
    assert config.timing({}) == Timing(beat=5.0, lease=30.0, sweep=10.0, grace=15.0, reconcile=60.0)


def test_timing_is_read_as_durations():
    environment = {
        "MAINSPRING_BEAT": "250ms",
        "MAINSPRING_LEASE": "1.5",
        "MAINSPRING_GRACE": "1m",
        "MAINSPRING_SWEEP": "",
    }

    assert config.timing(environment) == Timing(beat=0.25, lease=1.5, grace=60.0)


@pytest.mark.parametrize(
    ("text", "size"),
    [("", 1_000_000), ("4MB", 4_000_000), ("500kB", 500_000), (" 2 mb ", 2_000_000), ("12345", 12_345)],
)
def test_the_longest_job_is_read_as_a_size(text, size):
    assert config.payload_limit({"MAINSPRING_PAYLOAD_LIMIT": text}) == size


@pytest.mark.parametrize("text", ["big", "-1", "0", "999", "1.5MB", "1GB", "501MB", "MB", "9" * 13])
def test_a_size_that_is_none_is_refused_by_the_variables_name(text):
    with pytest.raises(InvalidOption, match=r"MAINSPRING_PAYLOAD_LIMIT.*4MB"):
        config.payload_limit({"MAINSPRING_PAYLOAD_LIMIT": text})


@pytest.mark.parametrize("name", ["BEAT", "LEASE", "SWEEP", "GRACE", "RECONCILE"])
@pytest.mark.parametrize("text", ["soon", "-1", "0", "0s", "nan", "5x"])
def test_a_timing_that_is_none_is_refused_by_the_variables_name(name, text):
    with pytest.raises(InvalidOption, match=f"MAINSPRING_{name}"):
        config.timing({f"MAINSPRING_{name}": text})


def test_a_lease_must_outlast_a_late_heartbeat():
    with pytest.raises(InvalidOption, match="three times MAINSPRING_BEAT"):
        config.timing({"MAINSPRING_LEASE": "14"})

    assert config.timing({"MAINSPRING_LEASE": "15"}).lease == 15.0


@pytest.mark.parametrize(
    ("environment", "name"),
    [({}, ""), ({"GIT_SHA": "abc"}, "abc"), ({"MAINSPRING_RELEASE": "v1", "GIT_SHA": "abc", "RELEASE": "v2"}, "v1")],
)
def test_a_release_is_what_the_platform_calls_it(environment, name):
    assert config.release(environment) == name


def test_an_instance_is_what_the_platform_calls_it_or_the_host():
    assert config.instance({"MAINSPRING_INSTANCE": "a", "DYNO": "web.1"}) == "a"
    assert config.instance({"DYNO": "web.1"}) == "web.1"
    assert config.instance({}) == os.uname().nodename


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, {}),
        ("", {}),
        ('[tool.mainspring]\napp = "shop.jobs:app"', {"app": "shop.jobs:app"}),
        ("tool = 3", {}),
        ("[tool.other]\na = 1", {}),
    ],
)
def test_a_project_file_may_lack_our_table(tmp_path, text, found):
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text)

    assert config.pyproject(tmp_path) == found
    assert config.app_name(tmp_path, {}) == found.get("app")


@pytest.mark.parametrize("data", [b"[tool", b"\xff\xfe"])
def test_a_project_file_that_cannot_be_read_is_named(tmp_path, data):
    (tmp_path / "pyproject.toml").write_bytes(data)

    with pytest.raises(InvalidOption, match=r"pyproject\.toml cannot be read"):
        config.pyproject(tmp_path)


def test_the_environment_names_the_app_before_the_project_file(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.mainspring]\napp = "shop.jobs"')

    assert config.app_name(tmp_path, {"MAINSPRING_APP": "other"}) == "other"
    assert config.app_name(tmp_path, {}) == "shop.jobs"


@pytest.mark.parametrize("value", ["5", "true", '["shop.jobs"]', '""', '" "', '{ module = "shop" }'])
def test_an_app_that_is_named_by_no_text_is_refused_with_what_is_right(tmp_path, value):
    (tmp_path / "pyproject.toml").write_text(f"[tool.mainspring]\napp = {value}")

    with pytest.raises(InvalidOption, match=r'pyproject\.toml.*app = .*; write app = "shop\.jobs:app"'):
        config.app_name(tmp_path, {})


def test_a_table_that_is_none_is_refused(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool]\nmainspring = 3")

    with pytest.raises(InvalidOption, match="must be a table"):
        config.pyproject(tmp_path)


def test_a_project_file_that_is_a_folder_is_named(tmp_path):
    (tmp_path / "pyproject.toml").mkdir()

    with pytest.raises(InvalidOption, match=r"pyproject\.toml cannot be read"):
        config.pyproject(tmp_path)


@pytest.mark.parametrize("wrong", [{"beat": 0}, {"lease": -1}, {"sweep": float("nan")}, {"grace": "1s"}, {"beat": 11}])
def test_a_timing_made_in_code_is_checked_like_one_of_the_environment(wrong):
    with pytest.raises(InvalidOption):
        Timing(**wrong)


@pytest.mark.parametrize(
    ("given", "keys"),
    [({}, {}), ({"MAINSPRING_KEYS": " "}, {}), ({"MAINSPRING_KEYS": "1:AAAA=, 12 : BBBB,"}, {1: "AAAA=", 12: "BBBB"})],
)
def test_keys_stand_in_the_environment_with_their_numbers(given, keys):
    assert config.encryption_keys(given) == keys


@pytest.mark.parametrize(
    "given", ["hunter2", "hunter2:AAAA", "1:", "1:hunter2,hunter2", "1:hunter2,01:hunter2", "-1:hunter2"]
)
def test_keys_that_are_none_are_refused_and_not_shown(given):
    with pytest.raises(InvalidOption, match="MAINSPRING_KEYS: ") as caught:
        config.encryption_keys({"MAINSPRING_KEYS": given})

    assert "hunter2" not in str(caught.value)


def test_the_environment_says_which_key_encrypts():
    assert config.active_key({"MAINSPRING_ACTIVE_KEY": "2"}) == 2
    assert config.active_key({}) is None
    with pytest.raises(InvalidOption, match="MAINSPRING_ACTIVE_KEY=newest: must be the number of a key"):
        config.active_key({"MAINSPRING_ACTIVE_KEY": "newest"})
