"""A browser's part in tests of the dashboard: it calls the ASGI app in this process, keeps cookies, and reads pages.

client = Client(app)                      # an admin's; Client(app, role="viewer"), Client(app, authorize=...)
page = client.get("/queues").page         # fails unless it is a 200; a tree, see tree.py
answer = client.submit(page.form("queue.pause"))     # as a click on its button: hidden fields, then the page after
assert answer.said == "mail is paused."
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import unquote, urlencode, urljoin

from mainspring.web import Dashboard, User
from web.tree import Node, fields, parse

Form = Mapping[str, "str | Sequence[str]"] | Sequence[tuple[str, str]]


@dataclass
class Answer:
    """What the dashboard has answered.

    Attributes:
        status: The HTTP status.
        headers: By name in small letters; of several the last.
        body: As it came.
        path: What was asked for.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    path: str

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "surrogatepass")

    @property
    def location(self) -> str:
        """Where it leads; empty if nowhere."""
        return self.headers.get("location", "")

    @cached_property
    def tree(self) -> Node:
        """The body as a tree, whatever the status."""
        return parse(self.text)

    @property
    def page(self) -> Node:
        """The body of a page that there is as a tree."""
        assert self.status == 200, f"{self.path}: {self.status} {self.location} {self.tree.text[:500]}"
        return self.tree

    @property
    def said(self) -> str:
        """What the action before has said."""
        notice = self.tree.find("#notices .notice")
        return notice.text if notice is not None else ""

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


class Client:
    """One person's browser, on a dashboard of its own."""

    def __init__(self, app: Any, *, role: str = "admin", user: str = "ada", root: str = "", **options: Any) -> None:
        """Make a dashboard of *app*, an `App`, and let *user* sign in with *role*.

        Args:
            app: Whose store is shown; or a `Dashboard`, such as another client's, for a second person.
            role: What the person may do.
            user: The person's id.
            root: Where the dashboard is mounted, such as ``/jobs-admin``; paths are asked for without it.
            options: Those of `Dashboard`; ``auth=`` instead of *user* and *role*.
        """
        if not isinstance(app, Dashboard):
            options.setdefault("auth", lambda _: User(user, user.title(), (role,)))
            app = Dashboard(app, **options)
        self.dashboard = app
        self.root = root
        self.cookies: dict[str, str] = {}

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Ask for a page."""
        return self.ask("GET", path, headers)

    def live(self, path: str) -> Answer:
        """Ask for what may have changed of a page."""
        return self.get(path, {"x-mainspring-live": "1"})

    def post(self, path: str, form: Form = (), headers: Mapping[str, str] | None = None) -> Answer:
        """Send a form, as a browser does from a page of the same origin; it does not follow where it leads."""
        sent = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
        pairs = list(form.items()) if isinstance(form, Mapping) else list(form)
        return self.ask("POST", path, sent | dict(headers or {}), urlencode(pairs, doseq=True).encode())

    def act(self, action: str, form: Form = ()) -> Answer:
        """Send a form to an action, and return the page that it leads to."""
        return self.follow(self.post(f"/actions/{action}", form))

    def submit(self, form: Node, **values: str | Sequence[str]) -> Answer:
        """Send *form* as it stands, with *values* filled in, and return the page that it leads to."""
        assert form["method"] == "post"
        kept = [(name, value) for name, value in fields(form) if name not in values]
        given = [
            (name, each) for name, value in values.items() for each in ([value] if isinstance(value, str) else value)
        ]
        return self.follow(self.post(self._within(form["action"]), [*kept, *given]))

    def follow(self, answer: Answer) -> Answer:
        """Return the page that *answer* leads to; itself, if it leads nowhere."""
        for _ in range(5):
            if not answer.location:
                return answer
            answer = self.get(self._within(urljoin(self.root + answer.path, answer.location)))
        raise AssertionError(f"{answer.path} leads in circles")

    def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        """Make a request of any kind."""
        return asyncio.run(self._ask(method, path, dict(headers or {}), body))

    async def _ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        sent: list[dict[str, Any]] = []
        incoming = [{"type": "http.request", "body": body, "more_body": False}]
        never = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if not incoming:
                await never.wait()
            return incoming.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        await self.dashboard(self._scope(method, path, headers), receive, send)
        start = next(message for message in sent if message["type"] == "http.response.start")
        raw = [(name.decode().lower(), value.decode("latin-1")) for name, value in start["headers"]]
        self._keep(value for name, value in raw if name == "set-cookie")
        parts = (message.get("body", b"") for message in sent if message["type"] == "http.response.body")
        return Answer(start["status"], dict(raw), b"".join(parts), path)

    def _scope(self, method: str, path: str, headers: dict[str, str]) -> dict[str, Any]:
        whole, _, query = (self.root + path.partition("#")[0]).partition("?")
        all_headers = {"host": "jobs.example", **headers}
        if self.cookies:
            all_headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(whole),
            "raw_path": whole.encode(),
            "query_string": query.encode(),
            "root_path": self.root,
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in all_headers.items()],
            "client": ("127.0.0.1", 50000),
            "server": ("jobs.example", 80),
        }

    def _keep(self, cookies: Iterable[str]) -> None:
        for text in cookies:
            for name, morsel in SimpleCookie(text).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value

    def _within(self, path: str) -> str:
        assert path.startswith(self.root), f"{path} leads out of {self.root}"
        return path.removeprefix(self.root) or "/"
