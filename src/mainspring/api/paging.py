"""Reading what may be long, and moves while it is read, a page at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from mainspring.api.jobs import StoredJob
from mainspring.base.errors import InvalidOption

T = TypeVar("T")

#: How many jobs are read at once where nobody says otherwise.
PAGE: Final = 100
#: The most that one page may hold: the server answers nobody else meanwhile.
MOST: Final = 1_000

_CURSOR: Final = re.compile("[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a long list.

    Attributes:
        items: At most as many as were asked for.
        cursor: What to ask the next page with; empty at the end.
    """

    items: Sequence[T]
    cursor: str

    def __iter__(self) -> Iterator[T]:
        """Iterate over the items of this page."""
        return iter(self.items)

    def __len__(self) -> int:
        """Count the items of this page."""
        return len(self.items)


def page(read: Callable[[int, int], Sequence[StoredJob]], cursor: str, count: int) -> Page[StoredJob]:
    """Return the page at *cursor*.

    Args:
        read: Reads jobs: how many to leave out, how many to read.
        cursor: Empty for the first page, else that of the page before.
        count: How many, from 1 to 1,000.

    Raises:
        InvalidOption: If *cursor* was not made here, or *count* is out of bounds.
    """
    if not isinstance(count, int) or not 1 <= count <= MOST:
        raise InvalidOption(f"count={count!r}: a page has 1 to {MOST} jobs")
    if not isinstance(cursor, str) or (cursor and not _CURSOR.fullmatch(cursor)):
        raise InvalidOption(f"cursor={cursor!r}: pass the cursor of the page before, or nothing")
    skip = int(cursor or 0)
    items = read(skip, count)
    return Page(items, str(skip + len(items)) if len(items) == count else "")


def walk(
    read: Callable[[int, int], Sequence[StoredJob]], standing: Callable[[Sequence[bytes], int], int | None]
) -> Iterator[StoredJob]:
    """Yield job after job, though those read before may be deleted or taken meanwhile.

    Each page begins with the last job that was read. If it is not there any more, the
    page follows the last of those read together with it that still is; if none is,
    what came next has moved up to where they stood.

    Args:
        read: Reads jobs: how many to leave out, how many to read.
        standing: Returns how many jobs come before the first of some that is still there, None if none is;
            it need not look beyond a number of jobs.
    """
    seen: list[bytes] = []
    skip = 0
    while True:
        overlap = 1 if seen else 0
        found = read(skip - overlap, PAGE + overlap)
        if seen and not (found and found[0].raw == seen[-1]):
            place = standing(seen[::-1], skip)
            skip = max(0, skip - len(seen)) if place is None else place + 1
            found, overlap = read(skip, PAGE), 0
        fresh = found[overlap:]
        if not fresh:
            return
        yield from fresh
        seen, skip = [job.raw for job in fresh], skip + len(fresh)
