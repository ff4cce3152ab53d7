"""What the scripts of periodic entries promise, said once more in Python, as `model` says it of the others.

Where the server's time goes stands `NOW`, until a step has looked which time it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mainspring.store.entries import ANY, CODE, Definition, Outcome, Pause
from mainspring.store.periodic import Attempt, Claim, Entered, Standing

#: The namespace of all.
NS = "office"
NOW, JUST_BEFORE = "now", "just before"


@dataclass
class Timetable:
    """All that the store knows of periodic entries.

    Attributes:
        entries: The fields of each entry.
        versions: The version of each entry's last change.
        version: How many changes there were.
        given: The version that the server gave each change.
        histories: The records of each entry, newest first.
        codes: The number of each code that was seen.
        current: The code that counts.
        number: Its number.
        alive: Codes of which a clock has lately shown itself.
    """

    entries: dict[str, dict[str, str]] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    version: int = 0
    given: dict[int, int] = field(default_factory=lambda: {0: 0})
    histories: dict[str, list[bytes]] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    current: str = ""
    number: int = 0
    alive: set[str] = field(default_factory=set)

    def latest(self, name: str) -> float:
        """Return the instant after which ticks of an entry may be claimed; 0 if there is no such entry."""
        fields = self.entries.get(name, {})
        return max(float(fields.get("last", 0)), float(fields.get("since", 0)))

    # --- clocks --------------------------------------------------------------------

    def enter(self, digest: str, seen: str) -> Entered:
        returns = digest in self.codes and digest != self.current
        if returns and seen != self.current:
            return Entered(Standing.AGAIN, self.number, self.current)
        self.alive.add(digest)
        if returns and self.current in self.alive:
            return Entered(Standing.FOLLOWS, self.number, self.current)
        if digest != self.current:
            self.number += 1
            self.current, self.codes[digest] = digest, self.number
        return Entered(Standing.COUNTS, self.number, digest)

    def poll(self, digest: str) -> tuple[int, bool, str]:
        self.alive.add(digest)
        return self.given[self.version], digest == self.current, self.current

    def claim(self, attempt: Attempt, *, early: bool) -> Claim:
        fields = self.entries.get(attempt.name, {})
        if fields.get("stamp") != attempt.stamp:
            return Claim.CHANGED
        if float(attempt.tick) <= self.latest(attempt.name):
            return Claim.TAKEN
        if "paused" in fields:
            return Claim.PAUSED
        if early:
            return Claim.EARLY
        if fields.get("runs", "").split() != list(attempt.expected):
            return Claim.CHANGED
        fields["last"] = attempt.tick
        fields.pop("runs", None)
        fields |= {"runs": " ".join(attempt.runs)} if attempt.runs else {}
        self.note(attempt.name, attempt.record)
        return Claim.WON

    def run(self, name: str, record: bytes, run: str) -> bool:
        if name not in self.entries:
            return False
        self.entries[name]["runs"] = f"{self.entries[name].get('runs', '')} {run}".strip()
        self.note(name, record)
        return True

    def note(self, name: str, record: bytes) -> None:
        self.histories.setdefault(name, []).insert(0, record)

    # --- entries -------------------------------------------------------------------

    def define(
        self, definitions: Sequence[Definition], origin: str, digest: str = "", limit: int = 0
    ) -> tuple[Outcome, ...]:
        results = tuple(self._define(each, origin, digest, limit) for each in definitions)
        names = [each.name for each, result in zip(definitions, results, strict=True) if result > 0]
        self._changed(names)
        return results

    def _define(self, new: Definition, origin: str, digest: str, limit: int) -> Outcome:
        old = self.entries.get(new.name, {})
        if origin == CODE and digest != self.current:
            return Outcome.STALE
        if old.get("origin") == CODE != origin:
            return Outcome.OF_CODE
        gen = {"gen": str(self.number)} if origin == CODE else {}
        if (old.get("stamp"), old.get("origin")) == (new.stamp, origin):
            old.update(gen)
            return Outcome.SAME
        if not old and limit and len(self.entries) >= limit:
            return Outcome.TOO_MANY
        fields = {"def": new.record.decode(), "stamp": new.stamp, "when": new.when, "origin": origin} | gen
        self.entries[new.name] = old | fields | _times(old, new)
        return Outcome.CHANGED if old else Outcome.NEW

    def remove(self, names: Sequence[str], origin: str, digest: str, number: int) -> tuple[bool, ...]:
        removed = [name for name in names if self._may(self.entries.get(name, {}), origin, digest, number)]
        for name in removed:
            del self.entries[name], self.versions[name]
            self.histories.pop(name, None)
        self.version += bool(removed)
        return tuple(name in removed for name in names)

    def _may(self, fields: Mapping[str, str], origin: str, digest: str, number: int) -> bool:
        owner = fields.get("origin")
        if origin == CODE:
            return owner == CODE and digest == self.current and int(fields["gen"]) < number
        return owner is not None and owner != CODE and origin in {owner, ANY}

    def pause(self, name: str, *, on: bool) -> Pause:
        fields = self.entries.get(name)
        if fields is None:
            return Pause.UNKNOWN
        if ("paused" in fields) == on:
            return Pause.SAME
        fields.pop("paused", None)
        fields["paused" if on else "since"] = NOW
        self._changed([name])
        return Pause.CHANGED

    def _changed(self, names: Sequence[str]) -> None:
        self.version += bool(names)
        self.versions.update(dict.fromkeys(names, self.version))


def _times(old: Mapping[str, str], new: Definition) -> dict[str, str]:
    if old:
        return {"since": NOW} if old["when"] != new.when else {}
    return {"anchor": NOW, "since": JUST_BEFORE} | ({"paused": NOW} if new.paused else {})
