"""Who looks at the dashboard, and what they may do there."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final, TypeAlias

#: What each role may do beside all that the ones before it may. What looks is a viewer's; what can be undone, an
#: operator's; what destroys, an admin's.
ROLES: Final = ("viewer", "operator", "admin")


@dataclass(frozen=True, slots=True)
class User:
    """A person, or a program that shows a token.

    Attributes:
        id: What the audit log remembers, such as an e-mail address.
        name: For people; the id without it.
        roles: Some of ``viewer``, ``operator`` and ``admin``, and words of your own for an ``authorize`` of your own.
    """

    id: str
    name: str = ""
    roles: Collection[str] = ("viewer",)

    def __str__(self) -> str:
        """Return the name for people."""
        return self.name or self.id


#: Says whether a user may do something: the user, an action's name such as ``queue.pause``, or ``see``, and what it is
#: done to, such as the queue's name; empty for many or all.
Authorize: TypeAlias = Callable[[User, str, str], bool]


def has_role(user: User, needed: str) -> bool:
    """Return whether one of the user's roles is *needed*, or one above it."""
    return any(role in user.roles for role in ROLES[ROLES.index(needed) :])
