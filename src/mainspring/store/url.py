"""Reads a store's URL: which server, by which way, with which name and password.

``redis://`` and ``valkey://`` mean plain TCP, ``rediss://`` and ``valkeys://`` TLS
with the certificate and host checked, ``unix://`` a socket. ``embedded://DIR`` is
turned into a ``unix://`` URL before it comes here.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from mainspring.base.errors import InvalidOption

_KINDS = {"redis": "tcp", "valkey": "tcp", "rediss": "tls", "valkeys": "tls", "unix": "unix"}
_LATER = ("redis+sentinel", "redis+cluster")
# Up to the last @, whatever stands between: a password with : / @ or ? in it must not come to light by being wrong.
_SECRET = re.compile(r"(?<=//)([^:@/]*):.*(?=@)|(?<=password=)[^&]*")
_TEXTS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "client_name", "username", "password")


def masked(url: str) -> str:
    """Return *url* without its password, for people and logs."""
    return _SECRET.sub(lambda found: "***" if found[1] is None else f"{found[1]}:***", url)


def redis_options(url: str) -> dict[str, Any]:
    """Return what *url* says, as the options of a connection, and its ``kind``: tcp, tls or unix.

    Raises:
        InvalidOption: If the scheme, port, database or a parameter is wrong.
    """
    parts = _split(url)
    kind = _KINDS.get(parts.scheme)
    if kind is None:
        raise InvalidOption(_wrong_scheme(url, parts.scheme))
    options: dict[str, Any] = {"kind": kind}
    options |= _unix(url, parts) if kind == "unix" else _tcp(url, parts)
    if parts.username:
        options["username"] = unquote(parts.username)
    if parts.password:
        options["password"] = unquote(parts.password)
    return options | _parameters(url, parts.query)


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        raise InvalidOption(f"{masked(url)!r} is no URL: its host cannot be read") from None


def _wrong_scheme(url: str, scheme: str) -> str:
    if scheme in _LATER:
        return f"{masked(url)!r}: {scheme}:// is not supported yet; use redis:// with the primary's address"
    known = ", ".join(f"{name}://" for name in (*_KINDS, "embedded"))
    return f"{masked(url)!r} is no store's URL: it must begin with one of {known}"


def _tcp(url: str, parts: SplitResult) -> dict[str, Any]:
    try:
        port = parts.port or 6379
    except ValueError:
        # Not chained: what was taken for the port may be the beginning of a password.
        raise InvalidOption(
            f"{masked(url)!r}: the port must be a number from 1 to 65535; in a password, write / as %2F"
        ) from None
    return {"host": parts.hostname or "localhost", "port": port} | _database(url, parts.path.strip("/"))


def _unix(url: str, parts: SplitResult) -> dict[str, Any]:
    path = unquote(parts.netloc.rpartition("@")[2] + parts.path)
    if not path:
        raise InvalidOption(f"{masked(url)!r}: unix:// must be followed by the path of the server's socket")
    return {"path": path}


def _database(url: str, text: str) -> dict[str, Any]:
    if not text:
        return {}
    if not text.isdecimal():
        raise InvalidOption(f"{masked(url)!r}: the database must be a number, as in redis://localhost:6379/0")
    return {"db": int(text)}


def _parameters(url: str, query: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name, value in parse_qsl(query):
        if name == "db":
            options |= _database(url, value)
        elif name in _TEXTS:
            options[name] = value
        else:
            raise InvalidOption(f"{masked(url)!r}: unknown parameter {name!r}; known are db, {', '.join(_TEXTS)}")
    return options
