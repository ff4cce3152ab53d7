"""The dashboard: an ASGI app that can be mounted anywhere.

A request comes in through `Dashboard.__call__`: who asks is found out before anything is looked up, then the router
finds the page or the action. Pages read in a thread, since the store's calls block.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match, Route, Router
from starlette.types import Receive, Scope, Send

from mainspring.app import App
from mainspring.base.loggers import Log
from mainspring.web import choice, errors, names, rest
from mainspring.web.actions import Actions
from mainspring.web.assets import Assets
from mainspring.web.entrance import Entrance, base_of
from mainspring.web.errors import Problem
from mainspring.web.exports import Exports
from mainspring.web.health import Health
from mainspring.web.languages import Languages, speaking
from mainspring.web.rest import Rest, is_api
from mainspring.web.routes import ACTIONS, PAGES
from mainspring.web.security import with_headers
from mainspring.web.serving import Pages
from mainspring.web.settings import SECRETS, Link, Settings
from mainspring.web.signin import Anyone, Auth, Loopback
from mainspring.web.streams import Streams
from mainspring.web.users import Authorize

_log: Final = Log("mainspring.web")


class Dashboard:
    """The ASGI app, to be mounted anywhere, as with ``outer.mount("/jobs", Dashboard(app, auth=who_is_it))``.

    Attributes:
        app: The App whose store it shows.
        settings: How it looks.
    """

    def __init__(
        self,
        app: App,
        *,
        auth: Auth | None = None,
        authorize: Authorize | None = None,
        title: str = "",
        environment: str = "",
        links: Sequence[Link] = (),
        redact: Sequence[str] = SECRETS,
        read_only: bool = False,
        trusted_origins: Sequence[str] = (),
        streams: bool = False,
        language: str = "",
    ) -> None:
        """Make a dashboard; nothing is asked of the store yet.

        Args:
            app: The App whose store it shows.
            auth: Returns the `User` who makes a request, None for nobody; without it, only this machine is served.
            authorize: Says whether a user may do something; without it, the user's roles do.
            title: The name over the menu; the App's without it.
            environment: A word such as ``production`` that stands on each page.
            links: Links out, such as to logs.
            redact: Parts of the names of arguments whose values are hidden.
            read_only: Whether nobody may change anything.
            trusted_origins: Origins beside its own whose forms it takes.
            streams: Whether the progress of operations is streamed, and not asked for each second. Whoever serves it
                then calls `close` when it is about to end, which would else wait for the streams.
            language: The one language that it speaks, such as ``de``; without it, the one that each person has chosen,
                or whose browser asks for.

        Raises:
            InvalidOption: If it does not speak *language*.
        """
        self.app = app
        self.settings = Settings(
            title=title or app.name or "mainspring",
            environment=environment,
            links=tuple(links),
            redact=tuple(redact),
            is_read_only=read_only,
            is_open=isinstance(auth, Anyone),
            has_streams=streams,
            trusted_origins=frozenset(trusted_origins),
        )
        self._languages = Languages(language)
        self._assets = Assets()
        self._entrance = Entrance(auth or Loopback(), authorize, self.settings)
        self._pages = Pages(app, self.settings, self._entrance, self._assets, self._languages)
        self._actions = Actions(app, self.settings, self._entrance, self._pages, ACTIONS)
        self._streams = Streams(app, is_on=streams)
        self._router = Router(self._routes(), redirect_slashes=False, default=self._nowhere)

    def _routes(self) -> list[Route]:
        return [
            Route("/static/{name}", self._static, methods=["GET"], name="static"),
            *self._streams.routes,
            *Exports(self.app, self._pages, self.settings.redact).routes,
            *(
                Route(names.any_text(page.path), self._pages.endpoint(page), methods=["GET"], name=page.path)
                for page in PAGES
            ),
            Route("/actions/language", self._actions.choose, methods=["POST"], name="language"),
            Route("/actions/{action}", self._actions.serve, methods=["POST"], name="action"),
            *Health(self.app, self._pages).routes,
            *Rest(self.app, self.settings, self._entrance, self._pages.changed).routes(),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._router.lifespan(scope, receive, send)
        elif scope["type"] == "http":
            # Mounted at /jobs, its first page is asked for as /jobs, too.
            if scope["path"] == base_of(scope):
                scope = dict(scope, path=f"{base_of(scope)}/")
            request = Request(scope, receive)
            # Programs read English, whatever they are said to accept.
            spoken = self._languages.english if is_api(request) else choice.language_of(request, self._languages)
            with speaking(spoken):
                await self._serve(request, scope, receive, with_headers(send))
        else:
            await PlainTextResponse("not here", 404)(scope, receive, send)

    def close(self) -> None:
        """End all streams, from any thread: for a server that is about to end."""
        self._streams.close()

    def knows(self, path: str) -> bool:
        """Return whether there is something at *path*, a path within the dashboard, by whatever method."""
        scope = {"type": "http", "path": path, "method": "GET"}
        return any(route.matches(scope)[0] is not Match.NONE for route in self._router.routes)

    async def _serve(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        refused = await self._entrance.refuse(request)
        if refused is not None:
            told = rest.refusal if is_api(request) else self._pages.refusal
            await told(request, refused)(scope, receive, send)
            return
        try:
            await self._router(scope, receive, send)
        except ClientDisconnect:
            return  # nobody is there to be told anything
        except Exception as error:  # noqa: BLE001 - whatever it was, the person gets a page and an id, and we the rest
            await self._failed(request, error)(scope, receive, send)

    def _failed(self, request: Request, error: Exception) -> Response:
        key = secrets.token_hex(4)
        _log.error("a page failed: %s", key, extra={"event": "web.error", "facts": {"id": key}}, error=error)
        return self._told(request, errors.broken(key))

    def _told(self, request: Request, problem: Problem) -> Response:
        return rest.refusal(request, problem) if is_api(request) else self._pages.problem(request, problem)

    async def _static(self, request: Request) -> Response:
        return self._assets.serve(request)

    async def _nowhere(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._told(Request(scope), errors.nowhere())(scope, receive, send)
