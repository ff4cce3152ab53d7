"""Worker, clock and dev run as processes, say what they are, and end as they are told."""

from __future__ import annotations

import json
import signal

import pytest

from mainspring.store import keys
from support import until

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def quick(project, monkeypatch, write):
    """Let processes beat fast enough for a test, and give them a job that waits for a file."""
    monkeypatch.setenv("MAINSPRING_BEAT", "0.2s")
    monkeypatch.setenv("MAINSPRING_APP", "slow")
    write(
        "slow.py",
        """
        import threading
        from pathlib import Path
        from shop.jobs import app, add, boom

        @app.job(queue="slow")
        def wait_for(path: str) -> None:
            Path(path + ".began").touch()
            while not Path(path).exists():
                threading.Event().wait(0.01)

        app.every("0.5s", add, args=[1, 2], name="often")
        """,
    )


def events(running):
    return [json.loads(line)["event"] for line in running.out.splitlines()]


def ready(running):
    until(lambda: "ready in" in running.err or running.process.poll() is not None, 20)
    assert running.process.poll() is None, running.err
    return running


def lists(server, name):
    return server.client.llen(keys.queue(name))


# --- worker --------------------------------------------------------------------------


def test_a_worker_runs_jobs_and_ends_with_0(server, start, ms):
    ms("enqueue", "add", "1", "2")
    worker = ready(start("worker"))
    until(lambda: "job.ok" in events(worker))

    worker.send(signal.SIGTERM)

    assert worker.wait() == 0
    assert {"process.ready", "job.ok", "process.stopped"} <= set(events(worker))
    assert server.client.get(keys.STAT_PROCESSED) == b"1"
    assert not server.exists(keys.PROCESSES)


def test_the_beginning_of_a_run_can_be_logged_too(start, ms):
    ms("enqueue", "add", "1", "2")
    worker = ready(start("worker", "--log-starts"))
    until(lambda: "job.ok" in events(worker))

    assert "job.start" in events(worker)


def test_the_banner_is_on_standard_error_and_says_what_runs(start):
    worker = ready(start("worker", "-c", "3", "-q", "a,6", "-q", "b", "--capsule", "reports=2:r1,r2", "--tag", "x"))

    lines = [" ".join(line.split()) for line in worker.err.splitlines()]
    assert lines[0].startswith("\u25c6 mainspring ")
    assert " worker python 3." in lines[0]
    assert lines[1].startswith(("store valkey 9.", "store redis 7."))
    assert "rtt" in lines[1]
    assert "policy noeviction \u2713 aof \u2715" in lines[1]
    assert lines[2] == "app shop 6 jobs 1 schedule"
    assert lines[3] == "capsule default 3 slots a\u00d76 b"
    assert lines[4] == "capsule reports 2 slots r1 r2"
    assert "finish jobs (25 s)" in lines[5]


def test_a_store_without_persistence_is_warned_of_in_the_log(start):
    worker = ready(start("worker"))

    warning = next(json.loads(line) for line in worker.out.splitlines() if "boot.warning" in line)
    assert (warning["reason"], warning["level"], warning["service"]) == ("persistence", "warning", "worker")


def test_a_store_that_evicts_jobs_is_warned_of(start, private_server):
    evicting = private_server(config={"maxmemory-policy": "allkeys-lru"})
    worker = ready(start("worker", MAINSPRING_URL=evicting.url))

    assert "policy allkeys-lru \u2715" in worker.err
    assert '"reason":"eviction"' in worker.out


def test_the_first_ctrl_c_lets_jobs_finish(project, server, start, ms):
    gate = project / "gate"
    ms("enqueue", "wait_for", str(gate))
    worker = ready(start("worker", "-q", "slow"))
    until((project / "gate.began").exists)

    worker.send(signal.SIGINT)
    until(lambda: "process.stopping" in events(worker))
    gate.touch()

    assert worker.wait() == 0
    assert server.client.get(keys.STAT_PROCESSED) == b"1"
    assert lists(server, "slow") == 0


def test_the_second_ctrl_c_puts_jobs_back_and_is_130(project, server, start, ms):
    ms("enqueue", "wait_for", str(project / "gate"))
    worker = ready(start("worker", "-q", "slow"))
    until((project / "gate.began").exists)

    worker.send(signal.SIGINT)
    until(lambda: "process.stopping" in events(worker))
    worker.send(signal.SIGINT)

    assert worker.wait() == 130
    assert lists(server, "slow") == 1
    assert not server.client.exists(keys.STAT_PROCESSED)


def test_a_worker_can_be_a_clock_as_well(start):
    worker = ready(start("worker", "--clock"))

    until(lambda: {"clock.tick", "job.ok"} <= set(events(worker)))


# --- clock ---------------------------------------------------------------------------


def test_a_clock_only_enqueues_shows_itself_and_ends_with_0(server, start, ms):
    clock = ready(start("clock"))
    until(lambda: lists(server, "default") > 0 and server.client.scard(keys.PROCESSES) == 1)

    (shown,) = json.loads(ms("stats", "--json").out)["process_list"]
    clock.send(signal.SIGTERM)

    assert (shown["role"], shown["pid"], shown["tag"]) == ("clock", clock.process.pid, "shop")
    assert clock.wait() == 0
    assert not server.exists(keys.PROCESSES)
    assert not server.exists(keys.STAT_PROCESSED)
    assert json.loads(clock.out.splitlines()[0])["service"] == "clock"


# --- quiet and stop ------------------------------------------------------------------


def test_processes_are_quieted_and_stopped_through_the_store(server, start, ms):
    worker, clock = ready(start("worker")), ready(start("clock"))
    until(lambda: server.client.scard(keys.PROCESSES) == 2)
    identity = next(
        p["identity"] for p in json.loads(ms("stats", "--json").out)["process_list"] if p["role"] == "worker"
    )

    assert ms("quiet", identity[:-4]).out == f"{identity} will be quiet\n"
    until(lambda: "process.quiet" in events(worker))
    until(lambda: "(quiet)" in ms("stats").out)
    assert ms("stop", "--all").out.count("will stop") == 2

    assert (worker.wait(), clock.wait()) == (0, 0)


def test_a_process_that_is_not_there_is_1(ms):
    ended = ms("stop", "nobody")

    assert ended.code == 1
    assert "mainspring stats" in ended.err


# --- dev -----------------------------------------------------------------------------


def test_dev_runs_worker_clock_and_dashboard_in_one_stream_and_takes_all_along(server, start):
    dev = start("dev", "--no-reload")
    until(lambda: all(sign in dev.out for sign in ("worker | ", "clock  | ", "web    |   web ", " ok ")), 20)

    dev.send(signal.SIGINT)

    assert dev.wait() == 0
    assert not server.exists(keys.PROCESSES)


def test_dev_starts_anew_when_the_code_changes_and_waits_when_it_is_broken(project, write, server, start):
    pytest.importorskip("watchfiles")
    dev = start("dev", "--no-web")
    until(lambda: dev.out.count("ready in") == 2, 20)

    write("shop/jobs.py", "broken(")
    until(lambda: dev.out.count("waiting for a change") == 2, 20)
    write(
        "shop/jobs.py",
        "from mainspring import App\napp = App()\n\n@app.job\ndef add(x, y): ...\n\n@app.job\ndef boom(): ...\n",
    )
    until(lambda: dev.out.count("ready in") == 4, 20)

    assert "SyntaxError" in dev.out
    dev.send(signal.SIGTERM)
    assert dev.wait() == 0


def test_without_reload_dev_ends_as_its_service_does(write, start):
    write("slow.py", "1 / 0")
    dev = start("dev", "--no-reload")

    assert (dev.wait(), dev.err) == (78, "")
    assert "ZeroDivisionError" in dev.out
