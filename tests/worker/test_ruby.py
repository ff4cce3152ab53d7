"""A real Sidekiq reads what a worker writes of itself, steers it, and finds what became of its jobs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from typing import Any

import pytest

from support import until

READ = """
require "sidekiq/api"
require "json"
Sidekiq.configure_client { |config| config.redis = { url: ARGV[0] } }
stats = Sidekiq::Stats.new
puts JSON.generate(
  processes: Sidekiq::ProcessSet.new.map { |p|
    { identity: p.identity, tag: p.tag, labels: p.labels, busy: p["busy"], concurrency: p["concurrency"], quiet: p["quiet"],
      queues: p["queues"], started_at: p["started_at"], beat: p["beat"], rss: p["rss"], stopping: p.stopping? } },
  work: Sidekiq::Workers.new.map { |process, thread, work|
    payload = work["payload"]
    { process: process, thread: thread, queue: work["queue"], run_at: work["run_at"],
      payload: payload.is_a?(String) ? JSON.parse(payload) : payload } },
  retries: Sidekiq::RetrySet.new.map { |job|
    { jid: job.jid, klass: job.klass, args: job.args, error: job["error_class"], at: job.at.to_f, trace: job.error_backtrace } },
  dead: Sidekiq::DeadSet.new.map { |job| { jid: job.jid, klass: job.klass } },
  stats: { processed: stats.processed, failed: stats.failed, enqueued: stats.enqueued, workers: stats.workers_size,
           processes: stats.processes_size, dead: stats.dead_size, retry: stats.retry_size }
)
"""

QUIET = """
require "sidekiq/api"
Sidekiq.configure_client { |config| config.redis = { url: ARGV[0] } }
Sidekiq::ProcessSet.new.each(&:quiet!)
Sidekiq::RetrySet.new.each(&:retry)
"""


def ruby(script: str, url: str) -> str:
    """Run a Ruby program with Sidekiq against the server at *url*."""
    if shutil.which("ruby") is None or subprocess.run(["ruby", "-rsidekiq", "-e", ""], capture_output=True).returncode:
        reason = "no Ruby with Sidekiq on this machine (Debian: apt-get install ruby-sidekiq)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    done = subprocess.run(["ruby", "-e", script, url], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def tcp(private_server) -> Any:
    """Give a server that Ruby's client reaches by the same URL."""
    return private_server(tcp=True)


@pytest.fixture
def rails(tcp):
    """Give a bench on that server."""
    from worker.conftest import Bench

    made = Bench(tcp)
    yield made
    made.close()


def test_sidekiq_reads_the_process_its_work_and_its_counts(rails):
    release, going = threading.Event(), threading.Event()

    def hold(what: str) -> None:
        going.set()
        release.wait(30)

    def fails() -> None:
        raise ValueError("as told")

    rails.job(hold)
    rails.job(fails)
    worker = rails.work(concurrency=3, queues=("default", "low"), tag="shop", labels=["blue"])
    failed = rails.push("fails")
    until(lambda: rails.found("retry"))
    held = rails.push("hold", "größe", queue="low")
    assert going.wait(10)
    until(lambda: rails.client.hlen(f"{worker.identity}:workers") == 1)

    seen = json.loads(ruby(READ, rails.server.url))

    (process,) = seen["processes"]
    assert process["identity"] == worker.identity
    assert (process["tag"], process["labels"]) == ("shop", ["blue"])
    assert (process["busy"], process["concurrency"]) == (1, 3)
    assert process["queues"] == ["default", "low"]
    assert (process["quiet"], process["stopping"]) == ("false", False)
    assert int(process["rss"]) > 1000
    (work,) = seen["work"]
    assert (work["process"], work["queue"]) == (worker.identity, "low")
    assert (work["payload"]["jid"], work["payload"]["args"]) == (held, ["größe"])
    (retry,) = seen["retries"]
    assert (retry["jid"], retry["klass"], retry["error"]) == (failed, "fails", "ValueError")
    assert any("fails" in line for line in retry["trace"])
    counts = {"processed": 1, "failed": 1, "enqueued": 0, "workers": 1, "processes": 1, "dead": 0, "retry": 1}
    assert seen["stats"] == counts
    release.set()
    rails.drained()


def test_sidekiq_quiets_a_process_and_retries_a_job(rails):
    attempts = []

    def flaky() -> None:
        attempts.append(1)
        raise ValueError("again")

    rails.job(flaky)
    rails.push("flaky")
    rails.work()
    until(lambda: rails.found("retry"))

    ruby(QUIET, rails.server.url)

    # The retried job runs, or waits if the worker was quiet first; it is in one place only.
    until(lambda: rails.client.llen("queue:default") + len(rails.found("retry")) == 1)
    until(lambda: not rails.client.keys("*-signals"))
    assert len(attempts) in (1, 2)
