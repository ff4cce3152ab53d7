"""The callbacks of a batch: jobs that lie ready in it until their event comes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from mainspring.base.errors import InvalidOption
from mainspring.features.batches.desk import Pusher
from mainspring.job import Job, Step
from mainspring.push import Push
from mainspring.store.batches import EVENTS, callback_number
from mainspring.store.callbacks import callback_jid
from mainspring.store.command import Argument

#: A job without arguments, or one with them: ``report``, or ``report.step(day)``.
Callback: TypeAlias = "Job[[], Any] | Step[Any]"
Callbacks: TypeAlias = "Callback | list[Callback] | tuple[Callback, ...] | None"

#: The most callbacks of one event.
MOST: Final = 100

# What a batch pushes is pushed once and for certain, so no lock may stand in its way; nor can its time count from now.
_DROPPED: Final = ("lock", "unique_for", "until", "expires_at")


def checked(event: str, given: Callbacks) -> tuple[Step[Any], ...]:
    """Return the callbacks that were *given* for *event*.

    Raises:
        InvalidOption: If one of them is no job, or there are more than 100.
    """
    if given is None:
        return ()
    found = tuple(given) if isinstance(given, list | tuple) else (given,)
    if len(found) > MOST:
        raise InvalidOption(f"on_{event}=: a batch may have {MOST} callbacks for an event, not {len(found)}")
    return tuple(one if isinstance(one, Step) else _without_arguments(event, one) for one in found)


def _without_arguments(event: str, given: object) -> Step[Any]:
    if not isinstance(given, Job):
        raise InvalidOption(f"on_{event}={given!r}: must be a job, or a job with its arguments: report.step(42)")
    return given.step()


def fields(client: Pusher, bid: str, callbacks: Mapping[str, tuple[Step[Any], ...]], queue: str) -> dict[str, Argument]:
    """Return what the batch *bid* keeps of its callbacks.

    Raises:
        WrongArguments: If the arguments of one do not fit.
    """
    found: dict[str, Argument] = {}
    for event in EVENTS:
        place = 0
        for push in _pushes(client, bid, event, callbacks.get(event, ()), queue):
            found[f"{event}_queue:{place}"] = push.queue
            found[f"{event}_job:{place}"] = ready(push, client.limit)
            place += 1
        if place:
            found[f"{event}_calls"] = place
    return found


def _pushes(client: Pusher, bid: str, event: str, steps: tuple[Step[Any], ...], queue: str) -> Iterator[Push]:
    place = 0
    for step in steps:
        options = step.job.options
        if queue:
            options = options.changed(queue=queue)
        push = client.build(step.job, step.args, step.kwargs, options, jid=callback_jid(bid, event, place))
        bound(push, bid, callback_number(event, place))
        if client.prepare(push):
            place += 1
            yield push


def bound(push: Push, bid: str, number: int) -> None:
    """Bind a job that a batch pushes to its place in it."""
    flow: dict[str, Any] = push.fields.setdefault("flow", {})
    for name in _DROPPED:
        flow.pop(name, None)
    flow["bid"], flow["n"] = bid, number


def ready(push: Push, limit: int) -> bytes:
    """Return a job encoded as it lies ready in the store: the time of its enqueueing is still to come."""
    push.at = push.fields["created_at"]
    return push.encoded(0.0, limit)


__all__ = ["Callback", "Callbacks", "bound", "checked", "fields", "ready"]
