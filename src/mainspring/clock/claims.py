"""One round of claims: a verdict on each tick that is due, one pipeline, and what came of it.

An error of the store that concerns all ends the round; whatever concerns one entry is
reported, and leaves its tick open for another try.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from mainspring.base import codec
from mainspring.base.errors import StoreError, StoreRefused
from mainspring.clock import report, verdict
from mainspring.clock.hand import Hand
from mainspring.clock.host import Host
from mainspring.clock.verdict import NOTHING, Verdict
from mainspring.middleware import Passage
from mainspring.schedule import ticks
from mainspring.schedule.zones import zone
from mainspring.store import entries, periodic
from mainspring.store.command import Command
from mainspring.store.periodic import Attempt, Claim

# Errors that concern one entry, such as a queue's key that is no list; all others concern the whole store.
_OF_ONE_ENTRY: Final = frozenset({"ERR", "WRONGTYPE"})


#: The most ticks that one pipeline claims.
PART: Final = 200
#: From so many ticks on a round is a crowd's.
CROWD: Final = 100
#: Seconds after which a round begins no further part: entries may have changed, and this clock must show that it lives.
LONGEST: Final = 2.0


@dataclass(frozen=True, slots=True)
class Tick:
    """One tick, settled.

    Attributes:
        entry: The entry's name.
        at: The nominal time, unix seconds.
        jid: The id of its job, had it one.
        won: True if this clock enqueued it, False if another had settled it, or if it has no job.
        lag: Seconds from when it was due to the store's answer.
        kind: ``"scheduled"``, ``"caught_up"``, ``"skipped"`` or ``"missed"``.
        why: Why it has no job; empty if it has one, or if another clock settled it.
    """

    entry: str
    at: float
    jid: str
    won: bool
    lag: float
    kind: str = "scheduled"
    why: str = ""


@dataclass(slots=True)
class Outcome:
    """What a round has come to.

    Attributes:
        settled: Hands that go on, to their next tick or to the same a little later.
        failed: Hands whose tick could not be enqueued.
        changed: Names of entries that the store has otherwise than this clock.
        is_ahead: Whether this clock's idea of the server's time runs ahead.
    """

    settled: list[Hand] = field(default_factory=list)
    failed: list[Hand] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    is_ahead: bool = False


@dataclass(frozen=True, slots=True)
class _Sent:
    """A part of a round that has been sent.

    Attributes:
        pairs: What was claimed.
        answers: The store's answers.
        others: Hands whose tick another clock has settled.
        at: The server's time when the answers had come.
    """

    pairs: Sequence[tuple[Hand, Verdict]]
    answers: Sequence[Claim | StoreError]
    others: Sequence[Hand]
    at: float

    @property
    def shows_others(self) -> bool:
        """Whether other clocks have settled some of it."""
        return bool(self.others) or Claim.TAKEN in self.answers


class Claims:
    """Makes the claims of one clock."""

    def __init__(self, app: Host, ticked: Callable[[Tick], None], rng: random.Random) -> None:
        """Prepare to claim.

        Args:
            app: The App.
            ticked: Called with each settled tick.
            rng: The source of a crowd's order.
        """
        self._app = app
        self._ticked = ticked
        self._rng = rng

    def make(self, hands: Sequence[Hand], now: float, clock: Callable[[], float]) -> Outcome:
        """Claim the ticks of *hands* that are due at *now*.

        Args:
            hands: The hands.
            now: The server's time.
            clock: Tells the server's time when the answers have come.

        Raises:
            StoreError: If the store as a whole does not do what it is asked.
        """
        outcome = Outcome()
        due = [self._looked_again(hand, now) for hand in hands]
        if len(due) >= CROWD:
            # Clocks side by side begin at different ends.
            self._rng.shuffle(due)
        passage, due = self._open_round(due, now, outcome)
        is_off = passage is not None and not passage.is_open
        sent: list[_Sent] = []
        try:
            for part in self._parts(due, now, clock, outcome, sent):
                # One by one, since what was sent is settled though another part fails.
                sent += [self._send(part, outcome, clock, is_off=is_off)]
        except BaseException as error:
            self._break_off([passage], error)
            raise
        finally:
            # Only when all is in its queue is there time for what follows.
            for each in sent:
                self._settle_all(each, outcome)
        self._close(passage, happened=True)
        _raise_common(sent)
        return outcome

    # --- in parts --------------------------------------------------------------------

    def _parts(
        self, due: Sequence[Hand], now: float, clock: Callable[[], float], outcome: Outcome, sent: Sequence[_Sent]
    ) -> Iterator[Sequence[Hand]]:
        """Divide what is due; where the part before shows other clocks at work, what they have settled is left out."""
        for begin in range(0, len(due), PART):
            if begin and clock() - now > LONGEST:
                outcome.settled += due[begin:]
                return
            part = due[begin : begin + PART]
            if sent and sent[-1].shows_others:
                self._note_settled(part)
            yield part

    def _note_settled(self, part: Sequence[Hand]) -> None:
        names = [hand.entry.name for hand in part]
        lasts = self._app.store.run(entries.lasts(self._app.namespace, names))
        for hand, last in zip(part, lasts, strict=True):
            hand.is_settled = last is not None and hand.tick is not None and last >= hand.tick

    def _send(self, part: Sequence[Hand], outcome: Outcome, clock: Callable[[], float], *, is_off: bool) -> _Sent:
        now = clock()
        pairs: list[tuple[Hand, Verdict]] = []
        others = [hand for hand in part if hand.is_settled]
        try:
            for hand in part:
                found = None if hand.is_settled else self._attempt(hand, now, outcome, is_off=is_off)
                pairs += [] if found is None else [(hand, found)]
            answers = self._app.store.pipeline([self._claim(hand, found) for hand, found in pairs])
        except BaseException as error:
            self._break_off([found.passage for _, found in pairs], error)
            raise
        return _Sent(pairs, answers, others, clock())

    def _settle_all(self, sent: _Sent, outcome: Outcome) -> None:
        for (hand, found), answer in zip(sent.pairs, sent.answers, strict=True):
            self._settle(hand, found, answer, sent.at, outcome)
        for hand in sent.others:
            self._settle(hand, Verdict(NOTHING, "scheduled"), Claim.TAKEN, sent.at, outcome)

    # --- before ----------------------------------------------------------------------

    def _looked_again(self, hand: Hand, now: float) -> Hand:
        """Return *hand*, which has looked again if it has failed before: it may be too late for its tick by now."""
        if hand.failures:
            found = hand.look(now)
            if hand.is_given_up:
                report.missed(hand.entry, found)
        return hand

    def _open_round(self, due: list[Hand], now: float, outcome: Outcome) -> tuple[Passage | None, list[Hand]]:
        """Call the hooks before the round; return their passage, and the hands that go on."""
        try:
            passage = (
                self._app.hooks.tick.open(datetime.fromtimestamp(now, zone(self._app.schedule.tz))) if due else None
            )
        except Exception as error:  # noqa: BLE001 - a user's hook
            held_up = [hand for hand in due if not hand.is_given_up]
            if not all(hand.failures for hand in held_up):
                error.add_note(f"on_tick, before {len(held_up)} periodic entries")
                self._hook_failed(error)
            outcome.failed += held_up
            return None, [hand for hand in due if hand.is_given_up]
        return passage, due

    def _attempt(self, hand: Hand, now: float, outcome: Outcome, *, is_off: bool) -> Verdict | None:
        """Return the verdict on a hand's tick; None if there is none yet."""
        if hand.is_given_up:
            return Verdict(NOTHING, "missed", runs=hand.runs)
        if is_off:
            return Verdict(NOTHING, "skipped", "on_tick", hand.runs)
        try:
            unfinished = verdict.unfinished(self._app, hand)
        except StoreError as error:
            if not _concerns_one(error):
                raise
            self._failed(hand, error, outcome)
            return None
        try:
            return verdict.reach(self._app, hand, now, unfinished)
        except Exception as error:  # noqa: BLE001 - a user's question, hook, middleware or arguments
            self._failed(hand, error, outcome)
            return None

    def _claim(self, hand: Hand, found: Verdict) -> Command[Claim]:
        tick = hand.tick or 0.0
        record: dict[str, object] = {"tick": tick, "kind": found.kind}
        if found.jid:
            record["jid"] = found.jid
        if found.why:
            record["why"] = found.why
        if hand.folded:
            record["folded"] = hand.folded
        attempt = Attempt(
            hand.entry.name,
            hand.stamp,
            ticks.text(tick),
            hand.due,
            found.job,
            record=codec.encode(record),
            expected=hand.runs,
            runs=found.runs,
        )
        return periodic.claim_tick(self._app.namespace, attempt)

    # --- after -----------------------------------------------------------------------

    def _settle(self, hand: Hand, found: Verdict, answer: Claim | StoreError, at: float, outcome: Outcome) -> None:
        has_job = answer is Claim.WON and bool(found.job.payload)
        self._close(found.passage, happened=has_job)
        if isinstance(answer, StoreError):
            self._refused(hand, answer, outcome)
        elif answer is Claim.EARLY:
            outcome.is_ahead = True
            hand.wait(at + ticks.MILLISECOND)
            outcome.settled.append(hand)
        elif answer in {Claim.CHANGED, Claim.PAUSED}:
            outcome.changed.append(hand.entry.name)
        else:
            self._settled(hand, found, at, won=answer is Claim.WON)
            outcome.settled.append(hand)

    def _refused(self, hand: Hand, error: StoreError, outcome: Outcome) -> None:
        if _concerns_one(error):
            self._failed(hand, error, outcome)
        else:
            outcome.settled.append(hand)

    def _settled(self, hand: Hand, found: Verdict, at: float, *, won: bool) -> None:
        tick = hand.tick or 0.0
        why = found.why if won else ""
        jid = found.jid or ticks.jid(hand.entry.name, tick, self._app.namespace)
        settled = Tick(hand.entry.name, tick, jid, won and bool(found.job.payload), at - hand.due, found.kind, why)
        if why and found.kind == "skipped":
            report.skipped(hand.entry.name, ticks.text(tick), why)
        else:
            report.tick(hand.entry.name, jid, settled.lag, won=settled.won)
        if won:
            hand.runs = found.runs
        hand.done(at)
        self._ticked(settled)

    def _failed(self, hand: Hand, error: Exception, outcome: Outcome) -> None:
        """Keep a tick that could not be enqueued; its missed policy and grace decide how long."""
        if not hand.failures:
            report.failed(hand.entry, hand.tick, error)
            error.add_note(f"periodic entry {hand.entry.name!r}, tick {ticks.text(hand.tick or 0.0)}")
            self._app.handlers.error(error, None)
        outcome.failed.append(hand)

    def _close(self, passage: Passage | None, *, happened: bool) -> None:
        if passage is None:
            return
        try:
            passage.close(happened)
        except Exception as error:  # noqa: BLE001 - a user's hook: the tick is in its queue, and stays there
            self._hook_failed(error)

    def _break_off(self, passages: Sequence[Passage | None], error: BaseException) -> None:
        for passage in passages:
            if passage is None:
                continue
            try:
                passage.break_off(error)
            except Exception as raised:  # noqa: BLE001 - a user's hook: the others hear of the end as well
                self._hook_failed(raised)

    def _hook_failed(self, error: Exception) -> None:
        report.hook_failed(error)
        self._app.handlers.error(error, None)


def _concerns_one(error: StoreError) -> bool:
    return isinstance(error, StoreRefused) and error.code in _OF_ONE_ENTRY


def _raise_common(sent: Sequence[_Sent]) -> None:
    for answer in (answer for each in sent for answer in each.answers):
        if isinstance(answer, StoreError) and not _concerns_one(answer):
            raise answer
