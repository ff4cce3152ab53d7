"""The loop of the clock: sleep until a tick is due, claim it, go on.

It holds no truth. What has run stands in the store; the loop's picture of it is drawn
at the start, and drawn anew after an outage or a long sleep, by the same step. So a
clock may be killed anywhere, stopped, doubled or cut off: no tick is lost or enqueued
twice.
"""

from __future__ import annotations

import queue
import random
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from mainspring.base.errors import StoreError, StoreRefused
from mainspring.clock import report
from mainspring.clock.dial import Dial
from mainspring.clock.hand import Hand
from mainspring.clock.host import Companion, Host
from mainspring.clock.servertime import ServerTime
from mainspring.schedule import ticks
from mainspring.schedule.entry import Entry
from mainspring.store import periodic
from mainspring.store.command import Command
from mainspring.store.periodic import Claim, Registered

#: The most ticks that one pipeline claims.
BATCH = 1_000
#: Bounds of the pause after a failure, in seconds; full jitter keeps a fleet from coming back as one.
LEAST_PAUSE, MOST_PAUSE = 0.05, 5.0
#: A tick found so many seconds late means that this process slept; other clocks may have run meanwhile.
SLEPT = 5.0

# Errors that concern one entry, such as a queue's key that is no list; all others concern the whole store.
_OF_ONE_ENTRY = frozenset({"ERR", "WRONGTYPE"})


@dataclass(frozen=True, slots=True)
class Tick:
    """One tick, settled.

    Attributes:
        entry: The entry's name.
        at: The nominal time, unix seconds.
        jid: The id of its job.
        won: True if this clock enqueued it, False if another had.
        is_stopped: True if this clock claimed it without a job, because a middleware stopped it.
        lag: Seconds from the nominal time to the store's answer.
    """

    entry: str
    at: float
    jid: str
    won: bool
    lag: float
    is_stopped: bool = False


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A claim to make, and whether it is one without a job."""

    command: Command[Claim]
    is_stopped: bool


class Clock:
    """Enqueues the periodic jobs of an App at their ticks.

    A clock runs once: `run` here until `stop` is called, or `start` and `stop` around
    something else, such as a worker.

    Attributes:
        ticked: Called with each settled `Tick`, by the clock's thread. Tests wait on it.
        became: Called with ``"watching"``, ``"gone"`` and ``"stopped"``, whenever the clock becomes it.
        advanced: When the loop last came round, on the App's monotonic clock; health checks read it.
    """

    def __init__(self, app: Host, *, companions: Sequence[Companion] = (), rng: random.Random | None = None) -> None:
        """Make a clock; nothing is sent yet.

        Args:
            app: The App whose entries it serves, as they are when it starts.
            companions: Services to start before it and to stop after it, such as a heartbeat.
            rng: The source of jitter.
        """
        self.ticked: Callable[[Tick], None] = _nothing
        self.became: Callable[[str], None] = _nothing
        self.advanced = app.time.monotonic()
        self._app = app
        self._companions = companions
        self._rng = rng or random.Random()
        # A SimpleQueue, since its `put` is reentrant: a signal handler that sets an Event on which
        # the interrupted code waits can block for ever.
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._is_stopping = False
        self._thread: threading.Thread | None = None
        # Only the clock's own thread touches what follows.
        self._server_time = ServerTime(app.time)
        self._dial = Dial()
        self._has_looked = False
        self._must_look = True
        self._failures = 0
        self._state = ""
        self._state_since = self.advanced

    # --- life ----------------------------------------------------------------------

    def start(self) -> None:
        """Run in a thread of its own, and return at once."""
        self._thread = threading.Thread(target=self.run, name="mainspring-clock", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 10.0) -> bool:
        """End the clock, at once if it sleeps; from any thread, or from a signal handler.

        Args:
            timeout: Seconds to wait for the thread that `start` made.

        Returns:
            Whether that thread has ended; True if there is none.
        """
        self._is_stopping = True
        self._bell.put(None)
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return True
        thread.join(timeout)
        return not thread.is_alive()

    def run(self) -> None:
        """Serve the entries until `stop` is called; no error of the store or of an entry ends it."""
        with ExitStack() as ending:
            ending.callback(self._become, "stopped")
            for companion in self._companions:
                companion.start()
                ending.callback(companion.stop)
            while not self._is_stopping:
                self._sleep(self._lap())

    # --- the loop ------------------------------------------------------------------

    def _lap(self) -> float:
        """Do what is due; return for how many seconds nothing will be."""
        self.advanced = self._app.time.monotonic()
        try:
            pause = self._serve()
        except StoreError as error:
            return self._lost(error)
        except Exception:  # noqa: BLE001 - the service loop: one error must not end the ticks of every entry
            report.crashed()
            return self._lost(None)
        self._failures = 0
        self._become("watching")
        return pause

    def _serve(self) -> float:
        if self._must_look:
            self._look()
        elif not self._server_time.trusted_for():
            self._server_time.learn(self._app.store.run(periodic.server_time()))
        now = self._server_time.now()
        if self._dial.wait(now, 0) < -SLEPT:
            self._must_look = True
            return 0
        self._claim(self._dial.take(now, BATCH), now)
        return self._dial.wait(self._server_time.now(), self._server_time.trusted_for())

    def _sleep(self, pause: float) -> None:
        if pause > 0:
            try:
                self._bell.get(timeout=pause)
            except queue.Empty:
                return

    # --- looking -------------------------------------------------------------------

    def _look(self) -> None:
        """Draw the picture anew: the server's time, what has run, what was missed."""
        entries = list(self._app.schedule.values())
        known = self._dial.lasts()
        hands = []
        for entry, now, anchor, last in self._register(entries):
            newest = max((t for t in (last, known.get(entry.name)) if t is not None), default=None)
            hand = Hand.of(entry, anchor, newest)
            report.missed(entry, hand.look(now, awake=self._has_looked))
            hands.append(hand)
        self._dial.reset(hands)
        self._has_looked, self._must_look = True, False
        if not self._state:
            self._become("watching")

    def _register(self, entries: Sequence[Entry]) -> list[tuple[Entry, float, float, float | None]]:
        chunks = [entries[i : i + periodic.MOST] for i in range(0, len(entries), periodic.MOST)]
        commands: list[Command[float] | Command[Registered]] = [periodic.server_time()]
        commands += [periodic.register([entry.name for entry in chunk]) for chunk in chunks]
        answers = self._app.store.pipeline(commands)
        for answer in answers:
            if isinstance(answer, StoreError):
                raise answer
        self._server_time.learn(answers[0])
        return [
            (entry, answer.now, *since)
            for chunk, answer in zip(chunks, answers[1:], strict=True)
            for entry, since in zip(chunk, answer.since, strict=True)
        ]

    # --- claiming ------------------------------------------------------------------

    def _claim(self, hands: Sequence[Hand], now: float) -> None:
        pairs = [(hand, attempt) for hand in hands if (attempt := self._attempt(hand, now)) is not None]
        answers = self._app.store.pipeline([attempt.command for _, attempt in pairs])
        at = self._server_time.now()
        for (hand, attempt), answer in zip(pairs, answers, strict=True):
            self._settle(hand, answer, at, is_stopped=attempt.is_stopped)
        for answer in answers:
            if isinstance(answer, StoreError) and not _is_of_one_entry(answer):
                raise answer

    def _attempt(self, hand: Hand, now: float) -> _Attempt | None:
        """Return the claim of a hand's tick; None if there is nothing to claim, and the hand is put back."""
        if hand.failures and not (found := hand.look(now, awake=True)).ticks:
            report.missed(hand.entry, found)
        if hand.tick is None or hand.tick > now:
            self._dial.put(hand)
            return None
        try:
            job = self._app.payloads.tick_payload(hand.entry, hand.tick, now)
        except Exception as error:  # noqa: BLE001 - a user's middleware or arguments: the other entries go on
            self._failed(hand, error, now)
            return None
        call = periodic.claim(hand.entry.name, ticks.text(hand.tick), job.queue, job.payload, at=job.at)
        return _Attempt(call, not job.payload)

    def _settle(self, hand: Hand, answer: Claim | StoreError, at: float, *, is_stopped: bool) -> None:
        if isinstance(answer, StoreError):
            if _is_of_one_entry(answer):
                self._failed(hand, answer, at)
            return
        if answer is Claim.EARLY:
            # Our idea of the server's time runs ahead of it.
            self._server_time.forget()
            hand.wait(at + ticks.MILLISECOND)
        elif hand.tick is not None:
            won = answer is Claim.WON
            self._settled(hand.entry.name, hand.tick, at, won=won, is_stopped=won and is_stopped)
            hand.done(at)
        self._dial.put(hand)

    def _settled(self, name: str, tick: float, at: float, *, won: bool, is_stopped: bool) -> None:
        settled = Tick(name, tick, ticks.jid(name, tick), won and not is_stopped, at - tick, is_stopped)
        if is_stopped:
            report.stopped_tick(name, settled.jid)
        else:
            report.tick(name, settled.jid, settled.lag, won=won)
        self.ticked(settled)

    # --- what goes wrong -----------------------------------------------------------

    def _failed(self, hand: Hand, error: Exception, now: float) -> None:
        """Keep a tick that could not be enqueued; its missed policy and grace decide how long."""
        if not hand.failures:
            report.failed(hand.entry, hand.tick, error)
        hand.failed(now + self._backoff(hand.failures))
        self._dial.put(hand)

    def _lost(self, error: StoreError | None) -> float:
        """Note that the picture may be wrong; return how long to wait before drawing it anew."""
        self._must_look = True
        self._failures += 1
        if error is not None:
            self._become("gone", str(error))
        return self._backoff(self._failures)

    def _backoff(self, failures: int) -> float:
        return self._rng.uniform(LEAST_PAUSE, min(MOST_PAUSE, LEAST_PAUSE * 2 ** min(failures, 10)))

    def _become(self, state: str, why: str = "") -> None:
        """Say once what the clock has become."""
        if state == self._state:
            return
        now = self._app.time.monotonic()
        before, since = self._state, now - self._state_since
        self._state, self._state_since = state, now
        if state == "gone":
            report.gone(why)
        elif state == "stopped":
            report.stopped()
        elif before == "gone":
            report.back(since)
        else:
            report.watching(len(self._dial))
        self.became(state)


def _is_of_one_entry(error: StoreError) -> bool:
    return isinstance(error, StoreRefused) and error.code in _OF_ONE_ENTRY


def _nothing(_: object) -> None:
    """Do nothing."""
