"""Slots that are threads: each takes one delivery after the other from a shared inbox and runs it."""

from __future__ import annotations

import ctypes
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from mainspring.base.ends import JobCut, JobTimeout
from mainspring.base.loggers import Log
from mainspring.worker.delivery import Delivery
from mainspring.worker.runners.forks import Home, leave_child
from mainspring.worker.watch import SlotLeft

_log: Final = Log("mainspring.worker")
_raise_in_thread: Final = ctypes.pythonapi.PyThreadState_SetAsyncExc


class Slot:
    """One thread and what it runs.

    Attributes:
        name: What watchers see.
        current: The delivery that it runs; None if it is free. Only its thread writes this.
    """

    __slots__ = ("current", "name", "thread")

    def __init__(self, name: str) -> None:
        """Make a slot without a thread."""
        self.name = name
        self.current: Delivery | None = None
        self.thread: threading.Thread | None = None


class Inbox:
    """Deliveries for whichever slot is free.

    A `queue.SimpleQueue` would take and give a lock for each delivery, and wake a thread for each
    while any sleeps. Here busy slots take from a deque without a lock; a slot sleeps only when that
    is empty, and is woken only then. What keeps a wake-up from getting lost: a slot announces that
    it will sleep before it looks for the last time, and who puts looks for announcements after it
    has put. Announcements and tokens together are always as many as slots that sleep.

    Attributes:
        take: Takes the oldest without waiting; raises IndexError if there is none.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self._deliveries: deque[Delivery | None] = deque()
        # The deque's own method, since it is called for each job.
        self.take = self._deliveries.popleft
        self._announced: deque[None] = deque()
        self._tokens: queue.SimpleQueue[None] = queue.SimpleQueue()

    def __len__(self) -> int:
        """Count what no slot has taken."""
        return len(self._deliveries)

    def put(self, deliveries: Sequence[Delivery | None]) -> None:
        """Add deliveries, and wake as many slots as there is work for."""
        self._deliveries.extend(deliveries)
        for _ in deliveries:
            try:
                self._announced.pop()
            except IndexError:
                return
            self._tokens.put(None)

    def wait(self) -> None:
        """Sleep until there may be something to take."""
        self._announced.append(None)
        if self._deliveries:
            try:
                self._announced.pop()
            except IndexError:
                # Who put has seen the announcement: the token is there already, or will be at once.
                self._tokens.get()
            return
        self._tokens.get()


class ThreadRunner:
    """A fixed number of slots that share one inbox."""

    def __init__(
        self, name: str, size: int, *, run: Callable[[Delivery], None], finished: Callable[[Delivery], None]
    ) -> None:
        """Make *size* slots; no thread runs yet.

        Args:
            name: The capsule's name.
            size: How many slots.
            run: Runs one delivery.
            finished: Called with each delivery that has run, in the slot's thread.
        """
        self._run = run
        self._finished = finished
        self._inbox = Inbox()
        self._home = Home()
        self.slots = [Slot(f"{name}-{number}") for number in range(1, size + 1)]
        self._left: list[threading.Thread] = []  # they run what is nobody's any more

    def start(self) -> None:
        """Start the threads."""
        for slot in self.slots:
            self._start(slot)

    def _start(self, slot: Slot, settle: Callable[[], None] | None = None) -> None:
        slot.thread = threading.Thread(
            target=self._serve, args=(slot, settle), name=f"mainspring-slot-{slot.name}", daemon=True
        )
        slot.thread.start()

    def put(self, deliveries: Sequence[Delivery]) -> None:
        """Hand deliveries to the slots."""
        self._inbox.put(deliveries)

    def waiting(self) -> int:
        """Count deliveries that no slot has taken."""
        return len(self._inbox)

    @property
    def has_work(self) -> bool:
        """True if something runs or waits here."""
        return len(self._inbox) > 0 or any(slot.current is not None for slot in self.slots)

    def surrender(self) -> Iterator[Delivery]:
        """Take back what no slot has taken."""
        ends: list[Delivery | None] = []
        while True:
            try:
                delivery = self._inbox.take()
            except IndexError:
                break
            if delivery is None:
                ends.append(delivery)
            else:
                yield delivery
        # They are the slots': without its own, a slot would wait for ever.
        self._inbox.put(ends)

    def busy(self) -> list[tuple[str, Delivery]]:
        """Return which slots run what."""
        return [(slot.name, current) for slot in self.slots if (current := slot.current) is not None]

    def leave(self, delivery: Delivery, settle: Callable[[], None]) -> bool:
        """Let a new thread have the slot of one that does not end its delivery; False if none runs it.

        Args:
            delivery: What it runs.
            settle: Notes what becomes of it; called in the new thread, since it asks the user's code.
        """
        for index, slot in enumerate(self.slots):
            if slot.current is delivery and slot.thread is not None:
                self._left = [thread for thread in self._left if thread.is_alive()] + [slot.thread]
                fresh = self.slots[index] = Slot(slot.name)
                fresh.current = delivery
                self._start(fresh, settle)
                return True
        return False

    def cancel(self, jid: str) -> bool:  # noqa: ARG002 - as the other runners
        """Return False: a thread asks for itself whether its job was cancelled."""
        return False

    def stuck(self) -> int:
        """Count the threads that have lost their slots and have not ended."""
        return sum(thread.is_alive() for thread in self._left)

    def cut(self) -> None:
        """Raise `JobCut` in each slot that runs a job, at its next bytecode; code in C goes on until it returns."""
        for slot in self.slots:
            if slot.current is not None and slot.thread is not None and slot.thread.ident is not None:
                _raise_in_thread(ctypes.c_ulong(slot.thread.ident), ctypes.py_object(JobCut))

    def stop(self) -> None:
        """Ask each slot to end when it is free; returns at once."""
        self._inbox.put([None for _ in self.slots])

    def _serve(self, slot: Slot, settle: Callable[[], None] | None) -> None:
        take, wait, run, finished, home = self._inbox.take, self._inbox.wait, self._run, self._finished, self._home
        while True:
            try:
                if settle is not None:
                    inherited, settle = settle, None
                    self._inherit(slot, inherited)
                try:
                    delivery = take()
                except IndexError:
                    wait()
                    continue
                if delivery is None:
                    return
                slot.current = delivery
                run(delivery)
                if home.is_left:
                    leave_child()
                slot.current = None
                finished(delivery)
            except SlotLeft:
                # Another thread has it; this one was long given up.
                return
            except (JobCut, JobTimeout):
                # It came between two jobs. What ran then is still in flight, and is given back with the rest.
                slot.current = None
            except Exception as error:  # noqa: BLE001 - a slot's loop: were it to end, the worker would run dry
                # No job raises here, only we do. The delivery stays in flight, and is given back at the end.
                _log.error("a slot failed", extra={"event": "service.error", "facts": {"slot": slot.name}}, error=error)
                slot.current = None

    def _inherit(self, slot: Slot, settle: Callable[[], None]) -> None:
        """Settle what the thread before this one did not end."""
        delivery = slot.current
        settle()
        slot.current = None
        if delivery is not None:
            self._finished(delivery)
