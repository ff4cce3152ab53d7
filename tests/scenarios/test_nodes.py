"""When a whole machine dies, the others take its jobs: none is lost, and within the time that was promised."""

from __future__ import annotations

from scenarios.nodes import WORKERS, kill_nodes
from scenarios.record import at_length, record

KILLS = at_length(2, 40)
TIMING = {"LEASE": 2, "BEAT": 0.4, "SWEEP": 0.4, "GRACE": 0.8}
PROMISED = TIMING["LEASE"] + TIMING["SWEEP"] + 2 * TIMING["GRACE"]
#: Seconds for a machine that is busy with other things.
SLACK = 5


def test_the_jobs_of_a_node_that_died_are_run_by_another_node_in_time(server, offices):
    office = offices(server, timing=TIMING)

    found, times = kill_nodes(office, kills=KILLS)

    record(
        "F2",
        f"a node of {WORKERS} workers killed with -9 {KILLS} times, pacemakers and all",
        f"LOST 0, recovered within lease + sweep + 2 x grace = {PROMISED:.1f} s",
        lost=found.lost,
        twice=found.dup,
        jobs=found.done,
        interrupted=len(times),
        recovered_median=round(times[len(times) // 2], 2),
        recovered_max=round(times[-1], 2),
    )
    assert (found.lost, found.copies, found.overlap, found.dead) == (0, 0, 0, 0)
    # At most what runs, and what has run and was not acknowledged yet.
    assert found.dup <= KILLS * WORKERS * 10
    assert times[-1] < PROMISED + SLACK


def test_the_checker_finds_what_a_node_on_brpop_loses(server, offices):
    found, _ = kill_nodes(offices(server, timing=TIMING), kills=1, mutant="brpop")

    assert found.lost > 0
