"""What a person is told when there is no page to show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mainspring.web.languages import say


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there is no page.

    Attributes:
        status: The HTTP status.
        title: In a few words.
        text: What happened, and what a person can do about it.
        key: What finds it in the log; empty where nothing was logged.
        headers: Of the answer.
    """

    status: int
    title: str
    text: str
    key: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def nowhere(text: str = "") -> Problem:
    """Return what is said of a page that is not there."""
    return Problem(404, say("Not found"), text or say("There is no such page."))


def broken(key: str) -> Problem:
    """Return what is said when the dashboard itself has failed."""
    text = say("It was logged; whoever reads the log finds it by this id.")
    return Problem(500, say("Something went wrong here"), text, key)


def storeless(key: str) -> Problem:
    """Return what is said while the store does not answer and nothing was read before."""
    return Problem(
        503,
        say("The store does not answer"),
        say(
            "Jobs go on as soon as it does. Its address, and why it cannot be reached, are in the log. Try again soon."
        ),
        key,
        {"retry-after": "5"},
    )


def unknown_person(challenge: str) -> Problem:
    """Return what is said to whoever could sign in."""
    text = say("This dashboard is for those it knows.")
    return Problem(401, say("Please sign in"), text, headers={"www-authenticate": challenge})


def stranger(*, is_open: bool) -> Problem:
    """Return what is said to whoever is not known."""
    if is_open:
        return Problem(403, say("Not for you"), say("Nobody with this sign-in may see this dashboard."))
    return Problem(
        403,
        say("Only from this machine"),
        say(
            "No sign-in was set up, so this dashboard is shown only to a browser on the machine that it runs on. To"
            " show it to others, say who they are: Dashboard(app, auth=...), or mainspring web"
            " --auth basic|token|proxy-header."
        ),
    )


def forbidden(action: str, resource: str) -> Problem:
    """Return what is said to a user who lacks a permission."""
    what = say("{action} on {resource}", action=action, resource=resource) if resource else action
    text = say("It needs the permission {name}, which your roles do not give you.", name=what)
    return Problem(403, say("You may not do that"), text)


def refused(why: str) -> Problem:
    """Return what is said of a form that may come from a stranger."""
    return Problem(403, say("This form was refused"), say("Nothing was changed, because {why}.", why=why))
