"""Who comes in, and what they may do: asked before anything is looked up, and again before anything is done."""

from __future__ import annotations

import inspect
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import Scope

from mainspring.web import errors
from mainspring.web.errors import Problem
from mainspring.web.settings import Settings
from mainspring.web.signin import Auth, Loopback
from mainspring.web.users import Authorize, User, has_role

#: What everybody may look at.
SEE: Final = "see"
#: What asks for no user: files that come with the package, and whether this process lives.
_OPEN: Final = ("/static/", "/-/live", "/-/ready")
#: What asks programs on this machine for no user: numbers for monitoring and autoscaling, which tell of no job.
_LOCAL: Final = ("/-/metrics", "/-/scale")
_USER: Final = "mainspring.user"


def inner_path(scope: Scope) -> str:
    """Return the path within the dashboard, wherever it is mounted."""
    path, root = str(scope["path"]), base_of(scope)
    return path[len(root) :] or "/" if path == root or path.startswith(f"{root}/") else path


def base_of(scope: Scope) -> str:
    """Return the path at which the dashboard is mounted; empty at the root."""
    return str(scope.get("root_path", "")).rstrip("/")


class Entrance:
    """Knows who asks."""

    def __init__(self, auth: Auth, authorize: Authorize | None, settings: Settings) -> None:
        """Ask *auth* who somebody is, and *authorize*, or the roles, what they may do."""
        self._auth = auth
        self._authorize = authorize
        self._is_read_only = settings.is_read_only
        self._needed: dict[str, str] = {SEE: "viewer"}

    def needs(self, action: str, role: str) -> None:
        """Let *action* need a role, where no ``authorize`` was given."""
        self._needed[action] = role

    async def refuse(self, request: Request) -> Problem | None:
        """Return why a request goes no further; None if it does, and `user` knows whose it is."""
        if inner_path(request.scope).startswith(_OPEN):
            return None
        user = await self._who(request)
        if user is None and inner_path(request.scope) in _LOCAL:
            user = Loopback()(request)
        if user is None:
            challenge = getattr(self._auth, "challenge", "")
            return errors.unknown_person(challenge) if challenge else errors.stranger(is_open=self._is_open)
        request.scope[_USER] = user
        return None if await run_in_threadpool(self.may, user, SEE) else errors.stranger(is_open=True)

    def may(self, user: User, action: str, resource: str = "") -> bool:
        """Return whether *user* may do *action* to *resource*."""
        if self._is_read_only and action != SEE:
            return False
        if self._authorize is not None:
            return self._authorize(user, action, resource)
        return has_role(user, self._needed.get(action, "admin"))

    @property
    def _is_open(self) -> bool:
        return not isinstance(self._auth, Loopback)

    async def _who(self, request: Request) -> User | None:
        # It may ask a database, so it must not hold up the loop.
        if inspect.iscoroutinefunction(self._auth) or inspect.iscoroutinefunction(type(self._auth).__call__):
            found = await self._auth(request)  # type: ignore[misc]  # a coroutine, by its function
        else:
            found = await run_in_threadpool(self._auth, request)
        if inspect.isawaitable(found):
            found = await found
        return found if isinstance(found, User) else None


def user_of(request: Request) -> User:
    """Return who makes a request that was let in."""
    user = request.scope.get(_USER)
    return user if isinstance(user, User) else User("nobody", roles=())
