"""A command is one call to the store, written down and not yet made.

The store's verbs return commands. `Store.run` makes the call and blocks;
`AsyncStore.run` makes the same call and awaits. Nothing above this floor knows
which of the two it stands on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar, cast

T = TypeVar("T")

Argument: TypeAlias = str | bytes | int | float
#: What the server may answer: integers, bytes, nothing, or lists of these.
Reply: TypeAlias = "int | bytes | list[Reply] | None"


@dataclass(frozen=True, slots=True)
class Command(Generic[T]):
    """One call: a script of `lua/`, or a plain server command.

    Attributes:
        name: The script's file name without its ending; the server's own word if *plain*.
        keys: The keys it touches, without the App's prefix.
        args: What follows the keys.
        decode: Turns the server's reply into the result.
        plain: True for a command of the server, False for a script of ours.
        blocks: Seconds for which the server may hold its answer back; 0 for all but blocking commands.
    """

    name: str
    keys: tuple[str, ...]
    args: tuple[Argument, ...]
    decode: Callable[[Reply], T]
    plain: bool = False
    blocks: float = 0.0


def plain(
    name: str, *keys: str, args: tuple[Argument, ...] = (), decode: Callable[[Reply], T], blocks: float = 0.0
) -> Command[T]:
    """Return a command of the server itself: *name*, then *keys*, then *args*."""
    return Command(name, keys, args, decode, plain=True, blocks=blocks)


def integer(reply: Reply) -> int:
    """Read an integer; nothing counts as 0."""
    if reply is None:
        return 0
    if isinstance(reply, list):
        raise TypeError(f"an integer was expected, not {reply!r}")
    return int(reply)


def integers(reply: Reply) -> list[int]:
    """Read a list of integers, of which there may be a thousand."""
    found = array(reply)
    if set(map(type, found)) <= {int}:
        return cast("list[int]", found)
    return [integer(item) for item in found]


def array(reply: Reply) -> list[Reply]:
    """Read a list; nothing counts as an empty one."""
    if reply is None:
        return []
    if not isinstance(reply, list):
        raise TypeError(f"a list was expected, not {reply!r}")
    return reply


def blob(reply: Reply) -> bytes:
    """Read bytes as they came."""
    if not isinstance(reply, bytes):
        raise TypeError(f"bytes were expected, not {reply!r}")
    return reply


def blobs(reply: Reply) -> list[bytes]:
    """Read a list of bytes."""
    return [blob(item) for item in array(reply)]


def maybe_blob(reply: Reply) -> bytes | None:
    """Read bytes, or None where there is nothing."""
    return None if reply is None else blob(reply)


def texts(reply: Reply) -> list[str]:
    """Read a list of texts; bytes that are no UTF-8 are shown with replacement marks."""
    return [blob(item).decode("utf-8", "replace") for item in array(reply)]


def pairs(reply: Reply) -> dict[bytes, bytes]:
    """Read a hash."""
    flat = blobs(reply)
    return dict(zip(flat[::2], flat[1::2], strict=True))


def scored(reply: Reply) -> list[tuple[bytes, float]]:
    """Read members and scores of a sorted set."""
    flat = blobs(reply)
    return [(member, float(score)) for member, score in zip(flat[::2], flat[1::2], strict=True)]


def ignore(reply: Reply) -> None:
    """Read nothing."""
