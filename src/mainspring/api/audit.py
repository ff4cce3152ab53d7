"""Who did what, when: a log to which people's actions are added and in which nothing is ever changed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from mainspring.api.paging import MOST, PAGE, Page
from mainspring.base import codec
from mainspring.base.errors import InvalidOption, InvalidPayload
from mainspring.store import audit
from mainspring.store.audit import Noted
from mainspring.store.connection import Store

#: The most characters of a name, and the most bytes of facts, that an entry keeps.
NAME: Final = 500
FACTS: Final = 4_000

_ENTRY: Final = re.compile("[0-9]{1,15}-[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that was done.

    Attributes:
        id: Its place in the log.
        at: When, in unix seconds by the server's clock.
        by: Who did it; empty if nobody knows.
        action: What was done, such as ``queue.pause``.
        resource: With what: a queue, a job's id, a filter.
        facts: More of it.
    """

    id: str
    at: float
    by: str
    action: str
    resource: str
    facts: Mapping[str, object]


class Audit:
    """The log: the newest ten thousand entries, kept for half a year after the last."""

    def __init__(self, store: Store) -> None:
        """Look at the log of *store*; nothing is asked yet."""
        self._store = store

    def record(self, by: str, action: str, resource: str, **facts: object) -> None:
        """Note that somebody did something; what is too long is cut.

        Args:
            by: Who.
            action: What, in a word or two with a dot.
            resource: With what.
            facts: More of it, as JSON can hold it; what it cannot is noted as a text.

        Raises:
            StoreError: If the store cannot be asked; then it may be noted or not.
        """
        self._store.run(audit.record(_cut(by), _cut(action), _cut(resource), packed(facts)))

    def page(self, cursor: str = "", count: int = PAGE) -> Page[AuditEntry]:
        """Return a page of entries, the newest first; *cursor* is that of the page before.

        Raises:
            InvalidOption: If *cursor* is not that of a page, or *count* not from 1 to 1,000.
        """
        if not isinstance(count, int) or not 1 <= count <= MOST:
            raise InvalidOption(f"count={count!r}: a page has 1 to {MOST:,} entries")
        if not isinstance(cursor, str) or (cursor and not _ENTRY.fullmatch(cursor)):
            raise InvalidOption(f"cursor={cursor!r:.100}: pass the cursor of the page before, or nothing")
        found = self._store.run(audit.page(cursor, count))
        return Page([_entry(each) for each in found], found[-1].entry if len(found) == count else "")

    def __iter__(self) -> Iterator[AuditEntry]:
        """Iterate over the entries, the newest first."""
        cursor = ""
        while True:
            found = self.page(cursor, MOST)
            yield from found
            cursor = found.cursor
            if not cursor:
                return

    def __len__(self) -> int:
        """Count the entries."""
        return self._store.run(audit.count())

    def __bool__(self) -> bool:
        """Be true though there may be none."""
        return True


def _cut(text: object) -> str:
    return str(text)[:NAME].encode("utf-8", "replace").decode()


def packed(facts: Mapping[str, object]) -> bytes:
    """Return *facts* as a JSON object that an entry can keep: what JSON cannot hold as a text, what is long cut."""
    kept: dict[str, object] = {}
    length = 0
    for name, value in facts.items():
        shown = _shown(value)
        length += len(name) + len(codec.encode(shown))
        if length > FACTS:
            kept["is_cut"] = True
            break
        kept[_cut(name)] = shown
    return codec.encode(kept)


def _shown(value: object) -> object:
    try:
        is_long = len(codec.encode(value)) > NAME
    except InvalidPayload:
        return _cut(value)
    return _cut(value) if is_long else value


def _entry(noted: Noted) -> AuditEntry:
    by, action, resource = (_text(noted.fields.get(name)) for name in (b"by", b"action", b"resource"))
    return AuditEntry(
        noted.entry, int(noted.entry.partition("-")[0]) / 1000, by, action, resource, _facts(noted.fields.get(b"facts"))
    )


def _text(data: bytes | None) -> str:
    return (data or b"").decode("utf-8", "replace")


def _facts(data: bytes | None) -> Mapping[str, object]:
    try:
        found = codec.decode(data or b"{}")
    except InvalidPayload:
        return {}
    return found if isinstance(found, dict) else {}
