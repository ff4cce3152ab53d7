"""Keys and values in memory, of the types that periodic entries are made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from mainspring.base.timesource import TimeSource


@dataclass(slots=True)
class Keyspace:
    """What a server holds; a key that is not there is empty, as everywhere.

    Attributes:
        time: The server's clock.
        hashes: Fields and values by key.
        lists: The newest element first.
        sets: Members by key.
        zsets: Members and scores by key.
        strings: Values by key.
        expires: When those keys end that do, in microseconds.
    """

    time: TimeSource
    hashes: dict[str, dict[str, bytes]] = field(default_factory=dict)
    lists: dict[str, list[bytes]] = field(default_factory=dict)
    sets: dict[str, set[bytes]] = field(default_factory=dict)
    zsets: dict[str, dict[bytes, float]] = field(default_factory=dict)
    strings: dict[str, bytes] = field(default_factory=dict)
    expires: dict[str, int] = field(default_factory=dict)

    def microseconds(self) -> int:
        """Return the server's time, in unix microseconds."""
        return round(self.time.now() * 1_000_000)

    def hash(self, key: str) -> dict[str, bytes]:
        """Return the hash at *key*, to be read."""
        return self.hashes.get(key, {})

    def zset(self, key: str) -> dict[bytes, float]:
        """Return the sorted set at *key*, to be read."""
        return self.zsets.get(key, {})

    def string(self, key: str) -> bytes | None:
        """Return the string at *key*; None if there is none, or if its time is over."""
        end = self.expires.get(key)
        if end is not None and end <= self.microseconds():
            self.delete(key)
        return self.strings.get(key)

    def ordered(self, key: str) -> list[tuple[bytes, float]]:
        """Return members and scores of the sorted set at *key*, in a server's order."""
        return sorted(self.zset(key).items(), key=lambda pair: (pair[1], pair[0]))

    def put(self, key: str, fields: dict[str, bytes]) -> None:
        """Write fields of the hash at *key*."""
        self.hashes.setdefault(key, {}).update(fields)

    def drop(self, key: str, field: str) -> None:
        """Remove a field of the hash at *key*; an empty hash is none."""
        fields = self.hashes.get(key, {})
        fields.pop(field, None)
        if not fields:
            self.hashes.pop(key, None)

    def push(self, key: str, element: bytes, most: int = 0) -> None:
        """Put an element at the head of the list at *key*, and keep the *most* first ones."""
        elements = self.lists.setdefault(key, [])
        elements.insert(0, element)
        if most:
            del elements[most:]

    def remove(self, key: str, member: bytes) -> None:
        """Remove a member of the sorted set at *key*; an empty set is none."""
        members = self.zsets.get(key, {})
        members.pop(member, None)
        if not members:
            self.zsets.pop(key, None)

    def mark(self, key: str, ttl_ms: int) -> None:
        """Let *key* stand for so long."""
        self.strings[key] = b"1"
        self.expires[key] = self.microseconds() + ttl_ms * 1000

    def delete(self, *names: str) -> None:
        """Remove keys of any type."""
        for name in names:
            for kind in (self.hashes, self.lists, self.sets, self.zsets, self.strings, self.expires):
                kind.pop(name, None)
