"""``python mounts.py KIND PORT URL``: a web application of one kind with the dashboard in it, at /internal/jobs.

Who signs in carries a cookie ``who=NAME:ROLE``; Django's have its own session, made at /sign-in/NAME/ROLE.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from a2wsgi import ASGIMiddleware
from starlette.requests import Request

from mainspring import App
from mainspring.web import Dashboard, User

PREFIX = "/internal/jobs"


def by_cookie(request: Request) -> User | None:
    """Return whom the application's cookie names."""
    name, _, role = request.cookies.get("who", "").partition(":")
    return User(name, roles=[role]) if role else None


def by_session(request: Request) -> User | None:
    """Return whom Django's session names: what stands in the docs."""
    from django.contrib.auth import get_user
    from django.contrib.sessions.backends.db import SessionStore
    from django.http import HttpRequest

    asked = HttpRequest()
    asked.session = SessionStore(request.cookies.get("sessionid"))
    user = get_user(asked)
    if not user.is_authenticated or not user.is_staff:
        return None
    return User(user.get_username(), roles=["admin" if user.is_superuser else "viewer"])


def starlette(dashboard: Dashboard) -> Any:
    """Return a Starlette application."""
    from starlette.applications import Starlette
    from starlette.routing import Mount

    return Starlette(routes=[Mount(PREFIX, dashboard)])


def fastapi(dashboard: Dashboard) -> Any:
    """Return a FastAPI application."""
    from fastapi import FastAPI

    app = FastAPI()
    app.mount(PREFIX, dashboard)
    return app


def flask(dashboard: Dashboard) -> Any:
    """Return a Flask application."""
    from flask import Flask
    from werkzeug.middleware.dispatcher import DispatcherMiddleware

    app = Flask("shop")
    return DispatcherMiddleware(app.wsgi_app, {PREFIX: ASGIMiddleware(dashboard)})


def django_asgi(dashboard: Dashboard) -> Any:
    """Return a Django application behind ASGI."""
    _django()
    from django.core.asgi import get_asgi_application

    site = get_asgi_application()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"].startswith(PREFIX):
            await dashboard(scope | {"root_path": PREFIX}, receive, send)
        else:
            await site(scope, receive, send)

    return application


def django_wsgi(dashboard: Dashboard) -> Any:
    """Return a Django application behind WSGI."""
    from werkzeug.middleware.dispatcher import DispatcherMiddleware

    _django()
    from django.core.wsgi import get_wsgi_application

    return DispatcherMiddleware(get_wsgi_application(), {PREFIX: ASGIMiddleware(dashboard)})


def _django() -> None:
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="tests",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="mounts_urls",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "site.db"}},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
        MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
        USE_TZ=True,
    )
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


KINDS: dict[str, tuple[Callable[[Dashboard], Any], bool]] = {
    "starlette": (starlette, True),
    "fastapi": (fastapi, True),
    "flask": (flask, False),
    "django-asgi": (django_asgi, True),
    "django-wsgi": (django_wsgi, False),
}


def main(kind: str, port: int, url: str) -> None:
    """Serve until killed."""
    make, is_asgi = KINDS[kind]
    dashboard = Dashboard(
        App(url), auth=by_session if kind.startswith("django") else by_cookie, title="jobs", streams=True
    )
    app = make(dashboard)
    if is_asgi:
        import uvicorn

        uvicorn.run(app, port=port, log_level="warning", lifespan="off")
    else:
        from werkzeug.serving import make_server

        make_server("127.0.0.1", port, app, threaded=True).serve_forever()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
