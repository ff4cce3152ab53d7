"""What tests of unique jobs see of the locks."""

from __future__ import annotations

from mainspring.store import keys


def held(server) -> dict[str, str]:
    """Return the locks there are, and whose they are."""
    found = server.client.scan_iter(keys.lock("*"), count=1000)
    return {key.decode(): (server.client.get(key) or b"").decode() for key in found}


def lasts(server) -> float:
    """Return for how many seconds the one lock lasts from now."""
    (key,) = held(server)
    return server.client.pttl(key) / 1000
