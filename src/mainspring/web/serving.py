"""Serves pages: reads what they show, at most once a second, and renders it for who asks."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from mainspring.api.overview import Overview, Snapshot
from mainspring.app import App
from mainspring.base.errors import InvalidName, InvalidOption, StoreError
from mainspring.base.loggers import Log
from mainspring.web import choice, errors, languages, rendering, said
from mainspring.web.assets import Assets
from mainspring.web.cache import Cache, Guesses
from mainspring.web.entrance import SEE, Entrance, base_of, user_of
from mainspring.web.errors import Problem
from mainspring.web.languages import Languages, told
from mainspring.web.redaction import Redactor
from mainspring.web.routes import MENU, SHORT_MENU
from mainspring.web.settings import Settings
from mainspring.web.users import User
from mainspring.web.view import Ask, Context, Gone, Moved, Page

#: The header by which a tab asks for what may have changed, and nothing else.
LIVE: Final = "x-mainspring-live"
#: The header that tells a tab that the store is gone, and that what it gets was read before.
GONE: Final = "x-mainspring-store-gone"
#: What a page depends on, beside its address.
_VARY: Final = f"{choice.VARY}, {LIVE}"
_MOST_VALUES: Final = 50
_LONGEST_VALUE: Final = 4_000
_log: Final = Log("mainspring.web")

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Read:
    """What a page shows.

    Attributes:
        context: What its own reader found.
        snapshot: What stands on every page; None if it was never read.
        age: Seconds since it was read, where the store is gone; None where this is how things are.
    """

    context: Context
    snapshot: Snapshot | None
    age: float | None = None


class Pages:
    """Serves all pages of one dashboard."""

    def __init__(self, app: App, settings: Settings, entrance: Entrance, assets: Assets, spoken: Languages) -> None:
        """Serve the pages of *app*'s store to whom *entrance* lets in."""
        self._app = app
        self._settings = settings
        self._entrance = entrance
        self._assets = assets
        self._languages = spoken
        self._cache = Cache(app.time)
        self._guesses = Guesses()
        self._overview = Overview(app.store, app.time, app.namespace)
        self._templates = rendering.Templates(Redactor(settings.redact))

    def endpoint(self, page: Page) -> Endpoint:
        """Return what answers requests for *page*."""

        async def serve(request: Request) -> Response:
            return await run_in_threadpool(self._serve, page, request)

        return serve

    def changed(self) -> None:
        """Let the next look see what an action did."""
        self._cache.expire()

    def snapshot(self) -> Snapshot:
        """Return what stands on every page, read within the last second.

        Raises:
            StoreError: If the store cannot be asked.
        """
        return self._cache.get("snapshot", self._overview.read)

    def refusal(self, request: Request, problem: Problem) -> Response:
        """Return the page for whoever was not let in: it shows nothing of the store, and no menu."""
        return self._plain(request, problem, template="refusal.html")

    def problem(self, request: Request, problem: Problem) -> Response:
        """Return the page that tells somebody who was let in why there is no other."""
        return self._plain(request, problem, template="problem.html")

    # --- within ------------------------------------------------------------------------

    def _serve(self, page: Page, request: Request) -> Response:
        ask = self._ask(request)
        try:
            found = self._read(page, ask)
        except Moved as moved:
            return RedirectResponse(rendering.linker(base_of(request.scope))(moved.path, **moved.query), 303)
        except (Gone, InvalidOption, InvalidName) as error:
            return self.problem(request, errors.nowhere(told(error)))
        except StoreError as error:
            return self.problem(request, errors.storeless(_noted(error)))
        text = self._templates.render(page.template, self._whole(request, page, found))
        return _tagged(request, text, is_gone=found.age is not None)

    def _read(self, page: Page, ask: Ask) -> Read:
        """Return what *page* shows; what it showed last if the store is gone.

        Raises:
            StoreError: If the store is gone, and was when it was last asked.
        """
        # What is read has sentences in it: who speaks another language asks anew.
        key = (languages.spoken().tag, page.path, tuple(sorted(ask.path.items())), tuple(sorted(ask.query.items())))
        try:
            snapshot = self._cache.get("snapshot", self._overview.read)
            return Read(self._cache.get(key, partial(page.read, ask)), snapshot)
        except StoreError as error:
            last, around = self._cache.last(key), self._cache.last("snapshot")
            if last is None or around is None:
                raise
            _noted(error)
            context, seen = last[0], around[0]
            if not isinstance(context, Mapping) or not isinstance(seen, Snapshot):
                raise
            return Read(context, seen, max(last[1], around[1]))

    def _ask(self, request: Request) -> Ask:
        query: dict[str, str] = {}
        for name, value in request.query_params.multi_items()[:_MOST_VALUES]:
            query.setdefault(name[:100], value[:_LONGEST_VALUE])
        return Ask(self._app, dict(request.path_params), query, self._app.time.now(), self._settings, self._guesses)

    def _whole(self, request: Request, page: Page, found: Read) -> dict[str, Any]:
        user = user_of(request)
        is_live = LIVE in request.headers
        around = self._around(request, user, found.snapshot)
        own = {
            "layout": "fragment.html" if is_live else "base.html",
            "page": page,
            "age": found.age,
            "said": "" if is_live else said.read(request),
            "can": self._may(user, can_act=found.age is None),
        }
        return rendering.merged(around, own, found.context)

    def _around(self, request: Request, user: User, snapshot: Snapshot | None) -> dict[str, Any]:
        now = self._app.time.now()
        here = quote(str(request.scope["path"]), safe="/")
        query = {name: request.query_params[name][:_LONGEST_VALUE] for name in request.query_params}
        return {
            "url": rendering.linker(base_of(request.scope)),
            "asset": partial(_asset, base_of(request.scope), self._assets.names),
            "here": f"{here}?{request.url.query}" if request.url.query else here,
            "query": query,
            "settings": self._settings,
            "menu": MENU,
            "short_menu": SHORT_MENU,
            "snapshot": snapshot,
            "user": user,
            "language": languages.spoken(),
            "languages_spoken": () if self._languages.only else tuple(self._languages.all.values()),
            "texts": self._assets.texts,
            "now": now,
            "when": rendering.clock(now),
        }

    def _may(self, user: User, *, can_act: bool) -> Callable[..., bool]:
        def can(action: str, resource: str = "") -> bool:
            return (can_act or action == SEE) and self._entrance.may(user, action, resource)

        return can

    def _plain(self, request: Request, problem: Problem, template: str) -> Response:
        last = self._cache.last("snapshot")
        snapshot = last[0] if last is not None and isinstance(last[0], Snapshot) else None
        context = rendering.merged(
            self._around(request, user_of(request), snapshot),
            {
                "problem": problem,
                "layout": "base.html",
                "page": None,
                "age": None,
                "said": said.read(request),
                "can": lambda *_: False,
            },
        )
        text = self._templates.render(template, context)
        return _html(text, problem.status, problem.headers)


def _asset(base: str, names: Mapping[str, str], name: str) -> str:
    return f"{base}/static/{names[name]}"


def _noted(error: StoreError) -> str:
    key = secrets.token_hex(4)
    facts = {"id": key, "error": {"type": type(error).__name__, "message": str(error)}}
    _log.warning("the store does not answer: %s", error, extra={"event": "store.gone", "facts": facts})
    return key


def _tagged(request: Request, text: str, *, is_gone: bool) -> Response:
    """Return a page, or that it has not changed since the tab has seen it."""
    if LIVE not in request.headers:
        return _html(text)
    tag = f'W/"{hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]}"'
    # Not a 503: a browser would complain of each look in its console, and there is something to show.
    headers = {"etag": tag} | ({GONE: "1"} if is_gone else {})
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={**headers, "vary": _VARY})
    return _html(text, headers=headers)


def _html(text: str, status: int = 200, headers: Mapping[str, str] = MappingProxyType({})) -> Response:
    return HTMLResponse(text, status, headers={**headers, "content-language": languages.spoken().tag, "vary": _VARY})
