"""The machine can fail: it finds each slip of the table in `mutants`, and soon."""

from __future__ import annotations

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from machine.machine import WALKS, ClockMachine, FullMachine, Machine
from machine.mutants import MUTANTS
from mainspring.store import scripts

#: Each was found within the sixty walks of the suite; which walks those are, another Hypothesis may decide otherwise.
SOON = settings(WALKS, max_examples=240, derandomize=True, phases=[Phase.generate])


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.slip)
def test_a_slip_is_found(server, monkeypatch, mutant):
    # Here, and not within the machine, a mutant of what the script no longer says is none.
    mutant.script_of(mutant.script)
    machine = ClockMachine if mutant.is_of_clocks else FullMachine if mutant.needs_full else Machine
    monkeypatch.setattr(scripts, "load", mutant.script_of)

    with pytest.raises(BaseException) as caught:
        run_state_machine_as_test(lambda: machine(server), settings=SOON)

    assert "<state machine>" in "".join(getattr(caught.value, "__notes__", ()))
    server.flush()
