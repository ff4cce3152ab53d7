"""What tests of encryption share: keys, a secret, jobs that take it, and a look at all that lies in the store."""

from __future__ import annotations

from typing import Any

from mainspring import App

ONE, TWO, THREE = bytes(range(32)), bytes(range(32, 64)), bytes(range(64, 96))
CANARY = "hunter2-canary"


def give_keys(bench: Any, seen: list[Any]) -> None:
    """Give *bench* an App with a key, and two jobs: all arguments of ``whole`` are encrypted, and one of ``login``."""
    bench.app = App(bench.server.url, keys={1: ONE})

    def login(user: int, token: str, *, note: str = "") -> int:
        seen.append(("login", user, token, note))
        return user

    def whole(user: int, token: str = "", *, note: str = "") -> int:
        seen.append(("whole", user, token, note))
        return user

    bench.login = bench.job(login, encrypt=["token"], retry=0)
    bench.whole = bench.job(whole, encrypt=True, retry=0)


def with_keys(bench: Any, **keys: Any) -> Any:
    """Return a bench with the same jobs, whose App has other keys."""
    other = type(bench)(bench.server)
    other.app = App(bench.server.url, **keys)
    for job in bench.app.jobs.values():
        other.app.job(name=job.name, encrypt=job.options.encrypt, retry=0)(job.function)
    return other


def everything(bench: Any) -> str:
    """Return all that lies in the store, as text."""
    read = {
        b"hash": lambda key: [part for pair in bench.client.hgetall(key).items() for part in pair],
        b"list": lambda key: bench.client.lrange(key, 0, -1),
        b"zset": lambda key: bench.client.zrange(key, 0, -1),
        b"set": bench.client.smembers,
        b"string": lambda key: [bench.client.get(key)],
    }
    keys = list(bench.client.scan_iter("*"))
    found = [part for key in keys for part in (key, *read[bench.client.type(key)](key))]
    return b"\n".join(found).decode("utf-8", "replace")
