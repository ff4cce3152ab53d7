"""A batch while its block is open: it takes jobs in place of the store, and then goes there as one unit.

Batches whose blocks stand one in the other go together. What must be said to the store is a
generator of calls, which the blocking and the awaiting caller drive alike.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, TypeAlias, cast

from mainspring.base.errors import BatchClosed, InvalidOption
from mainspring.base.flow import read
from mainspring.features.batches.callbacks import bound, ready
from mainspring.features.batches.desk import Desk
from mainspring.push import Push, new_jid
from mainspring.shipment import Shipment
from mainspring.store import batches
from mainspring.store.batches import After, Job, Jobs, Open, Seal, Sentence, Step
from mainspring.store.command import Argument
from mainspring.store.flows import Row
from mainspring.store.ties import Ties

#: Calls to be made, each answered before the next is asked for.
Calls: TypeAlias = Generator[Shipment, object, None]

#: The most bytes of jobs that one call carries.
_MOST_BYTES: Final = 4_000_000
#: How many plain jobs stand in one sentence, so that sentences can be dealt out to calls.
_SENTENCE: Final = 250


@dataclass(frozen=True, slots=True, eq=False)
class Linked:
    """One step of a workflow: a job, and how it hangs together with others of its batch.

    Attributes:
        push: The job.
        waits: For how many others it waits.
        followers: The numbers of those that wait for it.
    """

    push: Push
    waits: int
    followers: Sequence[int]


@dataclass(slots=True, eq=False)
class Filling:
    """A batch, as far as it has been filled and not yet been sent.

    Attributes:
        desk: What takes it to the store.
        bid: Its id.
        above: The batch in whose open block its own was opened; None if in none.
        parent: The id of the batch in which it is; empty if in none.
        flush_every: After how many jobs they are sent, while the block is open; None for not before its end.
        life: Seconds for which it is remembered while it is not over.
        linger: Seconds for which it is remembered afterwards.
        fields: What the store keeps of it besides.
        is_stored: True if it is in the store already.
        must_seal: True if it is sealed when its block is left.
        is_closed: True once its block was left.
        number: Its number in its parent.
        fresh: What was put into it and not yet sent.
        children: The batches in it whose blocks were opened in its own, and that are not sealed yet.
        is_sending: True while something of it is under way.
    """

    desk: Desk
    bid: str
    above: Filling | None = None
    parent: str = ""
    flush_every: int | None = None
    life: float = 0.0
    linger: float = 0.0
    fields: Mapping[str, Argument] = field(default_factory=dict)
    is_stored: bool = False
    must_seal: bool = True
    is_closed: bool = False
    number: int = 0
    fresh: list[Push | Linked | Filling] = field(default_factory=list)
    children: list[Filling] = field(default_factory=list)
    is_sending: bool = False

    def take(self, pushes: Sequence[Push]) -> None:
        """Keep *pushes*; send them if there are many by now.

        Raises:
            BatchClosed: If the block was left, which a thread or a task that was started in it may outlive.
        """
        if self._keep(pushes):
            self.send()

    async def atake(self, pushes: Sequence[Push]) -> None:
        """Keep *pushes*; send them if there are many by now. Raises as `take`."""
        if self._keep(pushes):
            await self.asend()

    def join(self) -> None:
        """Become part of the batch whose block is open here, if there is one, and it is in no other.

        Raises:
            InvalidOption: If something else takes the jobs here, such as an outbox.
            BatchClosed: If that block was left.
        """
        above = self.desk.client.collector.get()
        if above is not None and not isinstance(above, Filling):
            raise InvalidOption(
                "a batch is pushed at the end of its block, so it cannot stand in a transaction's, which may not commit"
            )
        if above is not None and not self.is_stored and not self.parent:
            above.check_open()
            self.above, self.parent = above, above.bid
            above.children.append(self)
            above.fresh.append(self)

    def check_open(self) -> None:
        """Raise BatchClosed if its block was left."""
        if self.is_closed:
            raise BatchClosed(self.bid, "its block was left")

    def close(self) -> None:
        """Take no more; the block was left."""
        self.is_closed = True

    def drop(self) -> bool:
        """Forget what was not sent of it, as its block failed; return True if something of it is in the store."""
        self.fresh = []
        if self.above is not None and self in self.above.children:
            self.above.children.remove(self)
        if self.above is not None and self in self.above.fresh:
            self.above.fresh.remove(self)
        return self.is_stored and self.must_seal

    def send(self) -> None:
        """Send what there is of it, and of all that goes with it.

        Raises:
            PushFailed: If it is certainly not stored.
            PushAmbiguous: If nobody can tell.
            BatchNotFound: If the batch that was reopened, or its parent, is not there.
            BatchClosed: If that had ended.
        """
        deliver, calls = self.desk.client.deliver, _calls(self.root)
        with suppress(StopIteration):
            shipment = next(calls)
            while True:
                shipment = calls.send(deliver(shipment))

    async def asend(self) -> None:
        """Send it from a coroutine; as `send`."""
        deliver, calls = self.desk.client.adeliver, _calls(self.root)
        with suppress(StopIteration):
            shipment = next(calls)
            while True:
                shipment = calls.send(await deliver(shipment))

    @property
    def root(self) -> Filling:
        """The batch with which it is sent: the one whose block is outermost."""
        return self if self.above is None else self.above.root

    def tree(self) -> Iterator[Filling]:
        """Yield it and all in it that is not sealed yet, parents first."""
        yield self
        for child in self.children:
            yield from child.tree()

    def _keep(self, pushes: Sequence[Push]) -> bool:
        self.check_open()
        self.fresh += pushes
        return self.flush_every is not None and len(self.fresh) >= self.flush_every and not self.root.is_sending


@dataclass(frozen=True, slots=True)
class _Part:
    """What is sent of one batch: its jobs and the batches in it, and the number of the first of them."""

    filling: Filling
    items: Sequence[Push | Linked | Filling]
    first: int


def _calls(root: Filling) -> Calls:
    """Say all that has not been said yet of *root* and of what is in it."""
    root.is_sending = True
    try:
        taken = [(each, each.fresh) for each in root.tree()]
        for each, _ in taken:
            each.fresh = []
        pushes = [push for _, items in taken for item in items if (push := _push_of(item)) is not None]
        if root.parent and not root.is_stored:
            root.number = yield from _numbered(root.parent, 1, pushes)
        parts: list[_Part] = []
        for each, items in taken:
            first = (yield from _numbered(each.bid, len(items), pushes)) if each.is_stored and items else 0
            parts.append(_Part(each, items, first))
        for unit in _units(_sentences(parts)):
            yield Shipment(batches.write(unit, token=new_jid()), pushes)
            _note(unit, parts)
    finally:
        root.is_sending = False


def _push_of(item: Push | Linked | Filling) -> Push | None:
    if isinstance(item, Linked):
        return item.push
    return item if isinstance(item, Push) else None


def _numbered(bid: str, count: int, pushes: Sequence[Push]) -> Generator[Shipment, object, int]:
    return cast("int", (yield Shipment(batches.number(bid, count), pushes)))


def _sentences(parts: Sequence[_Part]) -> list[Sentence]:
    """Return what is to be said: batches first, then their jobs, then that they are whole."""
    for part in parts:
        for number, item in enumerate(part.items, part.first):
            if isinstance(item, Filling):
                item.number = number
    opened = [_opening(part) for part in parts if not part.filling.is_stored]
    sealed = [Seal(part.filling.bid) for part in parts if part.filling.is_closed and part.filling.must_seal]
    return [*opened, *(sentence for part in parts for sentence in _jobs(part)), *sealed]


def _opening(part: _Part) -> Open:
    each = part.filling
    return Open(each.bid, len(part.items), each.life, each.linger, each.parent, each.number, each.fields)


def _jobs(part: _Part) -> Iterator[Sentence]:
    """Yield what is to be said of the jobs of one batch: those that wait first, lest they are waited for in vain."""
    yield from _links(part)
    bid, desk = part.filling.bid, part.filling.desk
    now, limit = desk.time.now(), desk.client.limit
    plain: dict[str, list[bytes]] = {}
    for number, item in enumerate(part.items, part.first):
        push = _push_of(item)
        if push is None or (isinstance(item, Linked) and item.waits):
            continue
        flow = push.fields.get("flow")
        if flow is None and push.at is None:
            push.fields["flow"] = {"bid": bid, "n": number}
            plain.setdefault(push.queue, []).append(push.encoded(now, limit))
        else:
            push.fields["flow"] = {**(flow or {}), "bid": bid, "n": number}
            yield _job(bid, push, now, limit)
    for queue, payloads in plain.items():
        for start in range(0, len(payloads), _SENTENCE):
            yield Jobs(bid, queue, payloads[start : start + _SENTENCE])


def _links(part: _Part) -> Iterator[Sentence]:
    bid, limit = part.filling.bid, part.filling.desk.client.limit
    for number, item in enumerate(part.items, part.first):
        if not isinstance(item, Linked):
            continue
        if item.waits:
            bound(item.push, bid, number)
            payload = ready(item.push, limit)
            yield Step(bid, item.push.queue, number, item.waits, payload)
        if item.followers:
            yield After(bid, number, item.followers)


def _job(bid: str, push: Push, now: float, limit: int) -> Job:
    payload = push.encoded(now, limit)
    flow = read(push.fields["flow"])
    ties = None if flow is None else Ties.of(push.jid, flow)
    assert flow is not None and ties is not None  # noqa: S101, PT018 - it has just been bound to a batch
    delay = 0.0 if push.at is None else max(0.0, push.at - now)
    return Job(bid, push.queue, Row(ties, payload, push.at, round((flow.unique_for + delay) * 1000)))


def _units(sentences: Sequence[Sentence]) -> Iterator[list[Sentence]]:
    """Deal *sentences* out to calls, none of which has too much; one call, if that is enough."""
    unit: list[Sentence] = []
    jobs = size = 0
    for sentence in sentences:
        count, weight = _weight(sentence)
        if unit and (jobs + count > batches.MOST or size + weight > _MOST_BYTES):
            yield unit
            unit, jobs, size = [], 0, 0
        unit.append(sentence)
        jobs, size = jobs + count, size + weight
    if unit:
        yield unit


def _weight(sentence: Sentence) -> tuple[int, int]:
    """Return how many jobs a sentence adds, and how many bytes they have."""
    match sentence:
        case Jobs(payloads=payloads):
            return len(payloads), sum(map(len, payloads))
        case Job(row=row):
            return 1, len(row.payload)
        case Step(payload=payload):
            return 1, len(payload)
        case _:
            return 0, 0


def _note(unit: Sequence[Sentence], parts: Sequence[_Part]) -> None:
    """Note what is in the store by now."""
    opened = {sentence.bid for sentence in unit if isinstance(sentence, Open)}
    for part in parts:
        each = part.filling
        each.is_stored = each.is_stored or each.bid in opened
        each.children = [child for child in each.children if not child.is_closed]
