"""The server's time is what the server said, and goes on with a local clock that never jumps."""

from __future__ import annotations

import pytest

from mainspring.base.timesource import TimeSource
from mainspring.clock.servertime import ServerTime


class Stepped(TimeSource):
    """A local clock that a test moves."""

    def __init__(self):
        self.at = 100.0

    def monotonic(self):
        return self.at


@pytest.fixture
def local():
    return Stepped()


def test_the_servers_time_goes_on_with_the_local_clock(local):
    time = ServerTime(local)
    time.learn(1_700_000_000.0)

    local.at += 2.5

    assert time.now() == 1_700_000_002.5


def test_a_server_whose_clock_was_set_back_is_believed(local):
    time = ServerTime(local)
    time.learn(1_700_000_000.0)

    time.learn(1_600_000_000.0)

    assert time.now() == 1_600_000_000.0
