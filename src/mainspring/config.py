"""What the environment and pyproject.toml say; the only reader of both."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from mainspring.base import durations
from mainspring.base.errors import InvalidDuration, InvalidOption
from mainspring.base.payload import LIMIT

#: The embedded store's place where no URL is given, below the working directory.
EMBEDDED_DIRECTORY = ".mainspring"


@dataclass(frozen=True, slots=True)
class Timing:
    """How a process proves that it lives, and how long others wait before they take its jobs.

    All in seconds. Each can be set by an environment variable ``MAINSPRING_<NAME>``.

    Attributes:
        beat: Between two heartbeats, give or take a fifth.
        lease: For how long a heartbeat is a proof of life.
        sweep: Between two looks for dead processes, up to twice that.
        grace: Between the first look that finds no lease and the second that reclaims.
        reconcile: Between two comparisons of what is in flight with what is known.
        stuck: What a run whose ``timeout`` is over gets to end, before its slot goes to another.
    """

    beat: float = 5.0
    lease: float = 30.0
    sweep: float = 10.0
    grace: float = 15.0
    reconcile: float = 60.0
    stuck: float = 5.0

    def __post_init__(self) -> None:
        """Refuse a timing with which a living process would be held for dead, or a loop would spin."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
                raise InvalidOption(f"Timing({field.name}={value!r}): must be seconds, more than 0")
        if self.lease < 3 * self.beat:
            raise InvalidOption(
                f"MAINSPRING_LEASE ({self.lease} s) must be at least three times MAINSPRING_BEAT ({self.beat} s):"
                " a single late heartbeat must not end a lease"
            )


def timing(environment: Mapping[str, str] = os.environ) -> Timing:
    """Return the timing that the environment asks for.

    Raises:
        InvalidOption: If one is no duration, or nothing; or if a lease would run out between two heartbeats.
    """
    names = {field.name: f"MAINSPRING_{field.name.upper()}" for field in fields(Timing)}
    given = {field: _span(name, environment[name]) for field, name in names.items() if environment.get(name)}
    return Timing(**given)


#: The name of the variable that says how long a job may be, and what it may say, in bytes.
_PAYLOAD_LIMIT: Final = "MAINSPRING_PAYLOAD_LIMIT"
_LEAST, _MOST = 1_000, 500_000_000
_UNITS: Final = MappingProxyType({"": 1, "b": 1, "kb": 1_000, "mb": 1_000_000, "gb": 1_000_000_000})
#: The same for the memory of a process of jobs; with less, Python itself does not start.
_PROCESS_MEMORY: Final = "MAINSPRING_PROCESS_MEMORY"
_LEAST_MEMORY, _MOST_MEMORY = 50_000_000, 10**15


def payload_limit(environment: Mapping[str, str] = os.environ) -> int:
    """Return the longest job that may be pushed and run, in bytes: MAINSPRING_PAYLOAD_LIMIT, or a megabyte.

    Raises:
        InvalidOption: If it is no size, such as ``4MB``, or one that cannot be meant.
    """
    given = environment.get(_PAYLOAD_LIMIT)
    size = _size(given) if given else LIMIT
    if given and not _LEAST <= size <= _MOST:
        raise InvalidOption(f"{_PAYLOAD_LIMIT}={given}: must be a size from 1kB to 500MB, such as 4MB")
    return size


def process_memory(environment: Mapping[str, str] = os.environ) -> int:
    """Return how much memory a process of jobs may have, in bytes: MAINSPRING_PROCESS_MEMORY; 0 for any.

    Raises:
        InvalidOption: If it is no size, such as ``512MB``, or one that cannot be meant.
    """
    given = environment.get(_PROCESS_MEMORY)
    size = _size(given) if given else 0
    if given and not _LEAST_MEMORY <= size <= _MOST_MEMORY:
        raise InvalidOption(f"{_PROCESS_MEMORY}={given}: must be a size from 50MB, such as 512MB")
    return size


def _size(text: str) -> int:
    """Return a size in bytes; 0 if the text is none."""
    found = re.fullmatch(r"([0-9]{1,12}) *([a-z]*)", text.strip().lower())
    return int(found[1]) * _UNITS.get(found[2], 0) if found else 0


def encryption_keys(environment: Mapping[str, str] = os.environ) -> dict[int, str]:
    """Return the keys by which arguments are encrypted: MAINSPRING_KEYS, such as ``1:BASE64,2:BASE64``.

    Raises:
        InvalidOption: If it is written otherwise; the message shows no key.
    """
    parts = [part.partition(":") for part in environment.get("MAINSPRING_KEYS", "").split(",") if part.strip()]
    if not all(number.strip().isdecimal() and key.strip() for number, _, key in parts):
        raise InvalidOption("MAINSPRING_KEYS: must be numbers and keys in base64: 1:BASE64,2:BASE64")
    keys = {int(number): key.strip() for number, _, key in parts}
    if len(keys) < len(parts):
        raise InvalidOption("MAINSPRING_KEYS: two keys have one number")
    return keys


def active_key(environment: Mapping[str, str] = os.environ) -> int | None:
    """Return the number of the key that encrypts: MAINSPRING_ACTIVE_KEY; None for the greatest there is.

    Raises:
        InvalidOption: If it is no number.
    """
    given = environment.get("MAINSPRING_ACTIVE_KEY")
    if not given:
        return None
    if not given.strip().isdecimal():
        raise InvalidOption(f"MAINSPRING_ACTIVE_KEY={given}: must be the number of a key of MAINSPRING_KEYS")
    return int(given)


def _span(name: str, text: str) -> float:
    try:
        found = durations.seconds(text)
    except InvalidDuration as error:
        raise InvalidOption(f"{name}: {error}") from error
    if found == 0:
        raise InvalidOption(f"{name}={text}: must be longer than nothing")
    return found


@dataclass(frozen=True, slots=True)
class SignIn:
    """What the environment says of who may see the dashboard of ``mainspring web``.

    Attributes:
        passwords: By name: MAINSPRING_WEB_PASSWORD, ``user:password``, one a line.
        token: MAINSPRING_WEB_TOKEN, which programs show; empty for none.
        header: MAINSPRING_WEB_HEADER, in which a proxy names who has signed in.
        trusted: MAINSPRING_WEB_TRUSTED, the addresses or networks of that proxy, parted by commas.
    """

    passwords: Mapping[str, str]
    token: str
    header: str
    trusted: tuple[str, ...]


def sign_in(environment: Mapping[str, str] = os.environ) -> SignIn:
    """Return what the environment says of who may see the dashboard.

    Raises:
        InvalidOption: If a password has no name before it; the message shows neither.
    """
    lines = [line.strip() for line in environment.get("MAINSPRING_WEB_PASSWORD", "").splitlines() if line.strip()]
    pairs = [line.partition(":") for line in lines]
    if not all(name and password for name, _, password in pairs):
        raise InvalidOption("MAINSPRING_WEB_PASSWORD: must be a name and its password, user:password")
    trusted = environment.get("MAINSPRING_WEB_TRUSTED", "").split(",")
    return SignIn(
        passwords={name: password for name, _, password in pairs},
        token=environment.get("MAINSPRING_WEB_TOKEN", "").strip(),
        header=environment.get("MAINSPRING_WEB_HEADER") or "X-Forwarded-User",
        trusted=tuple(network.strip() for network in trusted if network.strip()),
    )


def store_url(environment: Mapping[str, str] = os.environ) -> str:
    """Return the store's URL: MAINSPRING_URL, else REDIS_URL, else the embedded store here."""
    return environment.get("MAINSPRING_URL") or environment.get("REDIS_URL") or f"embedded://{EMBEDDED_DIRECTORY}"


def release(environment: Mapping[str, str] = os.environ) -> str:
    """Return the name of the running release, for logs: MAINSPRING_RELEASE, or what platforms set."""
    names = ("MAINSPRING_RELEASE", "RELEASE", "GIT_SHA", "SOURCE_VERSION", "HEROKU_SLUG_COMMIT")
    return next((environment[name] for name in names if environment.get(name)), "")


def instance(environment: Mapping[str, str] = os.environ) -> str:
    """Return the name of this instance of a service, for logs: MAINSPRING_INSTANCE, DYNO, or the host's name."""
    return environment.get("MAINSPRING_INSTANCE") or environment.get("DYNO") or os.uname().nodename


def pyproject(directory: Path) -> dict[str, Any]:
    """Return the table ``[tool.mainspring]`` of the pyproject.toml in *directory*; empty if there is none.

    Raises:
        InvalidOption: If the file is no TOML, or the table no table.
    """
    import tomllib

    path = directory / "pyproject.toml"
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError, RecursionError) as error:
        raise InvalidOption(f"{path.name} cannot be read: {error}") from error
    tools = table.get("tool", {})
    found = tools.get("mainspring", {}) if isinstance(tools, dict) else {}
    if not isinstance(found, dict):
        raise InvalidOption(f"pyproject.toml: tool.mainspring = {found!r} must be a table, [tool.mainspring]")
    return found


def app_name(directory: Path, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return where the App is, as ``module[:attribute]``: MAINSPRING_APP, or ``[tool.mainspring] app``.

    Raises:
        InvalidOption: If pyproject.toml cannot be read, or names it by something else than a text.
    """
    if named := environment.get("MAINSPRING_APP"):
        return named
    found = pyproject(directory).get("app")
    if found is None or (isinstance(found, str) and found.strip()):
        return found
    raise InvalidOption(
        f'pyproject.toml, [tool.mainspring]: app = {found!r} must be a text; write app = "shop.jobs:app"'
    )


def capsules(directory: Path) -> Mapping[str, object]:
    """Return the table ``[tool.mainspring.capsules]``: by name, what pyproject.toml says of each capsule of a worker.

    Raises:
        InvalidOption: If pyproject.toml cannot be read, or it is no table.
    """
    found = pyproject(directory).get("capsules", {})
    if not isinstance(found, dict):
        raise InvalidOption(f"pyproject.toml: tool.mainspring.capsules = {found!r} must be a table of capsules by name")
    return found
