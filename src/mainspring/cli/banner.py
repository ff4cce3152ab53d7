"""What a worker or clock says of itself when it starts, and what is wrong with its store."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import click

from mainspring import config
from mainspring.__about__ import __version__
from mainspring.app import App
from mainspring.base.durations import in_words
from mainspring.base.errors import StoreError
from mainspring.cli.output import clean, counted
from mainspring.store import stats
from mainspring.store.url import masked

#: The oldest servers that mainspring is tested on.
OLDEST: Final = {"redis": (7, 0), "valkey": (7, 2)}
#: Seconds by which this machine's clock may differ from the store's.
SKEW: Final = 1.0

DIAMOND, TICK, CROSS, DOT, TIMES = "\u25c6", "\u2713", "\u2715", "\u00b7", "\u00d7"

_log: Final = logging.getLogger("mainspring.boot")


@dataclass(frozen=True, slots=True)
class Found:
    """The store as it was found at the start.

    Attributes:
        url: Its URL, without the password.
        info: What it says of itself; empty if this user may not ask.
        rtt: Seconds for one round trip.
        skew: Seconds by which its clock is ahead of this machine's.
    """

    url: str
    info: Mapping[str, str]
    rtt: float
    skew: float

    @property
    def kind(self) -> str:
        """``valkey`` or ``redis``."""
        return "valkey" if "valkey_version" in self.info else "redis"

    @property
    def version(self) -> str:
        """Its version; empty if it does not say."""
        return self.info.get(f"{self.kind}_version", "")


def look(app: App) -> Found:
    """Ask the store for its state.

    Raises:
        StoreError: If it does not answer, or refuses this user altogether.
    """
    app.store.run(stats.ping())
    before = app.time.monotonic()
    server = app.store.run(stats.server_time())
    rtt = app.time.monotonic() - before
    (info,) = app.store.pipeline([stats.server_info()])
    known = {} if isinstance(info, StoreError) else info
    return Found(masked(app.url), known, rtt, server + rtt / 2 - app.time.now())


def warnings(found: Found) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a store: a word for programs, and what to do for people."""
    policy = found.info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        yield "eviction", f"the store may drop jobs when it is full (maxmemory-policy {policy}): set it to noeviction"
    if found.info.get("aof_enabled") == "0":
        yield "persistence", "the store keeps no append-only file, so its crash loses jobs: set appendonly yes"
    role = found.info.get("role", "master")
    if role != "master":
        yield "role", f"the store is a {role} and takes no writes: point the URL at the primary"
    if abs(found.skew) > SKEW:
        ahead = "behind" if found.skew > 0 else "ahead of"
        yield "skew", f"this machine's clock is {in_words(abs(found.skew))} {ahead} the store's: run an NTP service"
    numbers = tuple(int(part) for part in re.findall(r"\d+", found.version)[:2])
    if numbers and numbers < OLDEST[found.kind]:
        least = ".".join(map(str, OLDEST[found.kind]))
        yield "version", f"{found.kind} {found.version} is older than {least}, the oldest that is tested: upgrade it"


def guard(found: Found) -> None:
    """Log what is wrong with the store, where whoever reads the logs will see it."""
    for reason, text in warnings(found):
        _log.warning("%s", text, extra={"event": "boot.warning", "facts": {"reason": reason}})


# --- for people ------------------------------------------------------------------------


def show(role: str, app: App, found: Found, rows: Sequence[tuple[str, str]]) -> None:
    """Write the banner to standard error.

    Args:
        role: ``worker``, ``clock`` or ``outbox``.
        app: The App that it serves.
        found: The store.
        rows: Further lines, each with its name.
    """
    release = config.release()
    head = [f"mainspring {__version__}", role, f"python {sys.version.split()[0]}", f"pid {os.getpid()}"]
    if release:
        head.append(f"release {clean(release)}")
    click.echo(f"  {_sign(DIAMOND, '*')} {'   '.join(head)}", err=True)
    size = f"{counted(len(app.jobs), 'job')}   {counted(len(app.schedule), 'schedule')}"
    for name, text in (("store", _store(found)), ("app", f"{_of(app)}{size}"), *rows):
        click.echo(f"  {name:<8} {text}", err=True)


def _of(app: App) -> str:
    modules = sorted({name.rpartition(".")[0] for name in app.jobs} - {""})
    shown = app.name or ", ".join(modules[:3]) + (" .." if len(modules) > 3 else "")
    return f"{clean(shown)}   " if shown else ""


def _store(found: Found) -> str:
    wrong = {reason for reason, _ in warnings(found)}
    version = ".".join(found.version.split(".")[:2])
    name = f"{found.kind} {version}{_no() if 'version' in wrong else ''}" if version else "server of unknown version"
    facts = [name, found.url, f" rtt {in_words(found.rtt)}"]
    if found.info:
        policy = found.info.get("maxmemory_policy", "?")
        facts.append(f" policy {policy} {_no() if 'eviction' in wrong else _yes()}")
        facts.append(f" aof {_no() if 'persistence' in wrong else _yes()}")
    if "role" in wrong:
        facts.append(f" role {found.info['role']} {_no()}")
    if "skew" in wrong:
        facts.append(f" skew {in_words(found.skew)} {_no()}")
    return " ".join(facts)


def _yes() -> str:
    return _sign(TICK, "ok")


def _no() -> str:
    return _sign(CROSS, "(!)")


def dot() -> str:
    """Return what stands between two remarks on one line."""
    return _sign(DOT, "-")


def times() -> str:
    """Return what stands between a queue and its weight."""
    return _sign(TIMES, "x")


def _sign(sign: str, otherwise: str) -> str:
    """Return *sign* if the terminal can show it."""
    try:
        sign.encode(getattr(sys.stderr, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return otherwise
    return sign
