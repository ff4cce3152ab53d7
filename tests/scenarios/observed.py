"""What the kernel and the store tell of a process that is watched from outside."""

from __future__ import annotations

import os
from pathlib import Path

from scenarios.harness import Office, Process


def cpu(process: Process) -> float:
    """Return the seconds of processor that *process* and its pacemaker have used."""
    return sum(_cpu(pid) for pid in (process.pid, *process.children()))


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def sockets(process: Process) -> int:
    """Count the sockets that *process* has open."""
    count = 0
    for entry in Path(f"/proc/{process.pid}/fd").iterdir():
        try:
            count += entry.readlink().name.startswith("socket:")
        except FileNotFoundError:
            continue
    return count


def leases(office: Office, queue: str = "default") -> dict[str, int]:
    """Return for each owner of *queue* how many milliseconds its lease lasts; -2 if it has none."""
    client = office.server.client
    owners = [owner.decode() for owner in client.smembers(f"{{queue:{queue}}}:owners")]
    return {owner: client.pttl(f"{{queue:{queue}}}:l:{owner}") for owner in owners}


def reclaims(office: Office) -> int:
    """Count how often a process was held for dead, by itself or by others."""
    events = ("process.fenced", "process.recovered")
    return sum(len(process.events(event)) for process in office.processes for event in events)
