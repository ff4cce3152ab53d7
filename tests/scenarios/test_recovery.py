"""How long a job waits whose worker was killed: moments if its pacemaker lives, the lease and two looks if it does not."""

from __future__ import annotations

import pytest

from scenarios.record import at_length, record
from scenarios.recovery import DEFAULTS, deaths, percentile, promised

DEATHS = at_length(2, 20)
SHORT = {"LEASE": 2, "BEAT": 0.4, "SWEEP": 0.4, "GRACE": 0.8}
TIMING = at_length(SHORT, DEFAULTS)
#: Seconds for a machine that is busy with other things.
SLACK = at_length(5, 0)


@pytest.mark.parametrize("machine", [False, True], ids=["worker", "machine"])
def test_the_job_of_a_lone_worker_that_was_killed_is_begun_by_another_in_time(machine):
    times = deaths(DEATHS, TIMING, machine=machine)

    tried = f"a lone worker killed with -9 {DEATHS} times, {'with' if machine else 'without'} its pacemaker,"
    record(
        "recovery",
        f"{tried} lease {TIMING['LEASE']} s, sweep {TIMING['SWEEP']} s, grace {TIMING['GRACE']} s",
        f"p99 within {promised(TIMING)} s" if machine else "p99 within 2 s",
        p50=round(percentile(times, 0.5), 3),
        p99=round(percentile(times, 0.99), 3),
        max=round(times[-1], 3),
    )
    assert percentile(times, 0.99) < (promised(TIMING) if machine else 2) + SLACK


def test_the_checker_finds_workers_that_look_for_no_dead():
    with pytest.raises(AssertionError, match="not true within"):
        deaths(1, SHORT, machine=True, mutant="mutants_server.no_recovery")
