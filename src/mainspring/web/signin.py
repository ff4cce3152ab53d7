"""Who is asking: the ways to tell that come with the package. Each is called with a request and returns its user."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final, TypeAlias

from starlette.requests import Request

from mainspring.base.errors import InvalidOption
from mainspring.web.users import User

#: What ``auth=`` takes: returns who asks; None for nobody. It may be a coroutine function.
Auth: TypeAlias = Callable[[Request], "User | Awaitable[User | None] | None"]

_FORWARDING: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]", ""})


class Loopback:
    """Believes everybody on this machine, and nobody else; what a dashboard does that was not told whom to believe."""

    def __call__(self, request: Request) -> User | None:
        """Return a user with all rights for a request that comes straight from this machine."""
        # A proxy on this machine speaks for anybody, and a page of a stranger's may have its name lead here.
        if any(name in request.headers for name in _FORWARDING):
            return None
        host = request.headers.get("host", "")
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if name.lower() not in _LOCAL_NAMES or not _is_local(request):
            return None
        return User("local", "this machine", ("admin",))


def _is_local(request: Request) -> bool:
    # A Unix socket has no address, and its folder's rights say who may speak to it.
    if request.client is None or not request.client.host:
        return True
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


class Basic:
    """Asks the browser for a name and a password."""

    challenge: Final = 'Basic realm="mainspring", charset="UTF-8"'

    def __init__(self, passwords: Mapping[str, str], roles: Mapping[str, Collection[str]] | None = None) -> None:
        """Believe who knows the password of a name.

        Args:
            passwords: By name.
            roles: By name; ``admin`` for a name without.

        Raises:
            InvalidOption: If there is none, or a password is shorter than 8 characters.
        """
        if not passwords:
            raise InvalidOption("no name and password was given, so nobody could sign in")
        if any(len(password) < 8 for password in passwords.values()):
            raise InvalidOption("a password has fewer than 8 characters: take a longer one")
        self._passwords = {name: password.encode() for name, password in passwords.items()}
        self._roles = roles or {}

    def __call__(self, request: Request) -> User | None:
        """Return the user whose name and password the request carries."""
        name, password = _credentials(request)
        known = self._passwords.get(name)
        # Compared in the same time whether the name is known or not.
        is_right = hmac.compare_digest(known if known is not None else password + b"?", password)
        return User(name, name, self._roles.get(name, ("admin",))) if is_right else None


def _credentials(request: Request) -> tuple[str, bytes]:
    scheme, _, data = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", b""
    try:
        name, _, password = base64.b64decode(data, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", b""
    return name, password.encode()


class Token:
    """Believes who shows a bearer token: programs, and a proxy that adds it."""

    challenge: Final = 'Bearer realm="mainspring"'

    def __init__(self, tokens: Mapping[str, User]) -> None:
        """Believe who shows one of *tokens*.

        Raises:
            InvalidOption: If there is none, or one is shorter than 16 characters.
        """
        if not tokens:
            raise InvalidOption("no token was given, so nobody could sign in")
        if any(len(token) < 16 for token in tokens):
            raise InvalidOption("a token has fewer than 16 characters: take a longer one")
        self._tokens = [(token.encode(), user) for token, user in tokens.items()]

    def __call__(self, request: Request) -> User | None:
        """Return the user whose token the request carries."""
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        # All are looked at, so that the time tells nothing of which is near.
        found = [user for token, user in self._tokens if hmac.compare_digest(token, shown.encode())]
        return found[0] if found else None


class ProxyHeader:
    """Believes the name that a signing-in proxy puts into a header, if the request comes from that proxy."""

    def __init__(self, header: str, *, trusted: Sequence[str], roles: Collection[str] = ("admin",)) -> None:
        """Believe *header* in requests from *trusted* networks.

        Args:
            header: Such as ``X-Forwarded-User``. The proxy must remove one that a client sends itself.
            trusted: The proxy's addresses or networks, such as ``10.0.0.0/8``.
            roles: What each of its users has.

        Raises:
            InvalidOption: If a network is none, or there is none.
        """
        try:
            self._trusted = [ipaddress.ip_network(network, strict=False) for network in trusted]
        except ValueError as error:
            raise InvalidOption(f"trusted={list(trusted)!r}: {error}") from error
        if not self._trusted:
            raise InvalidOption("trusted=[]: name the proxy's address, since anybody else could send the header too")
        self._header, self._roles = header, roles

    def __call__(self, request: Request) -> User | None:
        """Return the user whom the proxy names."""
        name = request.headers.get(self._header, "").strip()
        if not name or request.client is None:
            return None
        try:
            address = ipaddress.ip_address(request.client.host)
        except ValueError:
            return None
        return User(name, name, self._roles) if any(address in network for network in self._trusted) else None


class Anyone:
    """Believes everybody: for a dashboard that something in front of it guards."""

    def __init__(self, roles: Collection[str] = ("admin",)) -> None:
        """Give everybody *roles*."""
        self._user = User("anyone", "anyone", roles)

    def __call__(self, request: Request) -> User | None:  # noqa: ARG002 - whoever it is
        """Return the one user."""
        return self._user
