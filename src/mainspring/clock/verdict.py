"""What shall become of one tick that is due: its job, or a reason why there is none.

Nothing is written here. The verdict travels with the claim, in which the store decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mainspring.clock.hand import Hand
from mainspring.clock.host import Host
from mainspring.middleware import Passage
from mainspring.schedule import ticks
from mainspring.schedule.zones import zone
from mainspring.store.periodic import TickJob

#: A tick enqueued so many seconds after it was due counts as caught up.
LATE: Final = 5.0

#: No job.
NOTHING: Final = TickJob("default", b"")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What shall become of a tick.

    Attributes:
        job: Its job; with an empty payload if there shall be none.
        kind: ``"scheduled"``, ``"caught_up"``, ``"skipped"`` or ``"missed"``, as the history says it.
        why: Why there is no job.
        runs: The ids of the entry's jobs that may not be done, once the tick is claimed.
        passage: The hooks that have been called; they hear of the end.
        jid: The id of its job; empty if there shall be none.
    """

    job: TickJob
    kind: str
    why: str = ""
    runs: tuple[str, ...] = ()
    passage: Passage | None = None
    jid: str = ""


def unfinished(app: Host, hand: Hand) -> dict[str, str]:
    """Return those of the entry's last jobs that are not done, by id, and where they are.

    Raises:
        StoreError: If the store does not say.
    """
    if hand.entry.overlap == "allow":
        return {}
    places = {jid: _place(app, jid) for jid in hand.runs}
    return {jid: place for jid, place in places.items() if place not in {"", "dead"}}


def reach(app: Host, hand: Hand, now: float, unfinished: dict[str, str]) -> Verdict:
    """Decide about the tick of *hand*: asks the entry's questions, calls hooks and middleware.

    Args:
        app: The App.
        hand: The hand.
        now: The server's time.
        unfinished: The entry's last jobs that are not done, and where they are.

    Raises:
        Exception: Whatever the user's code raises; WrongArguments.
    """
    tick, runs = hand.tick or 0.0, tuple(unfinished)
    local = datetime.fromtimestamp(tick, zone(hand.entry.tz))
    why = _objection(hand, local) or _overlap(hand, unfinished)
    if why:
        return Verdict(NOTHING, "skipped", why, runs)
    passage = app.hooks.run.open(hand.entry, local)
    if passage is not None and not passage.is_open:
        return Verdict(NOTHING, "skipped", "on_run", runs)
    try:
        return _with_job(app, hand, tick, now, runs=runs, passage=passage)
    except BaseException as error:
        if passage is not None:
            passage.break_off(error)
        raise


def _with_job(
    app: Host, hand: Hand, tick: float, now: float, *, runs: tuple[str, ...], passage: Passage | None
) -> Verdict:
    late = max(0.0, round(now - hand.due, 3))
    kind = "caught_up" if hand.folded or late > LATE else "scheduled"
    jid = ticks.jid(hand.entry.name, tick, app.namespace)
    job = app.tick_payload(hand.entry, tick, now, kind=kind, late=late, jid=jid)
    if not job.payload:
        return Verdict(job, "skipped", "middleware", runs, passage)
    if hand.entry.overlap != "allow":
        runs = (*runs, jid)
    return Verdict(job, kind, runs=runs, passage=passage, jid=jid)


def _objection(hand: Hand, local: datetime) -> str:
    if hand.entry.if_ is not None and not hand.entry.if_(local):
        return "if_"
    if hand.entry.unless is not None and hand.entry.unless(local):
        return "exclude"
    return ""


def _place(app: Host, jid: str) -> str:
    """Return where a job is; empty if it is nowhere."""
    job = app.find(jid)
    if job is None:
        # One that moved while it was looked for may have been overlooked, such as one that a worker has just fetched.
        job = app.find(jid)
    return "" if job is None else str(job.place)


def _overlap(hand: Hand, runs: dict[str, str]) -> str:
    if hand.entry.overlap == "skip":
        return "overlap" if runs else ""
    # One may run, and one wait for it; never more, however many slots are free.
    return "overlap" if any(place != "running" for place in runs.values()) or len(runs) > 1 else ""
