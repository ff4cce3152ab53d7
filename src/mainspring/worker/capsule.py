"""A capsule: slots of their own, for queues of their own, and the one thread that feeds them.

That thread makes one round trip after the other, each of which acknowledges what has
finished and fetches what can start. When there is nothing to do, it sleeps until a
slot finishes a job or a looker sees one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, Final

from mainspring.base.errors import StoreError
from mainspring.base.service import Service
from mainspring.base.timesource import TimeSource
from mainspring.store import queues
from mainspring.store.command import Command
from mainspring.store.connection import Store
from mainspring.store.queues import Fetched
from mainspring.worker.completer import Acknowledgement, Completer, Request
from mainspring.worker.delivery import Delivery
from mainspring.worker.fetcher import PAUSE, Fetcher, stale
from mainspring.worker.gatekeeper import Gatekeeper
from mainspring.worker.inflight import InFlight
from mainspring.worker.lease import Lease
from mainspring.worker.looker import Looker
from mainspring.worker.meter import Meter
from mainspring.worker.quarantine import Quarantine
from mainspring.worker.reconciliation import Reconciliation
from mainspring.worker.report import Reporter
from mainspring.worker.settings import CapsuleSettings
from mainspring.worker.slots import Slots

#: Seconds between looks at what was fetched ahead and waits.
_WATCH: Final = 0.25
#: Seconds after which an idle capsule asks again, should a bell have been missed.
_IDLE: Final = 20.0
#: So many jobs at once are worth a request ahead.
_CROWD: Final = 100


class Capsule(Service):
    """Runs the jobs of some queues, a number at once.

    Attributes:
        settings: Its queues, and how many jobs it runs at once.
        slots: What runs them.
    """

    def __init__(
        self,
        settings: CapsuleSettings,
        *,
        store: Store,
        slots: Callable[[str, int, Callable[[Delivery], None]], Slots],
        reporter: Reporter,
        lease: Lease,
        gatekeeper: Gatekeeper,
        fenced: Callable[[], None],
        reconcile_every: float,
        time: TimeSource,
        rng: random.Random,
    ) -> None:
        """Make a capsule that does not run yet.

        Args:
            settings: Its queues, and how many jobs it runs at once.
            store: The store.
            slots: Makes what runs deliveries, of a name, a number, and of what to call with each that has run.
            reporter: Says what became of each.
            lease: This process's identity and proof of life.
            gatekeeper: Says which of the jobs that came may start.
            fenced: Called when the store says that this process was declared dead.
            reconcile_every: Seconds between two comparisons with what the store holds for us.
            time: The clocks.
            rng: The source of chance, for the order of weighted queues.
        """
        super().__init__(f"capsule-{settings.name}", rng=rng)
        self.settings = settings
        self._store = store
        self._lease = lease
        self._gatekeeper = gatekeeper
        self._time = time
        self._fenced = fenced
        self.slots = slots(settings.name, settings.concurrency, self._finished)
        self._fetcher = Fetcher(settings, time=time, rng=rng, elsewhere=self.slots.elsewhere)
        self._completer = Completer(time=time, fenced=reporter.fenced)
        self._quarantine = Quarantine()
        self._meter = Meter(time)
        self._lookers = {name: Looker(name, store, rung=self.turn_here, rng=rng) for name in settings.names}
        self._inflight = InFlight(settings.names)
        self._sent: Request | None = None  # the next request, under way while the last answers are read
        self._is_quiet = False
        self._is_asleep = False
        self._reconciliation = Reconciliation(
            settings.names,
            store=store,
            inflight=self._inflight,
            completer=self._completer,
            every=reconcile_every,
            time=time,
        )
        self._watched = time.monotonic()

    # --- life ----------------------------------------------------------------------

    def start(self) -> None:
        """Start the slots, the lookers, and the thread that feeds them."""
        self.slots.start()
        for looker in self._lookers.values():
            looker.start()
        super().start()

    def quiet(self) -> None:
        """Fetch nothing more, and give back what has not started; cannot be undone."""
        self._is_quiet = True
        self.wake()

    def stop(self) -> None:
        """End the slots and the thread."""
        self._is_quiet = True
        for looker in self._lookers.values():
            looker.stop()
        self.slots.stop()
        super().stop()

    def end(self) -> None:
        """Acknowledge what has finished since; what cannot be acknowledged now runs again."""
        if self._sent is not None:
            # What it fetches lies in flight, and is given back with the rest; what it acknowledges is sent again.
            self._sent.pending.give_up()
            self._sent = None
            self._was_cut_off()
        try:
            while self._completer.has_work:
                self._exchange([])
            self._meter.flush(self._store)
        except StoreError as error:
            self.troubled(error)
        self.slots.end()

    @property
    def holder(self) -> str:
        """The identity under which this capsule holds jobs."""
        return self._lease.holder(self.settings.name)

    @property
    def concurrency(self) -> int:
        """How many jobs it runs at once."""
        return self.settings.concurrency

    def busy(self) -> list[tuple[str, Delivery]]:
        """Return the slots that run something, and what."""
        return self.slots.busy()

    def unfinished(self) -> int:
        """Count what was fetched and has not finished."""
        return max(0, len(self._inflight) - len(self._completer))

    @property
    def is_idle(self) -> bool:
        """True if nothing runs and nothing waits to be acknowledged."""
        return not self._inflight and not self._completer.has_work and self._sent is None

    # --- the loop --------------------------------------------------------------------

    def turn(self) -> float:
        """Acknowledge, fetch, hand out; return how long nothing will be due."""
        if self._reconciliation.is_due and self._sent is None:
            self._reconciliation.run(self.holder)
        self._release_suspect()
        got, everywhere = self._round()
        self._deal()
        self._give_back_stale()
        if self._meter.due_in <= 0:
            self._meter.beat(self._store)
        if got or self._completer.has_work:
            return 0.0
        return min(self._fall_asleep(all_empty=everywhere), self._meter.due_in)

    def _round(self) -> tuple[int, bool]:
        """Make the round trips of one turn.

        Returns:
            How many jobs came, and whether each queue was asked and gave fewer than there was room for.
        """
        if self._sent is not None:
            request, self._sent = self._sent, None
            got = self._receive(request)
            return got, request.room > got
        room = self._room()
        order = self._fetcher.order() if room > 0 else []
        got = self._exchange(order[:1], room)
        for queue in order[1:]:
            if got >= room:
                break
            got += self._exchange([queue], room - got)
        return got, room > got

    def _room(self) -> int:
        if self._is_quiet or self.is_stopping or not self._lease.is_trusted(self._time.monotonic()):
            return 0
        return self.settings.concurrency + self._fetcher.ahead() - self.unfinished()

    def _exchange(self, asked: Sequence[str], room: int = 0) -> int:
        """Acknowledge and fetch in one round trip, and return how many jobs came."""
        request = self._send(asked, room)
        return 0 if request is None else self._receive(request)

    def _send(self, asked: Sequence[str], room: int, *, fetch_first: bool = False) -> Request | None:
        """Send what is to be acknowledged and fetched; None if that is nothing.

        Fetched first, the server does it while the acknowledgements are gathered; but what these make room for, such
        as the next jobs of a limit, comes with the next request only.
        """
        holder = self.holder
        fetches: list[Command[Any]] = [self._fetcher.ask(queue, holder, room) for queue in asked]
        try:
            if fetch_first:
                sent = self._store.ask(fetches)
                calls = self._acknowledgements()
                sent.more([call.command for call in calls])
            else:
                calls = self._acknowledgements()
                if not (calls or fetches):
                    return None
                sent = self._store.ask([*(call.command for call in calls), *fetches])
        except StoreError:
            self._was_cut_off()
            raise
        return Request(calls, asked, room, holder, sent, fetch_first)

    def _acknowledgements(self) -> Sequence[Acknowledgement]:
        """Return the calls that acknowledge what has finished."""
        calls, dropped = self._completer.take()
        self._fetcher.measure(sum(len(call.deliveries) for call in calls))
        if dropped:
            self._forget(dropped)
            # They are not acknowledged, and may be in flight for us still: the reconciliation gives them back.
            self._reconciliation.is_wanted |= any(delivery.is_given_up for delivery in dropped)
        return calls

    def _receive(self, request: Request) -> int:
        """Read the answers to a request, and return how many jobs came."""
        try:
            answers = request.pending.answers()
        except StoreError:
            self._was_cut_off()
            raise
        done, given = request.parted(answers)
        settled = self._completer.confirm(request.calls, done)
        self._forget(settled.deliveries)
        fetched: list[Sequence[tuple[int, bytes]]] = []
        try:
            fetched += [self._fetched(*answer) for answer in zip(request.asked, given, strict=True)]
            self._send_ahead(request, sum(map(len, fetched)))
        finally:
            self._meter.count(settled.deliveries, are_alike=settled.are_alike)
            for queue, jobs in zip(request.asked, fetched, strict=False):
                self._take_in(queue, jobs, request.holder)
        return sum(map(len, fetched))

    def _was_cut_off(self) -> None:
        """Note that nobody can tell what the last request did."""
        self._completer.sent()
        self._reconciliation.is_wanted = True

    def _send_ahead(self, request: Request, came: int) -> None:
        """If jobs come in crowds, ask for the next already, for the server to fetch while these are read here."""
        room = self._room() - came
        if came >= _CROWD and room >= _CROWD and len(self._lookers) == 1 and not self._reconciliation.is_due:
            self._sent = self._send(request.asked, room, fetch_first=True)

    def _fetched(self, queue: str, answer: Fetched | StoreError) -> Sequence[tuple[int, bytes]]:
        """Return the jobs that a queue gave, and note that they came."""
        if isinstance(answer, StoreError):
            raise answer
        if answer.fenced:
            self._fenced()
            return ()
        self._fetcher.answered(queue, answer)
        return answer.jobs

    def _take_in(self, queue: str, jobs: Sequence[tuple[int, bytes]], holder: str) -> None:
        fresh = self._fetcher.read(queue, jobs, holder)
        for delivery in self._inflight.add(queue, fresh):
            # Acknowledged, they would be taken for those that have their numbers now.
            if not delivery.is_given_up:
                delivery.is_given_up = True
                self._completer.refused(delivery)
        self._hand_out(self._admitted(queue, fresh, holder))

    def _admitted(self, queue: str, fresh: Sequence[Delivery], holder: str) -> Sequence[Delivery]:
        """Return those of *fresh* that may start; the others are not ours any more."""
        admission = self._gatekeeper.admit(queue, holder, fresh)
        self._forget(admission.refused)
        self._reconciliation.is_wanted |= not admission.is_certain
        return admission.granted

    def _hand_out(self, deliveries: Sequence[Delivery]) -> None:
        suspects = [delivery for delivery in deliveries if delivery.is_suspect]
        if suspects:
            self._quarantine.add(suspects)
            deliveries = [delivery for delivery in deliveries if not delivery.is_suspect]
        self.slots.put(deliveries)
        self._deal()

    def _deal(self) -> None:
        self.slots.deal(self.unfinished() - len(self._quarantine))

    def _release_suspect(self) -> None:
        now = self._time.monotonic()
        suspect = self._quarantine.next(now)
        if suspect is None:
            return
        if self._store.run(self._quarantine.mark(suspect)):
            self.slots.put_first(self._quarantine.started(now))
            self._deal()
        else:
            self._forget([self._quarantine.started(now)])

    def _forget(self, deliveries: Sequence[Delivery]) -> None:
        self._inflight.forget(deliveries)
        self._quarantine.ended(deliveries)

    def _finished(self, delivery: Delivery) -> None:
        """Note that a delivery has run; called by slots."""
        self._completer.add(delivery)
        if self._is_asleep:
            self._is_asleep = False
            self.wake()

    def _fall_asleep(self, *, all_empty: bool) -> float:
        self._is_asleep = True
        wanted = self._reconciliation.is_wanted or self._quarantine.next(self._time.monotonic())
        if self._completer.has_work or wanted:
            # A slot finished between the last look and the line above, and rang no bell; or there is more to do.
            self._is_asleep = False
            return 0.0
        order = self._fetcher.order() if all_empty and self._room() > 0 else []
        for queue in order:
            self._lookers[queue].arm()
        if self._quarantine or self.slots.waiting():
            return _WATCH
        return _IDLE if len(order) == len(self._lookers) else PAUSE

    # --- giving back -------------------------------------------------------------------

    def _give_back_stale(self) -> None:
        """Give back what was fetched ahead and has not started for a second, or at all if it is quiet."""
        now = self._time.monotonic()
        quiet = self._is_quiet or self.is_stopping
        if not quiet and now - self._watched < _WATCH:
            return
        self._watched = now
        waiting = [each for each in self._inflight if not each.started and (quiet or not each.is_suspect)]
        if waiting and (quiet or stale(waiting, now)):
            # Whatever was measured, it does not hold now: were it believed, the same jobs would come back at once.
            self._fetcher.stalled()
            back = list(self.slots.surrender())
            if quiet:
                back += self._quarantine.surrender()
            self._give_back(back)

    def _give_back(self, deliveries: Sequence[Delivery]) -> None:
        groups: dict[tuple[str, str], list[Delivery]] = {}
        for delivery in deliveries:
            groups.setdefault((delivery.queue, delivery.holder), []).append(delivery)
        # From here on they are the store's: should this call fail, the reconciliation finds them there.
        self._forget(deliveries)
        was_wanted, self._reconciliation.is_wanted = self._reconciliation.is_wanted, True
        for (queue, holder), group in groups.items():
            # Newest first, so that the oldest lies where it runs next.
            seqs = sorted((delivery.seq for delivery in group), reverse=True)
            for start in range(0, len(seqs), queues.MOST):
                self._store.run(queues.give_back(queue, holder, seqs[start : start + queues.MOST]))
        self._reconciliation.is_wanted = was_wanted
