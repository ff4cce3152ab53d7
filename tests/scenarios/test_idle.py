"""An idle worker costs next to nothing, and says what it is as Sidekiq reads it."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from scenarios.harness import check

SECONDS = 10


def sent(server, seconds: float) -> list[str]:
    """Return the commands that clients send within *seconds*, without those that scripts make and our own."""
    found: list[str] = []
    with server.client.monitor() as monitor:
        stop = threading.Timer(seconds, lambda: server.client.echo("the end"))
        stop.start()
        for line in monitor.listen():
            if "the end" in line["command"]:
                break
            if line["client_type"] != "lua":
                found.append(line["command"].split()[0])
        stop.join()
    return found


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_an_idle_worker_sends_at_most_three_commands_a_second_and_uses_no_processor(office):
    # The intervals of production; the first seconds, with scripts still unknown, do not count.
    usual = {"LEASE": 30, "BEAT": 5, "SWEEP": 10, "GRACE": 15}
    office.timing = usual
    worker = office.start(concurrency=10).ready()
    sent(office.server, 2)
    (helper,) = worker.children()

    before, begun = cpu(worker.pid) + cpu(helper), time.monotonic()
    commands = sent(office.server, SECONDS)
    used = (cpu(worker.pid) + cpu(helper) - before) / (time.monotonic() - begun)

    kinds = {name: commands.count(name) for name in sorted(set(commands))}
    check(office, "idle", per_second=round(len(commands) / SECONDS, 2), kinds=kinds, cpu_percent=round(used * 100, 2))
    # Three a second in the long run; a sweep, every 10 to 20 s, may fall into this time.
    assert len(commands) <= 3 * SECONDS + 8
    assert used < 0.05
