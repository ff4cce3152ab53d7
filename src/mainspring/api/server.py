"""The store's server: what it says of itself, what is wrong with it and what to do about that, and what lies in it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, TypeVar

from mainspring.base.errors import StoreRefused
from mainspring.base.phrases import duration, phrase
from mainspring.base.timesource import TimeSource
from mainspring.store import keys, stats
from mainspring.store.connection import Store
from mainspring.store.url import masked

T = TypeVar("T")
Severity: TypeAlias = Literal["ok", "warn", "bad"]

#: The oldest servers that mainspring is tested on.
OLDEST: Final[Mapping[str, tuple[int, int]]] = {"redis": (7, 0), "valkey": (7, 2)}
#: Seconds by which this machine's clock may differ from the server's.
SKEW: Final = 1.0
#: How much of what is limited may be used before somebody should look.
FULL: Final = 0.8


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What, in a word.
        severity: How it is.
        text: What was found, for people.
        fix: What to do; empty if nothing is.
    """

    name: str
    severity: Severity
    text: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """Keys that hold the same of different things.

    Attributes:
        name: What they begin with.
        count: How many of the keys that were looked at.
    """

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Server:
    """The server at one moment. What this user of the store may not ask is empty, 0 or None.

    Attributes:
        info: What it says of itself.
        rtt: Seconds that the look took, there and back.
        skew: Seconds by which its clock is ahead of this machine's; None if it did not say.
        keys: How many there are; None if it did not say.
        families: Of some keys, the most frequent first.
        looked: Of how many keys.
        address: Its URL, without the password.
    """

    info: Mapping[str, str]
    rtt: float
    skew: float | None
    keys: int | None
    families: Sequence[Family]
    looked: int
    address: str = ""

    @property
    def kind(self) -> str:
        """``valkey`` or ``redis``."""
        return "valkey" if "valkey_version" in self.info else "redis"

    @property
    def version(self) -> str:
        """Its version; empty if it does not say."""
        return self.info.get(f"{self.kind}_version", "")

    def number(self, name: str) -> float:
        """Return a number of those that it says of itself; 0 if it is none."""
        try:
            return float(self.info.get(name, "0"))
        except ValueError:
            return 0.0

    def checks(self) -> list[Check]:
        """Return what was looked at, what is wrong first."""
        found = [check for look in _LOOKS for check in look(self)] if self.info else [_UNKNOWN]
        return sorted(found, key=lambda check: ("bad", "warn", "ok").index(check.severity))


def look(store: Store, machine: TimeSource, url: str = "") -> Server:
    """Return what the server says of itself, and what lies in it, in one round trip.

    Args:
        store: The store.
        machine: The machine's clocks.
        url: The store's address, as it was configured.

    Raises:
        StoreError: If it cannot be reached.
    """
    before, sent = machine.now(), machine.monotonic()
    info, clock, count, sample = store.pipeline([stats.server_info(), stats.server_time(), stats.size(), stats.some()])
    rtt = machine.monotonic() - sent
    at = _allowed(clock, None)
    names: Sequence[str] = _allowed(sample, [])
    return Server(
        info=_allowed(info, {}),
        rtt=rtt,
        skew=None if at is None else at - rtt / 2 - before,
        keys=_allowed(count, None),
        families=[Family(name, number) for name, number in Counter(map(family, names)).most_common()],
        looked=len(names),
        address=masked(url),
    )


def _allowed(answer: T | Exception, otherwise: T) -> T:
    if isinstance(answer, StoreRefused):
        return otherwise
    if isinstance(answer, Exception):
        raise answer
    return answer


_OF_QUEUE: Final = re.compile(r"\{queue:.*?\}:([a-z]+)", re.DOTALL)
_OF_OURS: Final = re.compile(r"(mainspring:[a-z]+)(:.+)?", re.DOTALL)
_PROCESS: Final = re.compile(r".+:\d+:[0-9a-f]{6,}(:work|:workers|-signals)?", re.DOTALL)
_OTHERS: Final = re.compile(r"(queue|stat|it|b|j|h|deploylock|lock)([:|-]).+", re.DOTALL)


def family(key: str) -> str:
    """Return what keys are called that hold the same of different things, such as ``queue:*``."""
    if found := _OF_QUEUE.match(key):
        return keys.slot("*") + found[1]
    if found := _OF_OURS.fullmatch(key):
        return f"{found[1]}:*" if found[2] else found[1]
    if _PROCESS.fullmatch(key):
        return "HOST:PID:*"
    if found := _OTHERS.fullmatch(key):
        return f"{found[1]}{found[2]}*"
    return key if len(key) <= 40 and key.isprintable() and not any(sign.isdigit() for sign in key) else "(other)"


# --- what is looked at -------------------------------------------------------------------

_UNKNOWN: Final = Check(
    "info",
    "warn",
    phrase("The server does not say how it is."),
    phrase("Let this user of the store ask: ACL SETUSER NAME +info"),
)


def _eviction(server: Server) -> Iterator[Check]:
    policy = server.info.get("maxmemory_policy", "")
    if policy and policy != "noeviction":
        yield Check(
            "eviction",
            "bad",
            phrase("When it is full it drops keys, jobs among them: maxmemory-policy is {policy}.", policy=policy),
            phrase("CONFIG SET maxmemory-policy noeviction, and in its configuration"),
        )
    elif policy:
        yield Check("eviction", "ok", phrase("It drops no job when it is full: noeviction."))


def _memory(server: Server) -> Iterator[Check]:
    used, limit = server.number("used_memory"), server.number("maxmemory")
    if not limit:
        yield Check("memory", "ok", phrase("It has no limit of its own."))
    elif used / limit >= FULL:
        text = phrase("{share} of its memory is used; full, it refuses new jobs.", share=f"{used / limit:.0%}")
        fix = phrase("Give it more: raise maxmemory")
        yield Check("memory", "bad" if used / limit >= 0.95 else "warn", text, fix)
    else:
        yield Check("memory", "ok", phrase("{share} of its memory is used.", share=f"{used / limit:.0%}"))


def _persistence(server: Server) -> Iterator[Check]:
    statuses = ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status")
    broken = [name for name in statuses if server.info.get(name, "ok") != "ok"]
    if broken:
        text = phrase("It could not write to its disk: {names}.", names=", ".join(broken))
        yield Check("disk", "bad", text, phrase("Look at its log and disk"))
    if server.info.get("aof_enabled") == "0":
        text = phrase("It keeps no append-only file: its crash loses the newest jobs.")
        yield Check("persistence", "warn", text, phrase("CONFIG SET appendonly yes, and in its configuration"))
    elif server.info.get("aof_enabled") == "1":
        yield Check("persistence", "ok", phrase("It keeps an append-only file."))


def _role(server: Server) -> Iterator[Check]:
    role = server.info.get("role", "")
    if role and role != "master":
        fix = phrase("Point MAINSPRING_URL at the primary")
        yield Check("role", "bad", phrase("It is a replica, and takes no writes."), fix)
    if server.info.get("master_link_status", "up") != "up":
        fix = phrase("Look at both servers' logs")
        yield Check("replication", "bad", phrase("Its link to the primary is down."), fix)


def _version(server: Server) -> Iterator[Check]:
    numbers = tuple(int(part) for part in re.findall(r"[0-9]+", server.version)[:2])
    least, name = ".".join(map(str, OLDEST[server.kind])), f"{server.kind} {server.version}"
    if numbers and numbers < OLDEST[server.kind]:
        text = phrase("{server} is older than {least}, the oldest that is tested.", server=name, least=least)
        yield Check("version", "warn", text, phrase("Upgrade it"))
    elif numbers:
        yield Check("version", "ok", phrase("{server} is one of those that are tested.", server=name))


def _clock(server: Server) -> Iterator[Check]:
    if server.skew is None:
        return
    if abs(server.skew) > SKEW:
        text = phrase("This machine's clock is {span} ahead of the server's.", span=duration(abs(server.skew)))
        if server.skew > 0:
            text = phrase("This machine's clock is {span} behind the server's.", span=duration(server.skew))
        yield Check("clock", "warn", text, phrase("Run an NTP service on both machines"))
    else:
        yield Check("clock", "ok", phrase("Its clock and this machine's agree."))


def _clients(server: Server) -> Iterator[Check]:
    count, most = server.number("connected_clients"), server.number("maxclients")
    some, all_of_them = f"{count:,.0f}", f"{most:,.0f}"
    if most and count / most >= FULL:
        text = phrase(
            "{n} of {most} connections are taken; beyond, processes are turned away.", n=some, most=all_of_them
        )
        yield Check("clients", "warn", text, phrase("Raise maxclients, or look for who leaves connections open"))
    elif most:
        yield Check("clients", "ok", phrase("{n} of {most} connections are taken.", n=some, most=all_of_them))


_LOOKS: Final[tuple[Callable[[Server], Iterator[Check]], ...]] = (
    _eviction,
    _memory,
    _persistence,
    _role,
    _version,
    _clock,
    _clients,
)
