"""What an endpoint of the JSON API is: what it is asked, what it returns, and which permission it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import msgspec

from mainspring.app import App
from mainspring.web.redaction import Redactor
from mainspring.web.settings import Settings
from mainspring.web.users import User
from mainspring.web.view import Role, whole

#: Items of a page, where nobody says otherwise, and at most.
COUNT: Final = 100
MOST: Final = 500

Method: TypeAlias = Literal["GET", "POST"]


@dataclass(frozen=True, slots=True)
class Call:
    """What an endpoint is asked.

    Attributes:
        app: Whose store it is.
        path: The variable parts of the path, decoded.
        query: The query's first value of each name.
        body: What was sent, of the type that the endpoint takes; None if it takes nothing.
        user: Who asks.
        now: Unix seconds.
        settings: The dashboard's.
        redactor: Hides secrets.
    """

    app: App
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: object
    user: User
    now: float
    settings: Settings
    redactor: Redactor

    def text(self, name: str) -> str:
        """Return a text of the query; empty without it."""
        return self.query.get(name, "")

    @property
    def count(self) -> int:
        """How many items are asked for."""
        return whole(self.query.get("count", ""), COUNT, 1, MOST)


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of the query.

    Attributes:
        name: Its name.
        told: What it means, for people.
        choices: What it may be; anything without them.
    """

    name: str
    told: str
    choices: tuple[str, ...] = ()


class Failed(Exception):
    """An endpoint cannot do what it is asked.

    Attributes:
        status: The HTTP status.
    """

    def __init__(self, status: int, text: str) -> None:
        """Say in *text* what is wrong, and what to do."""
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint of the API.

    Attributes:
        method: The HTTP method; what is not GET changes something.
        path: Below ``/api/v1``, with ``{name}`` for variable parts.
        summary: What it does, in a few words.
        permission: What ``authorize`` is asked: ``see``, or an action such as ``queue.pause``.
        run: Does it. It may raise `Failed`, and the errors of the data API.
        returns: The type of its answer.
        takes: The type of its body; None if it takes none.
        params: Parameters of the query.
        resource: The field of the body that says what it is done to; empty for many or all.
        role: Who may, where no ``authorize`` says otherwise; empty for an action of the pages, whose role counts.
    """

    method: Method
    path: str
    summary: str
    permission: str
    run: Callable[[Call], object]
    returns: type[msgspec.Struct]
    takes: type[msgspec.Struct] | None = None
    params: tuple[Param, ...] = ()
    resource: str = ""
    role: Role | Literal[""] = ""
