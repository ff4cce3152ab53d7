"""What a page and an action are: what they are asked, and what they return.

A page reads and knows no person, so that what it has read may be shown to everybody who asks within the same second.
Who may see a button is asked by the template.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from mainspring.app import App
from mainspring.base.errors import MainspringError
from mainspring.web.settings import Settings
from mainspring.web.users import User

#: Whole numbers beyond these are taken for the nearest: nobody means them.
LARGEST: Final = 10**9

#: What a template is given by its page.
Context: TypeAlias = Mapping[str, object]
Role: TypeAlias = Literal["viewer", "operator", "admin"]


class Gone(MainspringError):
    """What a page would show is not there, or not any more; the text says so to a person."""


class Unable(MainspringError):
    """What was asked for cannot be done; the text says why, and what can."""


class Moved(Exception):
    """What is asked for is found elsewhere.

    Attributes:
        path: Where, within the dashboard.
        query: The filter there.
    """

    def __init__(self, path: str, **query: str) -> None:
        """Lead to *path* with the query."""
        super().__init__(path)
        self.path = path
        self.query = query


@dataclass(frozen=True, slots=True)
class Ask:
    """What a page is asked.

    Attributes:
        app: Whose store it is.
        path: The variable parts of the path, decoded.
        query: The query's first value of each name; at most 50, of 4,000 characters.
        now: Unix seconds.
        settings: The dashboard's.
        guesses: Names that a page found when it looked last, by page: a look that begins with them is one round trip.
            They may be old or gone, and two looks may write them at once.
    """

    app: App
    path: Mapping[str, str]
    query: Mapping[str, str]
    now: float
    settings: Settings
    guesses: MutableMapping[str, Sequence[str]] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """Return a text of the query, without blanks around it."""
        return self.query.get(name, default).strip()

    def choice(self, name: str, among: Sequence[str]) -> str:
        """Return one of some texts; the first if the query names none of them."""
        said = self.query.get(name, "")
        return said if said in among else among[0]

    def whole(self, name: str, default: int, least: int, most: int) -> int:
        """Return a whole number of the query within bounds; *default* if it is none."""
        return whole(self.query.get(name, ""), default, least, most)


def whole(said: str, default: int, least: int, most: int) -> int:
    """Return the whole number that *said* writes in ASCII digits, within bounds; *default* if it is none."""
    digits = said.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        return default
    return max(least, min(most, int(said)))


@dataclass(frozen=True, slots=True)
class Page:
    """A page: where it is, what reads it, and what shows it.

    Attributes:
        path: Within the dashboard, with ``{name}`` for variable parts.
        template: Its file's name.
        read: Makes what the template is given. It may raise `Gone`, `Moved`, and any error of the store.
        area: Which entry of the menu it belongs to.
        every: Seconds between two looks of a tab that shows it; 0 if it does not change.
    """

    path: str
    template: str
    read: Callable[[Ask], Context]
    area: str
    every: float = 0.0


@dataclass(frozen=True, slots=True)
class Act:
    """What an action is asked.

    Attributes:
        app: Whose store it is.
        resource: What it is done to; empty for many or all.
        form: The form's first value of each name.
        many: All values of each name, such as those of ticked rows.
        user: Who wants it.
        now: Unix seconds.
        settings: The dashboard's.
    """

    app: App
    resource: str
    form: Mapping[str, str]
    many: Mapping[str, Sequence[str]]
    user: User
    now: float
    settings: Settings


@dataclass(frozen=True, slots=True)
class Done:
    """What an action has done.

    Attributes:
        said: For people: what was done, or why nothing was.
        to: The page to show next, within the dashboard; where the form stood without it.
        has_effect: False if it found nothing to do.
        facts: What the audit log remembers with it.
    """

    said: str
    to: str = ""
    has_effect: bool = True
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be done, by a POST to ``/actions/NAME``.

    Attributes:
        name: Such as ``queue.pause``; what ``authorize`` is asked, and the audit log says.
        run: Does it. It may raise `Gone`, `Unable`, and any error of the store.
        role: Who may, where no ``authorize`` says otherwise.
        resource: The name of the form's field that says what it is done to.
        is_audited: False for what writes its own entry in the audit log.
    """

    name: str
    run: Callable[[Act], Done]
    role: Role = "operator"
    resource: str = "name"
    is_audited: bool = True
