"""The failures of jobs, those of one error together: how many, since when, where from, and some of the jobs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from mainspring.api.paging import MOST, PAGE, Page
from mainspring.base.errors import InvalidOption
from mainspring.base.payload import unpack_backtrace
from mainspring.base.timesource import TimeSource
from mainspring.store import failures
from mainspring.store.command import Command
from mainspring.store.connection import Store
from mainspring.store.failures import Group

_CURSOR: Final = re.compile("[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Failure:
    """The failed runs that have one error in common: job, class, text without what varies, and place in the app's code.

    Attributes:
        signature: A hash of those, 16 hex digits; the failed jobs carry it too, see `StoredJob.signature`.
        job: The job's name.
        error_class: The name of the error's class.
        message: Its text without what varies: ``contact {n} not found``.
        frame: The innermost line of the app's own code, as it was when it was seen last: ``crm/client.py:88 in post``;
            empty if nobody knows.
        queue: The queue that the last of them came from.
        count: How many runs have failed so since it was seen first.
        first_seen: In unix seconds.
        last_seen: In unix seconds.
        series: How many in each minute of the last hour, the oldest first; 60.
        hours: How many in each hour of the last week, likewise; 168.
        samples: The ids of the newest jobs, the newest first; up to 10. Some may have succeeded since.
    """

    signature: str
    job: str
    error_class: str
    message: str
    frame: str
    queue: str
    count: int
    first_seen: float
    last_seen: float
    series: Sequence[int]
    hours: Sequence[int]
    samples: Sequence[str]
    _backtrace: str = field(repr=False)

    @classmethod
    def read(cls, group: Group, now: float) -> Failure:
        """Return what was stored as of *now*, unix seconds."""
        texts = group.texts
        jids = texts.get("jids", "")
        return cls(
            signature=group.signature,
            job=texts.get("job", ""),
            error_class=texts.get("error", ""),
            message=texts.get("message", ""),
            frame=texts.get("frame", ""),
            queue=texts.get("queue", ""),
            count=int(group.number("count")),
            first_seen=group.number("first"),
            last_seen=group.number("last"),
            series=group.minutes(now),
            hours=group.hours(now),
            samples=tuple(jids.split("\n")) if jids else (),
            _backtrace=texts.get("backtrace", ""),
        )

    @property
    def backtrace(self) -> Sequence[str]:
        """Where the last of them came from, innermost last: ``file:line in function``; without text of the error."""
        return unpack_backtrace(self._backtrace) if self._backtrace else ()


class Failures:
    """The errors that jobs failed with in the last 30 days, the one that was seen last first; 1,000 at most.

    Workers note them every two seconds.
    """

    def __init__(self, store: Store, time: TimeSource) -> None:
        """Look at the failures in *store*; nothing is asked yet."""
        self._store = store
        self._time = time

    def __len__(self) -> int:
        """Count the errors, not the runs."""
        return self._store.run(failures.count())

    def __bool__(self) -> bool:
        """Be true though there may be none."""
        return True

    def __iter__(self) -> Iterator[Failure]:
        """Iterate over them, in order; one that comes again meanwhile may be missed, and none comes twice."""
        cursor, seen = "", set[str]()
        while True:
            found = self.page(cursor, PAGE)
            yield from (failure for failure in found if failure.signature not in seen)
            seen |= {failure.signature for failure in found}
            cursor = found.cursor
            if not cursor:
                return

    def page(self, cursor: str = "", count: int = PAGE) -> Page[Failure]:
        """Return a page of them, in one round trip.

        Raises:
            InvalidOption: If *cursor* is not that of a page, or *count* not from 1 to 1,000.
        """
        call, made = self.asking(cursor, count)
        return made(self._store.run(call))

    def asking(
        self, cursor: str = "", count: int = PAGE
    ) -> tuple[Command[list[Group]], Callable[[list[Group]], Page[Failure]]]:
        """Return the call that `page` makes, and what makes a page of its answer, to be asked together with others.

        Raises:
            InvalidOption: As for `page`.
        """
        if not isinstance(count, int) or not 1 <= count <= MOST:
            raise InvalidOption(f"count={count!r}: a page has 1 to {MOST} failures")
        if not isinstance(cursor, str) or (cursor and not _CURSOR.fullmatch(cursor)):
            raise InvalidOption(f"cursor={cursor!r}: pass the cursor of the page before, or nothing")
        start, now = int(cursor or 0), self._time.now()

        def made(found: list[Group]) -> Page[Failure]:
            items = [Failure.read(group, now) for group in found if group.texts]
            return Page(items, str(start + count) if len(found) == count else "")

        return failures.page(start, count), made

    def find(self, signature: str) -> Failure | None:
        """Return the error *signature*, in one round trip; None if it is not known, or not any more."""
        found = self._store.pipeline(failures.find(_checked(signature)))
        if not all(isinstance(each, Group) for each in found):
            return None
        group, counted = found
        return Failure.read(Group(signature, group.texts, counted.runs), self._time.now())

    def forget(self, signature: str) -> bool:
        """Forget an error, so that it is new should it come again; its jobs stay where they are.

        Returns:
            False if it was not known.
        """
        return bool(self._store.pipeline(failures.forget(_checked(signature)))[-1])


def _checked(signature: object) -> str:
    if not isinstance(signature, str) or not re.fullmatch("[0-9a-f]{1,64}", signature):
        raise InvalidOption(f"signature={signature!r}: must be hex digits, as a failure has them")
    return signature
