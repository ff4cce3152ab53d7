"""A child that a job forks leaves even if there is no standard error to say so on."""

from __future__ import annotations

import pytest

from scenarios.harness import check
from scenarios.test_silent_logs import MANNERS


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("name", ["forker", "aforker"])
def test_a_child_that_returns_from_its_job_leaves_without_a_log(office, manner, name):
    worker = office.start(f"silent_logs.{manner}", concurrency=2).ready()
    office.push_many(name, [("return",)] * 3)
    office.push_many("work" if name == "forker" else "awork", [(2,)] * 50)

    office.until_done()

    found = check(office, f"forked-silently-{name}")
    assert (found.lost, found.dup, found.overlap, found.copies) == (0, 0, 0, 0)
    assert {line["pid"] for line in office.runs("start") + office.runs("done")} == {worker.pid}
