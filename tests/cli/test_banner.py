"""A store on which jobs could be lost is told of before the first job runs."""

from __future__ import annotations

import pytest

from mainspring.cli.banner import Found, warnings

GOOD = {"redis_version": "7.2.4", "valkey_version": "9.1.0", "maxmemory_policy": "noeviction", "aof_enabled": "1"}
GOOD |= {"role": "master"}


def reasons(skew=0.0, **changes):
    return [reason for reason, _ in warnings(Found("redis://localhost", GOOD | changes, 0.001, skew))]


def test_a_good_store_is_not_warned_of():
    assert reasons() == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"maxmemory_policy": "allkeys-lru"}, "eviction"),
        ({"maxmemory_policy": "volatile-ttl"}, "eviction"),
        ({"aof_enabled": "0"}, "persistence"),
        ({"role": "slave"}, "role"),
        ({"valkey_version": "7.1.9"}, "version"),
        ({"skew": 1.5}, "skew"),
        ({"skew": -1.5}, "skew"),
    ],
)
def test_each_danger_is_named(changes, reason):
    assert reasons(**changes) == [reason]


@pytest.mark.parametrize(
    ("version", "is_old"), [("6.2.14", True), ("7.0.0", False), ("7.0.15", False), ("10.0", False)]
)
def test_redis_is_good_from_7_0(version, is_old):
    info = {name: value for name, value in GOOD.items() if name != "valkey_version"} | {"redis_version": version}

    found = Found("redis://localhost", info, 0.001, 0.0)

    assert (found.kind, found.version) == ("redis", version)
    assert [reason for reason, _ in warnings(found)] == (["version"] if is_old else [])


def test_a_store_that_may_not_be_asked_is_warned_of_for_its_clock_only():
    assert [reason for reason, _ in warnings(Found("redis://localhost", {}, 0.001, 9.0))] == ["skew"]


def test_the_text_says_which_clock_is_wrong():
    ((_, behind),) = warnings(Found("redis://localhost", GOOD, 0.001, 90.0))
    ((_, ahead),) = warnings(Found("redis://localhost", GOOD, 0.001, -90.0))

    assert "clock is 1 m 30 s behind the store's" in behind
    assert "clock is 1 m 30 s ahead of the store's" in ahead
