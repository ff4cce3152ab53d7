"""A real Sidekiq reads what mainspring wrote, acts on it, and enqueues what mainspring reads."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cache

import pytest

from mainspring import App
from mainspring.base import payload
from mainspring.store import keys, processes, queues
from mainspring.store.queues import Settlement
from pushes import NOW, Still

ME = "host:1:aaaaaaaaaaaa"
DAY = "2026-11-21"
READS = """
  job = ->(j) { { args: j.args, klass: j.klass, queue: j.queue, jid: j.jid, created_at: j.created_at.to_f,
                  enqueued_at: j.enqueued_at.to_f, tags: j.tags } }
  puts JSON.generate(
    queues: Sidekiq::Queue.all.to_h { |q| [q.name, q.map { |j| job.(j) }] },
    latency: Sidekiq::Queue.new("low").latency,
    scheduled: Sidekiq::ScheduledSet.new.map { |j| [job.(j), j.at.to_f] },
    retries: Sidekiq::RetrySet.new.map { |j| [job.(j), j["error_class"], j.error_backtrace] },
    dead: Sidekiq::DeadSet.new.map { |j| [job.(j), j["error_message"]] },
    processes: Sidekiq::ProcessSet.new.map { |p| [p.identity, p["busy"], p["hostname"], p["queues"]] },
    works: Sidekiq::Workers.new.map { |pid, tid, work| [pid, tid, work["queue"], work["payload"]["jid"]] },
    stats: { processed: Sidekiq::Stats.new.processed, failed: Sidekiq::Stats.new.failed })
"""
ACTS = """
  Sidekiq::ScheduledSet.new.each { |j| j.reschedule(Time.now.to_f + 1000) }
  Sidekiq::RetrySet.new.each(&:retry)
  Sidekiq::DeadSet.new.each(&:delete)
  Sidekiq::Client.push("class" => "shop.add", "args" => [3, "\\u00e4/b", 1e20, nil], "queue" => "low")
  Sidekiq::Client.push("class" => "shop.add", "args" => [4], "at" => Time.now.to_f + 60)
"""


@cache
def ruby() -> str | None:
    """Return the machine's ruby if it has Sidekiq, else None."""
    found = shutil.which("ruby")
    command = [found, "-rsidekiq", "-e", "puts Sidekiq::VERSION"] if found else None
    return found if command and subprocess.run(command, capture_output=True, check=False).returncode == 0 else None


@pytest.fixture
def sidekiq(server):
    """Run a piece of Ruby against the server, with Sidekiq's API."""
    if ruby() is None:
        message = "no ruby with Sidekiq on this machine (Debian: apt-get install ruby-sidekiq)"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)

    def run(code: str) -> str:
        start = f'Sidekiq.configure_client {{ |c| c.redis = {{ path: "{server.socket_path}" }} }}\n'
        command = [ruby(), "-rsidekiq", "-rsidekiq/api", "-rjson", "-e", start + code]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert result.returncode == 0, result.stderr
        return result.stdout

    return run


@pytest.fixture
def app(server):
    """An app that has put a job into every place."""
    app = App(server.url, time=Still())

    @app.job(name="shop.add", queue="low", tags=["a"])
    def add(x: int, text: str = "") -> None: ...

    add.enqueue(1, "ä/</b>\u2028")
    add.enqueue_at(NOW + 60.25, 2)
    app.store.run(queues.push("default", [_failed(app, 5), _failed(app, 6), b"running"]))
    taken = app.store.run(queues.fetch("default", ME, 3, "1", "_req")).jobs
    for (seq, raw), place in zip(taken[:2], (keys.RETRY, keys.DEAD), strict=True):
        what = Settlement(place, NOW, raw, fails=True)
        app.store.run(queues.settle("default", ME, seq, what, now=NOW, day=DAY))
    info = {"hostname": "host", "pid": 1, "queues": ["low"], "identity": ME, "started_at": NOW, "concurrency": 5}
    work = {"queue": "low", "payload": json.dumps({"jid": "b" * 24}), "run_at": int(NOW)}
    fields = {
        "info": json.dumps(info),
        "busy": 1,
        "beat": NOW,
        "quiet": "false",
        "concurrency": 5,
        "rss": 1,
        "rtt_us": 1,
    }
    app.store.run(processes.show(ME, fields, {"slot1": json.dumps(work).encode()}))
    yield app
    app.close()


def _failed(app, x):
    push = app.client.build(app.jobs["shop.add"], (x,), {}, app.jobs["shop.add"].options)
    error = {"error_class": "ValueError", "error_message": "böse", "failed_at": NOW, "retry_count": 0}
    backtrace = {"error_backtrace": payload.pack_backtrace(["a.py:1 in f"])}
    return payload.changed(push.encoded(NOW), error | backtrace)


def test_sidekiq_reads_every_place(server, app, sidekiq):
    seen = json.loads(sidekiq(READS))

    [waiting] = seen["queues"]["low"]
    assert (waiting["args"], waiting["klass"], waiting["tags"]) == ([1, "ä/</b>\u2028"], "shop.add", ["a"])
    assert waiting["created_at"] == waiting["enqueued_at"] == NOW
    assert seen["latency"] == pytest.approx(_now(server) - NOW, abs=60)
    [[scheduled, at]] = seen["scheduled"]
    assert scheduled["args"] == [2]
    assert at == pytest.approx(NOW + 60.25, abs=1e-5)
    [[retry, error_class, backtrace]] = seen["retries"]
    assert (retry["args"], error_class, backtrace) == ([5], "ValueError", ["a.py:1 in f"])
    [[dead, message]] = seen["dead"]
    assert (dead["args"], message) == ([6], "böse")
    assert seen["processes"] == [[ME, 1, "host", ["low"]]]
    assert seen["works"] == [[ME, "slot1", "low", "b" * 24]]
    assert seen["stats"] == {"processed": 2, "failed": 2}


def _now(server):
    return server.client.time()[0]


def test_sidekiq_acts_on_every_place_and_nothing_is_doubled(server, app, sidekiq):
    sidekiq(ACTS)

    assert server.client.zcard(keys.SCHEDULE) == 2
    assert all(score > _now(server) for _, score in server.client.zrange(keys.SCHEDULE, 0, -1, withscores=True))
    assert not server.exists(keys.RETRY)
    assert not server.exists(keys.DEAD)
    low = [payload.read(raw) for raw in server.client.lrange("queue:low", 0, -1)]
    assert sorted(job.args[0] for job in low) == [1, 3, 5]


def test_what_sidekiq_enqueues_is_read_and_found(server, app, sidekiq):
    sidekiq(ACTS)

    job = payload.read(server.client.lindex("queue:low", 0))
    assert job.args == [3, "ä/b", 1e20, None]
    assert abs(payload.unix(job.created_at) - _now(server)) < 60
    assert app.find(job.jid).args == job.args


def test_our_writer_makes_rubys_bytes(server, app, sidekiq):
    raw = [*server.client.lrange("queue:low", 0, -1), *server.client.zrange(keys.RETRY, 0, -1)]
    code = 'Sidekiq.redis { |r| (r.lrange("queue:low", 0, -1) + r.zrange("retry", 0, -1)).each { |j| puts JSON.generate(JSON.parse(j)) } }'

    # "\u2028" stays as it is: no line of ours is broken by it, and none of Ruby's.
    assert sidekiq(code).encode().rstrip(b"\n").split(b"\n") == raw
