"""What a worker is asked to do: capsules, their queues, and how long to wait for jobs at the end."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mainspring.base.errors import InvalidOption
from mainspring.base.payload import check_queue

#: The greatest weight of a queue: each time, as many lots are drawn from.
HEAVIEST: Final = 1_000
#: How many jobs a capsule runs at once that does not say.
CONCURRENCY: Final = 10


@dataclass(frozen=True, slots=True)
class CapsuleSettings:
    """One capsule: slots of their own for queues of their own.

    Attributes:
        name: The capsule's name.
        concurrency: How many jobs it runs at once.
        queues: Names of queues and their weights. If all weights are 0, the order is strict: a queue is
            looked at only when those before it are empty. Otherwise a queue's weight is its chance of being
            looked at first, so none starves.
    """

    name: str = "default"
    concurrency: int = CONCURRENCY
    queues: tuple[tuple[str, int], ...] = (("default", 0),)

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        check_queue(self.name)
        if not _is_whole(self.concurrency) or not 1 <= self.concurrency <= 1000:
            raise InvalidOption(
                f"concurrency {self.concurrency!r} of capsule {self.name!r}: must be a whole number from 1 to 1,000"
            )
        if not self.queues:
            raise InvalidOption(f"capsule {self.name!r} has no queues")
        for queue, weight in self.queues:
            check_queue(queue)
            if not _is_whole(weight) or not 0 <= weight <= HEAVIEST:
                raise InvalidOption(f"queue {queue!r}: the weight must be a whole number from 0 to {HEAVIEST:,}")

    @classmethod
    def of(cls, queues: Sequence[str], *, name: str = "default", concurrency: int = CONCURRENCY) -> CapsuleSettings:
        """Read queues written as ``"name"`` or ``"name,weight"``.

        Raises:
            InvalidOption: If *queues* is no list of texts, a weight is no number, or a queue stands twice.
            InvalidName: If a queue cannot have its name.
        """
        found: dict[str, int] = {}
        for text in _listed(queues):
            queue, _, weight = text.partition(",")
            if queue in found:
                raise InvalidOption(f"queue {queue!r} stands twice; give it a weight: {queue},2")
            found[queue] = _weight(text, weight)
        return cls(name, concurrency, tuple(found.items()))

    @classmethod
    def parse(cls, text: str) -> CapsuleSettings:
        """Read a capsule written as ``"NAME=CONCURRENCY:QUEUE,QUEUE..."``, such as ``"reports=2:reports,default"``.

        A queue may have a weight: ``"mails=4:urgent=6,bulk=1"``.

        Raises:
            InvalidOption: If the text has another form.
        """
        if not isinstance(text, str):
            raise InvalidOption(f"{text!r} is no capsule: write a text such as reports=2:reports,low")
        name, equals, rest = text.partition("=")
        concurrency, colon, queues = rest.partition(":")
        if not (name and equals and colon and concurrency.isdecimal() and queues):
            raise InvalidOption(
                f"{text!r} is no capsule: write NAME=CONCURRENCY:QUEUE,QUEUE as in reports=2:reports,low"
            )
        names = [queue.strip().replace("=", ",", 1) for queue in queues.split(",")]
        return cls.of(names, name=check_queue(name), concurrency=int(concurrency))

    @classmethod
    def of_table(cls, name: str, table: object) -> CapsuleSettings:
        """Read a capsule as a table of TOML has it: ``{concurrency = 2, queues = ["reports", "default"]}``.

        The queues may be a table of weights instead, ``{urgent = 6, bulk = 1}``; and the whole may be a text, as
        `parse` reads it after the name: ``"2:reports,default"``.

        Raises:
            InvalidOption: If it is something else, or a part of it cannot mean anything.
            InvalidName: If the capsule or a queue cannot have its name.
        """
        if isinstance(table, str):
            return cls.parse(f"{check_queue(name)}={table}")
        if not isinstance(table, dict):
            raise InvalidOption(f"capsule {name!r}: {table!r} must be a table with concurrency and queues")
        strange = sorted(set(table) - {"concurrency", "queues"})
        if strange:
            raise InvalidOption(f"capsule {name!r} has no {strange[0]!r}: it has concurrency and queues")
        concurrency, queues = table.get("concurrency", CONCURRENCY), table.get("queues", [name])
        if isinstance(queues, dict):
            return cls(name, concurrency, tuple(queues.items()))
        return cls.of(queues, name=name, concurrency=concurrency)

    @property
    def mode(self) -> str:
        """How queues are chosen, in Sidekiq's words: ``strict``, ``weighted`` or ``random``."""
        weights = {weight for _, weight in self.queues}
        if weights == {0}:
            return "strict"
        return "random" if weights == {1} else "weighted"

    @property
    def names(self) -> tuple[str, ...]:
        """The queues' names, in order."""
        return tuple(queue for queue, _ in self.queues)

    @property
    def written(self) -> tuple[str, ...]:
        """The queues as `of` reads them."""
        return tuple(f"{queue},{weight}" if weight else queue for queue, weight in self.queues)

    def order(self, rng: random.Random) -> tuple[str, ...]:
        """Return the order in which to look at the queues this time."""
        if self.mode == "strict":
            return self.names
        expanded = [queue for queue, weight in self.queues for _ in range(max(weight, 1))]
        rng.shuffle(expanded)
        return tuple(dict.fromkeys(expanded))


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _listed(queues: object) -> Sequence[str]:
    if not isinstance(queues, list | tuple) or not all(isinstance(text, str) for text in queues):
        raise InvalidOption(f'queues={queues!r}: must be a list of texts, such as ["default"]')
    return queues


def _weight(text: str, weight: str) -> int:
    if not weight:
        return 0
    if not weight.isdecimal():
        raise InvalidOption(f"{text!r}: write NAME or NAME,WEIGHT with a whole number, as in critical,6")
    return int(weight)
