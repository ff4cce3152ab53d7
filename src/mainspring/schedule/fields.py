"""The fields of a cron expression, read strictly: each becomes a row of items.

What cron daemons take without a word though it cannot be meant, such as a step of
90 minutes in a field of 60, is refused here, with what would be right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from mainspring.base.errors import InvalidSchedule

_WEEKDAYS = "sunday monday tuesday wednesday thursday friday saturday"
_MONTHS = "january february march april may june july august september october november december"

Kind: TypeAlias = Literal["all", "one", "span", "from", "hash", "last", "last weekday", "nearest", "nth"]


@dataclass(frozen=True, slots=True)
class Field:
    """One place of a cron expression.

    Attributes:
        name: What people call it.
        low: The least value.
        high: The greatest.
        accepts: Values and special words, for errors.
        names: Names of the values, from *low* on.
    """

    name: str
    low: int
    high: int
    accepts: str
    names: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many values there are."""
        return self.high - self.low + 1


SECOND = Field("second", 0, 59, "0-59")
MINUTE = Field("minute", 0, 59, "0-59")
HOUR = Field("hour", 0, 23, "0-23")
DAY = Field("day of month", 1, 31, "1-31, L (the last), LW (the last weekday), 15W (the weekday nearest to the 15th)")
MONTH = Field("month", 1, 12, "1-12, jan-dec", tuple(_MONTHS.split()))
WEEKDAY = Field("day of week", 0, 6, "0-7, sun-sat, mon#1 (the first), mon#-1 (the last)", tuple(_WEEKDAYS.split()))

#: In the order in which they are written; the first may be missing.
FIELDS = (SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY)


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a field's list.

    Attributes:
        kind: ``"all"`` is a star, ``"from"`` is ``5/15``, ``"nearest"`` is ``15W``, ``"nth"`` is ``mon#1``; a weekday
            with an L is an ``"nth"``.
        values: What it stands for, in the order in which it comes round: ``22-2`` begins with 22. Without
            values are the kinds whose days depend on the month: ``"last"`` and ``"last weekday"``.
        step: How far apart the values are.
        nth: Which of the month's days; -1 for the last.
    """

    kind: Kind
    values: tuple[int, ...] = ()
    step: int = 1
    nth: int = 0

    @property
    def is_wild(self) -> bool:
        """Whether it says how often, and not when: ``*``, ``*/5``, ``H/5``."""
        return self.kind == "all" or (self.kind == "hash" and (self.step > 1 or len(self.values) > 1))


@dataclass(frozen=True, slots=True)
class Fields:
    """A cron expression, read.

    Attributes:
        second: The items of each field; a zero, where it was not written.
        both: Whether a day must fit the day of month *and* the weekday; else one of them will do.
    """

    second: tuple[Item, ...]
    minute: tuple[Item, ...]
    hour: tuple[Item, ...]
    day: tuple[Item, ...]
    month: tuple[Item, ...]
    weekday: tuple[Item, ...]
    both: bool

    @property
    def row(self) -> tuple[tuple[Item, ...], ...]:
        """The items in the order of `FIELDS`."""
        return self.second, self.minute, self.hour, self.day, self.month, self.weekday

    @property
    def is_fixed(self) -> bool:
        """Whether it names times of day, and does not go by elapsed time; the first items decide, as in cron."""
        return not any(items[0].is_wild for items in (self.second, self.minute, self.hour))


def read(expression: str, name: str) -> Fields:
    """Read a cron *expression* of five or six fields.

    Args:
        expression: The fields, without a zone.
        name: What ``H`` is a hash of; without a name it is refused.

    Raises:
        InvalidSchedule: What is wrong, in which field, and what would be right.
    """
    words = _words(expression)
    joined = any(word.endswith("&") for word in (words[3], words[5]))
    words[3], words[5] = words[3].removesuffix("&"), words[5].removesuffix("&")
    if words[3] == words[5] == "?":
        raise InvalidSchedule(expression, 'day of month and day of week cannot both be "?"; write "*" for one of them')
    second, minute, hour, day, month, weekday = (
        _Reader(field, word, name).items() for field, word in zip(FIELDS, words, strict=True)
    )
    # Debian's rule: a field that begins with a star restricts nothing by itself, so the other one must fit too.
    both = joined or day[0].kind == "all" or weekday[0].kind == "all"
    return Fields(second, minute, hour, day, month, weekday, both)


def _words(expression: str) -> list[str]:
    words = expression.split()
    if len(words) == 5:
        return ["0", *words]
    if len(words) != 6:
        names = ", ".join(field.name for field in FIELDS[1:])
        raise InvalidSchedule(
            expression, f"a cron expression has five fields ({names}), or six with seconds first; this has {len(words)}"
        )
    return words


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one field.

    Attributes:
        field: Which one.
        part: What is written there.
        name: What ``H`` is a hash of.
    """

    field: Field
    part: str
    name: str

    def items(self) -> tuple[Item, ...]:
        part = "*" if self.part == "?" and self.field in (DAY, WEEKDAY) else self.part
        return tuple(self.item(word.lower()) for word in part.split(","))

    def item(self, word: str) -> Item:
        span, slash, step = word.partition("/")
        item = self.special(span) or self.plain(span)
        if slash:
            item = self.stepped(item, step)
        return self.chosen(item, repeated=bool(slash)) if item.kind == "hash" else item

    # --- numbers, names, ranges and steps ----------------------------------------

    def plain(self, span: str) -> Item:
        if span == "*":
            return Item("all", tuple(range(self.field.low, self.field.high + 1)))
        if "-" not in span:
            return Item("one", (self.folded(self.value(span)),))
        return Item("span", self.between(span))

    def between(self, span: str) -> tuple[int, ...]:
        """Return the values of a range, round the end of the field if it ends before it begins."""
        first, _, last = (self.value(word) if word != "-" else 0 for word in span.partition("-"))
        if first > last:
            first = self.folded(first)
        if first > last:
            values = [*range(first, self.field.high + 1), *range(self.field.low, last + 1)]
        else:
            values = [*range(first, last + 1)]
        return tuple(dict.fromkeys(map(self.folded, values)))

    def folded(self, value: int) -> int:
        """Return *value*; for cron's second Sunday, 7, the first one."""
        return 0 if self.field is WEEKDAY and value == 7 else value

    def stepped(self, item: Item, text: str) -> Item:
        if not item.values or item.kind in ("nearest", "nth"):
            raise self.wrong("a step cannot follow a day that depends on the month")
        counted = self.field.size if item.kind == "one" else len(item.values)
        step = self.number(text)
        if not step:
            raise self.wrong(f'"/{text}" is no step; write a number from 1 to {counted}')
        # cron takes "*/90" for "0"; whoever wrote it meant 90 minutes.
        if step > counted:
            raise self.wrong(f"a step of {step} is beyond the {counted} values that it counts over{self.hint(step)}")
        if item.kind == "one":
            values = range(item.values[0], self.greatest + 1)[::step]
            return Item("from", tuple(dict.fromkeys(map(self.folded, values))), step)
        # Which of them, for a hash, its name decides.
        return replace(item, values=item.values if item.kind == "hash" else item.values[::step], step=step)

    def value(self, word: str) -> int:
        for index, full in enumerate(self.field.names):
            if word in (full, full[:3]):
                return self.field.low + index
        number = self.number(word)
        if number is None:
            raise self.wrong(self.unread(word))
        if not self.field.low <= number <= self.greatest:
            raise self.wrong(f"{number} is out of range: {self.accepted}")
        return number

    @property
    def greatest(self) -> int:
        return 7 if self.field is WEEKDAY else self.field.high

    def number(self, word: str) -> int | None:
        return int(word) if word.isascii() and word.isdigit() and len(word) < 4 else None

    # --- days that depend on the month, and values that depend on the name -------

    def special(self, span: str) -> Item | None:
        if span.startswith("h"):
            return Item("hash", self.spread(span))
        if self.field is DAY:
            return self.day(span)
        return self.weekday(span) if self.field is WEEKDAY else None

    def day(self, word: str) -> Item | None:
        if word == "l":
            return Item("last")
        if word == "lw":
            return Item("last weekday")
        return Item("nearest", (self.value(word[:-1]),)) if word.endswith("w") else None

    def weekday(self, word: str) -> Item | None:
        day, sharp, nth = word.partition("#")
        if sharp:
            if nth not in ("1", "2", "3", "4", "5", "-1"):
                raise self.wrong(f'"#{nth}": a month has a first to a fifth, #1 to #5, and a last, #-1')
            return Item("nth", (self.folded(self.value(day)),), nth=int(nth))
        if word == "l":
            raise self.wrong('"L" needs a weekday: write "5L" for the last friday of the month')
        if word.endswith("l"):
            return Item("nth", (self.folded(self.value(word[:-1])),), nth=-1)
        return None

    def spread(self, span: str) -> tuple[int, ...]:
        """Return the values among which ``H`` or ``H(a-b)`` chooses."""
        if not self.name:
            raise self.wrong("H is a hash of the entry's name, and there is no name here")
        if span == "h":
            # Each month has 28 days.
            return tuple(range(self.field.low, (28 if self.field is DAY else self.field.high) + 1))
        if not (span.startswith("h(") and span.endswith(")") and "-" in span):
            raise self.wrong(self.unread(span))
        return self.between(span[2:-1])

    def chosen(self, item: Item, *, repeated: bool) -> Item:
        """Return the item with the value that the name's hash chooses; with a step, all that follow by steps."""
        if repeated:
            return replace(item, values=item.values[self.hash() % item.step :: item.step])
        return replace(item, values=(item.values[self.hash() % len(item.values)],))

    def hash(self) -> int:
        """Return a number made of the entry's name, another one for each field, the same in every process."""
        import hashlib

        digest = hashlib.blake2b(f"{self.name}\0{self.field.name}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big")

    # --- errors ------------------------------------------------------------------

    @property
    def accepted(self) -> str:
        forms = 'ranges ("1-5"), lists ("1,3") and steps ("*/2")'
        return f"the {self.field.name} field accepts {self.field.accepts}, {forms}"

    def unread(self, word: str) -> str:
        if not word:
            return f"a value is missing: {self.accepted}"
        from difflib import get_close_matches

        close = get_close_matches(word, self.field.names, n=1)
        near = f', did you mean "{close[0]}"?' if close else ":"
        return f'"{word}" is no value{near} {self.accepted}'

    def hint(self, step: int) -> str:
        unit = {SECOND: "s", MINUTE: "m", HOUR: "h", DAY: "d"}.get(self.field)
        return f'; for a distance write app.every("{step}{unit}", ...)' if unit else ""

    def wrong(self, reason: str) -> InvalidSchedule:
        return InvalidSchedule(self.part, f"in the {self.field.name} field, {reason}")
