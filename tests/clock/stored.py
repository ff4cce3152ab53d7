"""What a clock has written, looked at from outside; and a past for entries that have none."""

from __future__ import annotations

import json

from mainspring.schedule import ticks
from mainspring.store import keys


def jobs(server, name="default"):
    """Return the jobs of a queue, the oldest first."""
    return [json.loads(payload) for payload in reversed(server.client.lrange(keys.queue(name), 0, -1))]


def nominal(server, name="default"):
    """Return the ticks of the jobs of a queue, the oldest first."""
    return [job["periodic"]["tick"] for job in jobs(server, name)]


def entry(server, name, ns=""):
    """Return the hash of an entry, as text."""
    found = server.client.hgetall(keys.periodic_entry(ns, name))
    return {key.decode(): value.decode() for key, value in found.items()}


def names(server, ns=""):
    return {name.decode() for name in server.client.zrange(keys.periodic_names(ns), 0, -1)}


def anchor(server, name, ns=""):
    return float(entry(server, name, ns)["anchor"])


def history(server, name, ns=""):
    """Return the history of an entry, the oldest first."""
    lines = server.client.lrange(keys.periodic_history(ns, name), 0, -1)
    return [json.loads(line.partition(b" ")[2]) for line in reversed(lines)]


def said(server, name, ns=""):
    """Return the history of an entry in short: kinds, and why."""
    return [record["kind"] + (f" {record['why']}" if "why" in record else "") for record in history(server, name, ns)]


def now(server):
    """Return the server's time."""
    seconds, microseconds = server.client.time()
    return seconds + microseconds / 1e6


def ran(server, watched, seconds_ago, *entries):
    """Say that *entries* were anchored and ran last some time ago, and not since; return that time.

    Args:
        server: The server.
        watched: A clock that has these entries, and has not begun.
        seconds_ago: Seconds since then.
        entries: Their names; all that the clock has if there are none.
    """
    watched.book.open()
    tick = float(int(now(server)) - seconds_ago)
    for name in entries or watched.office.schedule:
        fields = {"anchor": ticks.text(tick), "since": ticks.text(tick - 0.001), "last": ticks.text(tick)}
        server.client.hset(keys.periodic_entry(watched.office.namespace, name), mapping=fields)
    return tick


def drained(server, name="default"):
    """Take all jobs out of a queue, and return them, the oldest first."""
    found = jobs(server, name)
    server.client.delete(keys.queue(name))
    return found
