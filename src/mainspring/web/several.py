"""Several ways of signing in beside each other, such as passwords for people and a token for programs."""

from __future__ import annotations

import inspect

from starlette.requests import Request

from mainspring.web.signin import Auth
from mainspring.web.users import User


class Several:
    """Believes whoever one of some ways to sign in believes; the first that does counts.

    Attributes:
        challenge: What a browser is asked for: the first way's.
    """

    def __init__(self, *ways: Auth) -> None:
        """Ask each of *ways*."""
        self._ways = ways
        self.challenge = next((str(found) for way in ways if (found := getattr(way, "challenge", ""))), "")

    async def __call__(self, request: Request) -> User | None:
        """Return the user whom one of them knows."""
        for way in self._ways:
            found = way(request)
            user = await found if inspect.isawaitable(found) else found
            if user is not None:
                return user
        return None
