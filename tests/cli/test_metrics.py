"""What ran, how long and how badly is shown to a person who has nothing but the store; and deploys are marked."""

from __future__ import annotations

import json
import re

import pytest

from mainspring import App
from mainspring.store import metrics
from mainspring.store.connection import Store
from metrics.asking import recorded


@pytest.fixture
def busy(server):
    """A store whose workers have run two kinds of jobs just now."""
    store, app = Store(server.url), App(server.url)
    runs = [("default", "shop.add", 110.0, 4.0, False)] * 90 + [("low", "shop.boom\x1b[31m", 1.0, 4.0, True)] * 10
    store.run(metrics.add(recorded(*runs, at=app.time.now())))
    store.close()
    yield app
    app.close()


def lines(ended):
    return [re.sub("  +", "|", line) for line in ended.out.splitlines()]


def test_jobs_are_listed_with_what_they_took(ms, busy):
    assert lines(ms("metrics")) == [
        "JOB|OK|FAILED|SHARE|P50|P95|P99|WAIT P95",
        "shop.add|90|0|100%|125 ms|148 ms|150 ms|4.9 ms",
        "shop.boom\\x1b[31m|0|10|0%|4.9 ms",
    ]
    assert [line.split("|")[0] for line in lines(ms("metrics", "--sort", "failed", "--period", "90d"))] == [
        "JOB",
        "shop.boom\\x1b[31m",
    ]
    assert len(lines(ms("metrics", "--count", "1"))) == 2


def test_jobs_are_lines_of_json(ms, busy):
    add, boom = (json.loads(line) for line in ms("metrics", "--period", "24h", "--json").out.splitlines())

    assert (add["job"], add["ok"], add["failed"], add["run_seconds"], add["share"]) == ("shop.add", 90, 0, 9.9, 1.0)
    assert (add["run_p50_ms"], add["run_p95_ms"], add["run_p99_ms"]) == (125.0, 147.5, 149.5)
    assert (boom["run_p50_ms"], boom["wait_p95_ms"]) == (None, 4.9)


@pytest.mark.parametrize("which", [("--queue", "default"), ("--job", "shop.add")])
def test_a_queue_and_a_job_have_a_course(ms, busy, which):
    header, *found = lines(ms("metrics", "--period", "7d", *which))

    assert header == "EACH 1 H FROM|OK|FAILED|P50|P95|P99|WAIT P95"
    assert [line.partition("|")[2] for line in found] == ["90|0|125 ms|148 ms|150 ms|4.9 ms"]
    buckets = [json.loads(line) for line in ms("metrics", "--period", "7d", "--json", *which).out.splitlines()]
    assert (len(buckets), max(bucket["ok"] for bucket in buckets), buckets[0]["run_p50_ms"]) == (168, 90, None)


def test_nothing_is_nothing_on_standard_output(ms, server):
    ended = ms("metrics")

    assert (ended.code, ended.out) == (0, "")
    assert "nothing was run" in ended.err


def test_a_queue_and_a_job_at_once_are_a_slip(ms, server):
    ended = ms("metrics", "--queue", "default", "--job", "shop.add")

    assert ended.code == 2
    assert "give --job or --queue" in ended.err


def test_a_deploy_is_marked(ms, busy):
    ended = ms("deploy-mark", "v42: new\tprices")

    (deploy,) = busy.metrics.deploys("5m")
    assert ended.code == 0
    assert re.fullmatch(r"v42: new\\tprices is marked at \d{4}-\d\d-\d\d \d\d:\d\d:00 UTC\n", ended.out)
    assert deploy.label == "v42: new\tprices"
    assert ms("deploy-mark", " ").code == 2
