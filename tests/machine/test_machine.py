"""Whatever is done to the store's scripts, in whatever order: no job is lost, doubled or touched by a former holder."""

from __future__ import annotations

import pytest
from hypothesis.stateful import run_state_machine_as_test

from machine.machine import WALKS, ClockMachine, FullMachine, Machine

pytestmark = pytest.mark.both_stores


@pytest.mark.parametrize("machine", [Machine, FullMachine, ClockMachine])
def test_the_scripts_keep_their_promises_whatever_happens(server, machine):
    run_state_machine_as_test(lambda: machine(server), settings=WALKS)
