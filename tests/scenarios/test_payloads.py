"""Whatever lies in a queue or a set, the worker lives on; each ends where it belongs; and people can see each."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from scenarios.harness import ROOT, Office
from scenarios.intake import FUTURE, PLACES, Intake
from scenarios.payloads import DEAD, Case, drawn, made, seeded
from scenarios.record import at_length, record


def command(office: Office, *words: str) -> str:
    """Return what a command of ours prints."""
    env = os.environ | {"MAINSPRING_URL": office.server.url, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-m", "mainspring", *words], env=env, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def test_masses_of_payloads_end_no_worker_and_each_is_where_it_belongs(office):
    intake, size = Intake(office), at_length(100, 1000)
    total = 0

    for number in range(at_length(8, 52)):
        cases = seeded(office.rng, intake.ids(size))
        intake.take(PLACES[number % 4], cases)
        total += len(cases)

    record(
        "F32",
        f"{total:,} payloads, from random bytes to what Sidekiq 6 to 8 write, in a queue and the three sets",
        "no worker dies or stops; each ends done or dead with a reason; people can see each",
        restarts=0,
        **dict(sorted(intake.ends.items())),
        seed=office.seed,
    )
    assert not intake.worker.events("service.error")
    assert not intake.worker.events("process.fenced")


def test_hypothesis_finds_no_payload_that_ends_a_worker(office):
    intake = Intake(office)
    lists = st.lists(
        drawn(), min_size=1, max_size=12, unique_by=(lambda case: case.raw, lambda case: case.jid or case.raw)
    )

    @seed(office.seed)
    @settings(max_examples=at_length(12, 100), deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(place=st.sampled_from(PLACES), cases=lists)
    def throw(place: str, cases: list[Case]) -> None:
        intake.take(place, cases)

    throw()

    assert not intake.worker.events("service.error")


def test_the_command_lists_and_shows_all_that_lies_there(office):
    cases = seeded(office.rng, [made(number) for number in range(at_length(150, 2000))])
    office.server.client.zadd("dead", dict.fromkeys((case.raw for case in cases), FUTURE))

    listed = [json.loads(line) for line in command(office, "jobs", "--limit", "0", "--json").splitlines()]
    rows = command(office, "jobs", "--limit", "0").splitlines()

    assert len(listed) == len(rows) - 1 == len(cases)
    for job in office.rng.sample(listed, 3):
        assert command(office, "jobs", "show", job["jid"])


@pytest.mark.parametrize("fault", ["deaf", "strict"])
def test_the_checker_finds_a_worker_that_reads_too_trustingly(office, fault):
    intake = Intake(office, f"mutants_payloads.{fault}", patience=5)
    cases = [Case("no_json", b"no json", frozenset({DEAD})), *seeded(office.rng, intake.ids(100))]

    with pytest.raises(AssertionError):
        intake.take("queue", cases)
