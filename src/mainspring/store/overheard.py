"""What a server says to those it hangs up on: a full one tells why, but not to a client that is just writing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    # Imported when the first connection is made, not when an App is.
    from socket import socket

# Seconds for which it is listened to, and the bytes that it may say.
_LISTENS: Final = 0.2
_WORDS: Final = 512


Connect = Callable[[], "socket"]


class Overheard:
    """Finds out why a server hangs up, once for each kind of failure in a row."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._known: dict[str, Exception] = {}

    def reason(self, connect: Connect, error: Exception) -> Exception:
        """Return why a server hung up, as far as it says so; *error* where it says nothing.

        A server without room says it at once to whoever comes, and hangs up: who was writing meanwhile reads that the
        connection is broken. So it is listened to without a word.

        Args:
            connect: Makes a silent connection that blocks.
            error: What its hanging up looks like from here.
        """
        text = str(error)
        if text not in self._known:
            self._known[text] = _listen(connect) or error
        return self._known[text]

    def clear(self) -> None:
        """Forget it all: a connection was made."""
        self._known.clear()


def _listen(connect: Connect) -> Exception | None:
    try:
        with closing(connect()) as wire:
            wire.settimeout(_LISTENS)
            said = wire.recv(_WORDS).decode("utf-8", "replace")
    except OSError:
        return None
    if not said.startswith("-"):
        return None
    return ConnectionError(said.removeprefix("-ERR ").partition("\r\n")[0])
