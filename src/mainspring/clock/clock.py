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

from mainspring.base.errors import StoreError
from mainspring.clock import report
from mainspring.clock.book import Book, Line
from mainspring.clock.claims import Claims, Tick
from mainspring.clock.dial import Dial
from mainspring.clock.hand import Hand
from mainspring.clock.host import Companion, Host
from mainspring.clock.servertime import ServerTime
from mainspring.clock.verdict import LATE
from mainspring.store import periodic

#: The most ticks of one round.
MOST = 10_000
#: Bounds of the pause after a failure, in seconds; full jitter keeps a fleet from coming back as one.
LEAST_PAUSE, MOST_PAUSE = 0.05, 5.0
#: A tick found so many seconds late means that this process slept; other clocks may have run meanwhile.
SLEPT = 5.0
#: Seconds between two questions whether entries have changed; each also brings the server's time.
POLL = 1.0
#: Seconds between two tries of a clock whose code does not count to make it count.
REENTER = 10.0


class Clock:
    """Enqueues the periodic jobs of an App at their ticks.

    A clock runs once: `run` here until `stop` is called, or `start` and `stop` around
    something else, such as a worker; or `step`, as often as one likes.

    Attributes:
        ticked: Called with each settled `Tick`, by the clock's thread. Tests wait on it.
        became: Called with ``"watching"``, ``"gone"`` and ``"stopped"``, whenever the clock becomes it.
        advanced: When the loop last came round, on the App's monotonic clock; health checks read it.
    """

    def __init__(
        self,
        app: Host,
        *,
        companions: Sequence[Companion] = (),
        rng: random.Random | None = None,
        book: Book | None = None,
        poll: float = POLL,
    ) -> None:
        """Make a clock; nothing is sent yet.

        Args:
            app: The App whose entries it serves, as they are when it starts.
            companions: Services to start before it and to stop after it, such as a heartbeat.
            rng: The source of jitter.
            book: What it knows of the entries, if it shall be made in another way.
            poll: Seconds between two questions whether entries have changed.
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
        self._book = book or Book(app)
        self._every = poll
        self._dial = Dial()
        self._claims = Claims(app, lambda tick: self.ticked(tick), self._rng)  # noqa: PLW0108 - it may be set later
        self._awake = 0.0
        self._must_look = True
        self._polled = self.advanced
        self._entered = self.advanced
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
                self._sleep(self.step())

    def step(self) -> float:
        """Do what is due, and return for how many seconds nothing will be; no error leaves it."""
        self.advanced = self._app.time.monotonic()
        try:
            pause = self._serve()
        except StoreError as error:
            return self._lost(error)
        except Exception as error:  # noqa: BLE001 - the service loop: one error must not end the ticks of every entry
            report.crashed(error)
            return self._lost(None)
        self._failures = 0
        self._become("watching")
        return pause

    # --- the loop ------------------------------------------------------------------

    def _serve(self) -> float:
        must_look = self._must_look or self._counts_again()
        if must_look:
            self._look()
        elif self._until_poll() <= 0:
            self._poll()
        now = self._server_time.now()
        # Not after a look, which may take long itself: with very many entries nothing else would ever be done.
        if not must_look and self._dial.wait(now, 0) < -SLEPT:
            self._must_look = True
            return 0
        self._claim(now)
        return self._dial.wait(self._server_time.now(), self._until_poll())

    def _sleep(self, pause: float) -> None:
        if pause > 0:
            try:
                self._bell.get(timeout=pause)
            except queue.Empty:
                return

    def _until_poll(self) -> float:
        return max(0.0, self._polled + self._every - self._app.time.monotonic())

    def _counts_again(self) -> bool:
        """Ask now and then whether the App's code has come to count, if it does not."""
        if self._book.is_current or self._app.time.monotonic() - self._entered < REENTER:
            return False
        self._entered = self._app.time.monotonic()
        return self._book.enter()

    # --- looking -------------------------------------------------------------------

    def _look(self) -> None:
        """Draw the picture anew: the server's time, what has run, what was missed."""
        self._entered = self._app.time.monotonic()
        if not self._awake:
            # What has come due this very moment, another clock may be about to claim; it was not missed.
            self._awake = self._app.store.run(periodic.server_time()) - LATE
        now, lines = self._book.open()
        self._learn(now)
        hands = [self._hand(line, now) for line in lines]
        self._dial.reset([hand for hand in hands if hand is not None])
        self._must_look = False
        if not self._state:
            self._become("watching")

    def _poll(self) -> None:
        poll = self._book.poll()
        self._learn(poll.now)
        if self._book.is_outdated(poll):
            self._look()
            return
        for name, line in self._book.news(poll).items():
            self._turn(name, line)

    def _learn(self, now: float) -> None:
        self._server_time.learn(now)
        self._polled = self._app.time.monotonic()

    def _turn(self, name: str, line: Line | None) -> None:
        hand = None if line is None else self._hand(line, self._server_time.now())
        if hand is None:
            self._dial.drop(name)
        else:
            self._dial.set(hand)

    def _hand(self, line: Line, now: float) -> Hand | None:
        """Return a hand as the store has its entry, or as this clock has, if it knows of a later tick.

        Returns:
            None if the entry's times cannot be told.
        """
        try:
            hand = line.hand(self._awake)
            known = self._dial.get(line.entry.name)
            if known is not None:
                hand.last = max(hand.last, known.last)
            found = hand.look(now)
        except Exception as error:  # noqa: BLE001 - whatever a rule does, the other entries go on
            report.unreadable(line.entry.name, error)
            self._app.handlers.error(error, None)
            return None
        # A new period is due at once, and a look may take a moment: neither was missed.
        if found.folded or (found.ticks and now - found.ticks[0] > LATE):
            report.missed(line.entry, found)
        return hand

    # --- claiming ------------------------------------------------------------------

    def _claim(self, now: float) -> None:
        hands = self._dial.take(now, MOST)
        if not hands:
            return
        # If this fails, what was taken is found again by the look that follows.
        outcome = self._claims.make(hands, now, self._server_time.now)
        for hand in outcome.settled:
            self._dial.put(hand)
        for hand in outcome.failed:
            hand.failed(now + self._backoff(hand.failures))
            self._dial.put(hand)
        if outcome.is_ahead:
            # Our idea of the server's time runs ahead of it.
            self._polled -= self._every
        for name in outcome.changed:
            self._turn(name, self._book.again(name))

    # --- what goes wrong -----------------------------------------------------------

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
            report.watching(len(self._dial), is_current=self._book.is_current)
        self.became(state)


def _nothing(_: object) -> None:
    """Do nothing."""
