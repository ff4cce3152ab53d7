"""The tools leave everything as they found it: the bench its server, the embedded store its data."""

from __future__ import annotations

import json
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from mainspring.store import bundled, embedded, keys
from support import until


@pytest.fixture
def folder(monkeypatch, project):
    """Give a path that is short enough for a socket, and leave no server in it."""
    parent = Path(tempfile.mkdtemp(prefix="ms-"))
    monkeypatch.setenv("MAINSPRING_URL", f"embedded://{parent / 'store'}")
    yield parent / "store"
    for used in parent.rglob(bundled.ALIVE):
        embedded.stop(used.parent)
    shutil.rmtree(parent)


# --- bench ---------------------------------------------------------------------------


def test_a_bench_counts_right_and_leaves_no_trace(ms, server, make_jobs):
    make_jobs(3)
    server.client.set(keys.STAT_PROCESSED, 7)
    before = server.snapshot()

    ended = ms("bench", "--jobs", "2000", "-c", "2", "--json")

    result = json.loads(ended.out)
    assert ended.code == 0
    assert (result["jobs"], result["executed"], result["counted"]) == (2000, 2000, 2000)
    assert result["executed_per_s"] > 0
    assert 0 <= result["latency_p50_ms"] <= result["latency_p99_ms"]
    assert server.snapshot() == before


def test_a_bench_can_be_read_by_people(ms):
    shown = ms("bench", "--jobs", "100").out

    assert [line.split()[0] for line in shown.splitlines()] == ["push", "run", "latency", "executed"]


# --- embedded ------------------------------------------------------------------------


def test_an_embedded_store_that_does_not_run_is_1(ms, folder):
    assert ms("embedded", "status").code == 1
    assert json.loads(ms("embedded", "status", "--json").out)["running"] is False
    assert ms("embedded", "stop").code == 1
    assert not folder.exists()


def test_an_embedded_store_runs_until_it_is_told_and_keeps_its_data(ms, folder, start):
    running = start("embedded", "start")
    until(lambda: running.out)

    status = json.loads(ms("embedded", "status", "--json").out)
    assert status["running"]
    assert status["directory"] == str(folder)
    assert "valkey 9." in ms("embedded", "status").out
    jid = ms("enqueue", "-A", "shop.jobs", "add", "1", "2").out.strip()

    running.send(signal.SIGTERM)
    assert running.wait() == 0
    assert "using the embedded store" in ms("jobs", jid).err
    assert jid in ms("jobs").out


def test_an_embedded_store_can_be_stopped_for_all(ms, folder, start):
    running = start("embedded", "start")
    until(lambda: running.out)

    assert ms("embedded", "stop").code == 0
    assert ms("embedded", "status").code == 1
