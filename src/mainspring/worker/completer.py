"""Acknowledges what has finished, many in a call, until the store has confirmed each.

Everything that finished while the last acknowledgement was under way goes with the
next, so batches form by themselves, and at most one round trip of finished work is
unacknowledged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from mainspring.base.errors import StoreError
from mainspring.base.timesource import TimeSource
from mainspring.store import flows, queues, stats
from mainspring.store.command import Command
from mainspring.store.connection import Asked
from mainspring.store.ties import NONE, Ties
from mainspring.worker.delivery import Delivery

#: How many acknowledged deliveries are remembered, to acknowledge them again should the store lose its last second.
REMEMBERED: Final = 10_000

#: Deliveries that are acknowledged together, by queue and holder.
Groups: TypeAlias = dict[tuple[str, str], list[Delivery]]


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """One call, and the deliveries that it acknowledges, in the order of its answer.

    Attributes:
        command: The call.
        deliveries: What it acknowledges.
        seqs: Their numbers, if all of them are plain successes of one queue; else nothing.
        are_alike: True if they are plain successes of one job of one queue.
    """

    command: Command[Any]
    deliveries: Sequence[Delivery]
    seqs: Sequence[int] = ()
    are_alike: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """Deliveries that are settled for good.

    Attributes:
        deliveries: Which.
        are_alike: True if they are known to be plain successes of one job of one queue, as in a crowd nearly all are.
    """

    deliveries: Sequence[Delivery] = ()
    are_alike: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One round trip under way.

    Attributes:
        calls: What it acknowledges.
        asked: The queues that it fetches from.
        room: How many jobs it fetches at most.
        holder: The identity under which.
        pending: What reads the answers.
        is_fetch_first: True if the queues are asked before the calls are made, rather than after them.
    """

    calls: Sequence[Acknowledgement]
    asked: Sequence[str]
    room: int
    holder: str
    pending: Asked
    is_fetch_first: bool = False

    def parted(self, answers: Sequence[Any]) -> tuple[Sequence[Any], Sequence[Any]]:
        """Return those of all answers that its calls got, and those that its queues gave."""
        if self.is_fetch_first:
            return answers[len(self.asked) :], answers[: len(self.asked)]
        return answers[: len(self.calls)], answers[len(self.calls) :]


class Completer:
    """Collects what has finished, and turns it into calls; used by one capsule's thread."""

    def __init__(self, *, time: TimeSource, fenced: Callable[[Delivery], None]) -> None:
        """Begin with nothing finished.

        Args:
            time: The clocks.
            fenced: Called with each delivery whose outcome the store refused.
        """
        self._time = time
        self._fenced = fenced
        self._finished: deque[Delivery] = deque()  # slots append, the capsule's thread takes
        self._unconfirmed: list[Delivery] = []
        self._recent: deque[tuple[str, Sequence[int]]] = deque()  # queue and numbers of each call
        self._remembered = 0

    def add(self, delivery: Delivery) -> None:
        """Note that *delivery* has run; called by slots."""
        self._finished.append(delivery)

    @property
    def has_work(self) -> bool:
        """True if something is not acknowledged."""
        return bool(self._finished or self._unconfirmed)

    def __len__(self) -> int:
        """Count what is not acknowledged."""
        return len(self._finished) + len(self._unconfirmed)

    def take(self) -> tuple[list[Acknowledgement], list[Delivery]]:
        """Return the calls to make now, and the deliveries that need none: they were given up, or are gone."""
        finished = self._finished
        if not self.has_work:
            return [], []
        many = min(len(finished), queues.MOST - len(self._unconfirmed))
        batch = self._unconfirmed + [finished.popleft() for _ in range(many)]
        dropped = [delivery for delivery in batch if delivery.is_given_up or delivery.is_gone]
        if dropped:
            batch = [delivery for delivery in batch if not delivery.is_given_up and not delivery.is_gone]
        self._unconfirmed = batch
        return list(self._calls(self._unconfirmed)), dropped

    def _calls(self, batch: Sequence[Delivery]) -> Iterator[Acknowledgement]:
        now = self._time.now()
        day = stats.day(now)
        plain: Groups = {}
        locked: Groups = {}
        tied: Groups = {}
        last: Groups = {}
        mixed: set[tuple[str, str]] = set()  # where there is more than plain successes of one job
        queue = holder = ""
        job: object = None
        group: list[Delivery] = []
        for delivery in batch:
            what, flow = delivery.settlement, delivery.flow
            if what is not None:
                # One that was recovered from a crash has a mark in the store, which goes with it.
                if what.ties is None or what.what != "ok" or delivery.is_suspect:
                    call = queues.settle(delivery.queue, delivery.holder, delivery.seq, what, now=now, day=day)
                    yield Acknowledgement(call, (delivery,))
                    continue
                kind = tied
            elif flow is None:
                kind = plain
            elif flow.lock and not (flow.batch or flow.gates):
                kind = locked
            else:
                kind = tied if flow.is_tied else plain
            # Nearly all have the queue, the holder and the kind of the one before, and are of its job.
            if delivery.queue is not queue or delivery.holder is not holder or kind is not last:
                queue, holder, last, job = delivery.queue, delivery.holder, kind, None
                group = kind.setdefault((queue, holder), [])
            if job is None or delivery.kind is not job:
                job = _crowded(group, delivery, mixed)
            group.append(delivery)
        yield from _merged(plain, locked, tied, mixed, day)

    def sent(self) -> None:
        """Note that the calls are on their way: an answer of 0 to the next attempt will mean nothing bad."""
        for delivery in self._unconfirmed:
            delivery.was_sent = True

    def confirm(self, calls: Sequence[Acknowledgement], answers: Sequence[Any]) -> Settled:
        """Read the store's answers, and return the deliveries that are settled for good.

        Raises:
            StoreError: The first that the store answered in place of a result; those deliveries are tried again.
        """
        settled: list[Acknowledgement] = []
        again: list[Delivery] = []
        trouble: StoreError | None = None
        for call, answer in zip(calls, answers, strict=True):
            if isinstance(answer, StoreError):
                trouble = trouble or answer
                again += call.deliveries
                continue
            flags = answer if isinstance(answer, list) else [answer]
            if not all(flags):
                self._refused(call.deliveries, flags)
            self._remember(call)
            settled.append(call)
        self._unconfirmed = again
        if trouble is not None and not settled:
            raise trouble
        if len(settled) == 1:
            return Settled(settled[0].deliveries, settled[0].are_alike)
        return Settled([delivery for call in settled for delivery in call.deliveries])

    def _refused(self, deliveries: Sequence[Delivery], flags: Sequence[int]) -> None:
        for delivery, mine in zip(deliveries, flags, strict=True):
            if not mine and not delivery.was_sent:
                self._fenced(delivery)

    def _remember(self, call: Acknowledgement) -> None:
        """Remember plain successes: the outcome of any other stands elsewhere, and may be lost with what is lost."""
        if not call.seqs:
            return
        self._recent.append((call.deliveries[0].queue, call.seqs))
        self._remembered += len(call.seqs)
        while self._remembered > REMEMBERED:
            self._remembered -= len(self._recent.popleft()[1])

    def acknowledged(self, queue: str) -> set[int]:
        """Return which deliveries of *queue* were acknowledged as plain successes lately."""
        return {seq for name, seqs in self._recent if name == queue for seq in seqs}

    def reconciled(self) -> None:
        """Forget what was acknowledged: a number that the store shows from now on may have been given anew."""
        self._recent.clear()
        self._remembered = 0

    def refused(self, delivery: Delivery) -> None:
        """Note that a running delivery is no longer ours, so that its outcome will not be recorded."""
        self._fenced(delivery)


def _crowded(group: Sequence[Delivery], delivery: Delivery, mixed: set[tuple[str, str]]) -> object:
    """Return whose success a delivery is, None if nobody's, before it joins a group; note if that is mixed then."""
    if group or delivery.kind is None:
        mixed.add((delivery.queue, delivery.holder))
    return delivery.kind


def _merged(
    plain: Groups, locked: Groups, tied: Groups, mixed: set[tuple[str, str]], day: str
) -> Iterator[Acknowledgement]:
    """Return the calls that acknowledge many successes each: plain ones, those with a lock alone, and the others."""
    for where, group in plain.items():
        seqs = [delivery.seq for delivery in group]
        yield Acknowledgement(queues.done(*where, seqs, day), group, seqs, are_alike=where not in mixed)
    for (queue, holder), group in locked.items():
        for part in _parts(group):
            jids = [delivery.jid for delivery in part]
            locks = [flow.lock for delivery in part if (flow := delivery.flow) is not None]
            call = flows.unlock(queue, holder, [delivery.seq for delivery in part], jids, locks, day)
            yield Acknowledgement(call, part)
    for (queue, holder), group in tied.items():
        for part in _parts(group):
            jobs = [(delivery.seq, _ties(delivery)) for delivery in part]
            yield Acknowledgement(flows.finish(queue, holder, jobs, day), part)


def _parts(group: list[Delivery]) -> list[list[Delivery]]:
    return [group[start : start + flows.MOST] for start in range(0, len(group), flows.MOST)]


def _ties(delivery: Delivery) -> Ties:
    """Return what hangs on a job that succeeded."""
    what, flow = delivery.settlement, delivery.flow
    if what is not None and what.ties is not None:
        return what.ties
    return (None if flow is None else Ties.of(delivery.jid, flow)) or NONE
