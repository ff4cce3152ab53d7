"""What an App has called round the clock's rounds, and round the job of each tick.

A hook that stands before may say no, by returning False. One that stands after hears of
what happened; one around is a generator function that yields once, as a middleware does.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeAlias, cast

from mainspring.middleware import Middleware, Passage, check

Hook: TypeAlias = Callable[..., object]


class Chain:
    """Hooks round one thing, in the order in which they were added."""

    def __init__(self) -> None:
        """Begin with none."""
        self._links: tuple[Middleware, ...] = ()

    def add(self, *, before: Hook | None = None, after: Hook | None = None, around: Hook | None = None) -> None:
        """Add hooks, inside those that are there.

        Raises:
            InvalidOption: If *around* is no generator function.
        """
        if around is not None:
            check(cast("Middleware", around), asynchronous=False)
        given = [(before, _before), (after, _after), (around, _around)]
        self._links += tuple(link(hook) for hook, link in given if hook is not None)

    def open(self, *subject: object) -> Passage | None:
        """Call what stands before *subject*; None if there are no hooks.

        Returns:
            A passage, to be closed with whether it happened; it is not open if a hook said no.
        """
        return Passage(self._links, subject) if self._links else None


class Hooks:
    """The hooks of one App.

    Attributes:
        tick: Round each round of the clock in which something is due; called with its time.
        run: Round the job of each tick; called with the entry and the nominal local time.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self.tick = Chain()
        self.run = Chain()


def _before(hook: Hook) -> Middleware:
    def link(subject: tuple[object, ...]) -> Generator[None, object, None]:
        if hook(*subject) is not False:
            yield

    return link


def _after(hook: Hook) -> Middleware:
    def link(subject: tuple[object, ...]) -> Generator[None, object, None]:
        if (yield):
            hook(*subject)

    return link


def _around(hook: Hook) -> Middleware:
    def link(subject: tuple[object, ...]) -> Generator[None, object, None]:
        yield from cast("Generator[None, object, None]", hook(*subject))

    return link
