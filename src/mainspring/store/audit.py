"""Verbs of the audit log: a stream to which entries are added, and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mainspring.store import keys
from mainspring.store.command import Command, Reply, array, blob, integer, pairs, plain


@dataclass(frozen=True, slots=True)
class Noted:
    """An entry, as it is stored.

    Attributes:
        entry: Its id: unix milliseconds by the server's clock, a dash, and a number.
        fields: ``by``, ``action``, ``resource`` and ``facts``, which is JSON.
    """

    entry: str
    fields: dict[bytes, bytes]


def record(by: str, action: str, resource: str, facts: bytes) -> Command[int]:
    """Note who did what; *facts* is a JSON object. A full server takes it."""
    return Command("audit_record", (keys.AUDIT,), (by, action, resource, facts), integer)


def page(before: str, count: int) -> Command[list[Noted]]:
    """Read *count* entries, the newest first, from before the entry *before* if it is not empty."""
    end = f"({before}" if before else "+"
    return plain("XREVRANGE", keys.AUDIT, args=(end, "-", "COUNT", count), decode=_entries)


def _entries(reply: Reply) -> list[Noted]:
    return [_entry(array(each)) for each in array(reply)]


def _entry(parts: Sequence[Reply]) -> Noted:
    entry, fields = parts
    return Noted(blob(entry).decode(), pairs(fields))


def count() -> Command[int]:
    """Count the entries."""
    return plain("XLEN", keys.AUDIT, decode=integer)
