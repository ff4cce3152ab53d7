"""What tests of periodic entries share: three entries, who defines them, and what a stranger sees of them."""

from __future__ import annotations

from mainspring.schedule.ticks import text
from mainspring.store import entries, keys, periodic
from mainspring.store.entries import Definition
from mainspring.store.periodic import Attempt, TickJob

NS = "office"
REPORT = Definition("report", "stamp-1", "daily", b'{"job":"report"}')
#: The same as it is due by another rule, and with other arguments only.
HOURLY = Definition("report", "stamp-2", "hourly", b'{"job":"report","every":"1h"}')
REWORDED = Definition("report", "stamp-3", "daily", b'{"job":"report","args":[1]}')


def entry(server, name="report"):
    return server.client.hgetall(keys.periodic_entry(NS, name))


def versions(server):
    """Return the place of each entry's version in the order of all."""
    found = dict(server.client.zrange(keys.periodic_names(NS), 0, -1, withscores=True))
    order = sorted({*found.values(), newest(server)})
    return {name: order.index(version) + 1 for name, version in found.items()}


def newest(server):
    return int(server.client.get(keys.periodic_version(NS)) or 0)


def define(store, *definitions, origin="api", **options):
    return store.run(entries.define(NS, definitions, origin=origin, **options))


def enter(store, digest):
    """Let *digest* count, whatever counted before, and return its number."""
    entered = store.run(periodic.enter(NS, digest, store.run(periodic.current_code(NS))))
    assert entered.current == digest
    return entered.number


def claim(store, tick, stamp="stamp-1"):
    job = TickJob("default", b"job")
    return store.run(periodic.claim_tick(NS, Attempt("report", stamp, text(tick), tick, job, b'{"kind":"scheduled"}')))
