"""A child that a job forks neither runs the jobs of its parent nor speaks for it."""

from __future__ import annotations

import signal

import pytest

from scenarios.harness import check, eventually


@pytest.mark.parametrize("name", ["forker", "aforker"])
def test_a_child_that_returns_from_its_job_runs_and_acknowledges_nothing(office, name):
    worker = office.start(concurrency=2).ready()
    office.push_many("work" if name == "forker" else "awork", [(2,)] * 30)
    jids = [office.push(name, "return") for _ in range(3)]
    office.push_many("work" if name == "forker" else "awork", [(2,)] * 200)

    office.until_done()

    found = check(office, f"fork-{name}")
    assert (found.lost, found.dup, found.overlap, found.copies) == (0, 0, 0, 0)
    assert {line["pid"] for line in office.runs("start") + office.runs("done")} == {worker.pid}
    assert len({line["child"] for jid in jids for line in office.runs("done", jid)}) == 3
    eventually(lambda: int(office.server.client.get("stat:processed")) == len(office.pushed))
    worker.signal(signal.SIGTERM)
    assert worker.wait() == 0
