"""An outage neither ends the clock nor advances an entry, and a clock that dies costs nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from clock.stored import anchor, nominal, now
from support import until

CONFTEST = Path(__file__).parent / "conftest.py"


def events(caplog):
    return [record.event for record in caplog.records if record.event.startswith("store.")]


def test_a_clock_outlives_its_server_and_says_so_once(private_server, clocks, caplog):
    server = private_server(aof=True, fsync="always")
    watched = clocks(server.url, lambda s: s.every("0.2s", "sweep", missed="all")).start()
    watched.became("watching")
    watched.next(3)

    server.kill9()
    watched.became("gone")
    server.start()
    watched.became("watching")
    watched.next(3)

    assert watched.clock.stop()
    assert events(caplog) == ["store.gone", "store.back"]
    # Each tick from before, during and after the outage, once.
    assert {round(b - a, 3) for a, b in pairwise(nominal(server))} == {0.2}


def test_a_clock_that_starts_before_its_server_waits_for_it(private_server, clocks):
    server = private_server(tcp=True)
    server.stop()
    watched = clocks(server.url, lambda s: s.every("1h", "sweep")).start()
    watched.became("gone")

    server.start()

    watched.became("watching")
    assert len(watched.next()) == 1


def test_a_frozen_server_delays_the_ticks_and_loses_none(private_server, clocks):
    server = private_server()
    watched = clocks(server.url, lambda s: s.every("0.2s", "sweep", missed="all")).start()
    watched.became("watching")
    watched.next(2)

    server.freeze()
    watched.became("gone")
    server.thaw()
    watched.became("watching")
    watched.next(2)

    assert watched.clock.stop()
    assert {round(b - a, 3) for a, b in pairwise(nominal(server))} == {0.2}


def test_a_full_server_keeps_ticks_open_until_it_takes_them(private_server, clocks, caplog):
    server = private_server()
    server.client.config_set("maxmemory", "1gb")
    watched = clocks(server.url, lambda s: s.every("0.2s", "sweep", missed="all")).start()
    watched.became("watching")
    watched.next(2)

    server.client.config_set("maxmemory", 1)
    watched.became("gone")
    server.client.config_set("maxmemory", "1gb")
    watched.became("watching")
    watched.next(2)

    assert watched.clock.stop()
    assert "OOM" in caplog.text
    assert {round(b - a, 3) for a, b in pairwise(nominal(server))} == {0.2}


def test_a_clock_stops_while_the_store_is_gone(private_server, clocks):
    server = private_server()
    watched = clocks(server.url, lambda s: s.every("0.2s", "sweep")).start()
    watched.next()
    server.kill9()
    watched.became("watching")
    watched.became("gone")

    assert watched.clock.stop(timeout=5.0)


@pytest.mark.parametrize("skew", [-3600, 3600])
def test_a_node_whose_clock_is_wrong_fires_by_the_servers(server, clocks, skew):
    watched = clocks(server.url, lambda s: s.every("0.2s", "sweep"))
    real = watched.office.time.now
    watched.office.time.now = lambda: real() + skew
    watched.start()

    settled = watched.next(3)

    assert all(abs(tick.at - now(server)) < 10 for tick in settled)


def test_a_clock_that_runs_ahead_is_refused_and_measures_again(server, clocks):
    watched = clocks(server.url, lambda s: s.every("0.3s", "sweep"))
    watched.start().next()

    # As if its quartz had gained a tenth of a second since the last measurement.
    watched.clock._server_time._offset += 0.1

    settled = watched.next(3)
    assert [round(b.at - a.at, 3) for a, b in pairwise(settled)] == [0.3, 0.3]
    assert min(tick.lag for tick in settled[1:]) >= 0
    assert watched.clock._server_time.now() < now(server) + 0.05


PROGRAM = """
import importlib.util, os, signal, sys

spec = importlib.util.spec_from_file_location("parts", sys.argv[2])
parts = importlib.util.module_from_spec(spec)
spec.loader.exec_module(parts)

class Doomed(parts.Office):
    built = 0

    def tick_payload(self, *args, **options):
        self.built += 1
        if self.built == 3:
            os.kill(os.getpid(), signal.SIGKILL)  # it has looked, and not claimed
        return super().tick_payload(*args, **options)

office = Doomed(sys.argv[1])
office.schedule.every("0.2s", "sweep", missed="all")
parts.Clock(office).run()
"""


def test_clocks_killed_between_looking_and_claiming_cost_no_tick(server, clocks):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for _ in range(3):
        doomed = subprocess.run(
            [sys.executable, "-c", PROGRAM, server.url, str(CONFTEST)], env=environment, timeout=60, check=False
        )
        assert doomed.returncode == -signal.SIGKILL

    heir = clocks(server.url, lambda s: s.every("0.2s", "sweep", missed="all")).start()
    heir.next(3)

    assert heir.clock.stop()
    found = nominal(server)
    assert found[0] == anchor(server, "sweep")
    assert {round(b - a, 3) for a, b in pairwise(found)} == {0.2}


def test_a_clock_that_slept_looks_again_instead_of_firing_every_tick(server, clocks):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    program = PROGRAM.replace("self.built == 3", "False").replace('missed="all"', 'missed="once"')
    with subprocess.Popen([sys.executable, "-c", program, server.url, str(CONFTEST)], env=environment) as process:
        try:
            until(lambda: len(nominal(server)) >= 2, timeout=60)
            process.send_signal(signal.SIGSTOP)
            before = nominal(server)
            # Nothing else may tell the time while it is stopped: the server's own clock does.
            until(lambda: server.client.time()[0] - before[-1] > 7, timeout=30, every=0.1)
            process.send_signal(signal.SIGCONT)
            until(lambda: nominal(server)[-1] > before[-1] + 7.5, timeout=60)
        finally:
            # Or it would be waited for, for ever.
            process.kill()

    found = nominal(server)
    assert max(b - a for a, b in pairwise(found)) > 5  # folded, as its policy says
    assert len(found) == len(set(found))
