"""Makes batches: the part of an App that has them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Final

from mainspring.base import durations
from mainspring.base.durations import Duration
from mainspring.base.errors import InvalidDuration, InvalidOption
from mainspring.base.payload import check_queue
from mainspring.context import current_job
from mainspring.features.batches.batch import Batch
from mainspring.features.batches.callbacks import Callbacks, checked, fields
from mainspring.features.batches.desk import Desk, Host
from mainspring.features.batches.filling import Filling
from mainspring.options import check_tags, text
from mainspring.store.command import Argument

#: Seconds for which a batch is remembered to which nothing comes but successes: ninety days.
LIFE: Final = 90 * 86_400.0
#: Seconds for which a batch is remembered after its end, if nothing else is said: a day.
LINGER: Final = 86_400.0


class Batching:
    """The part of an App that has batches."""

    def batch(
        self: Host,
        description: str = "",
        *,
        on_success: Callbacks = None,
        on_complete: Callbacks = None,
        on_death: Callbacks = None,
        callback_queue: str | None = None,
        tags: Sequence[str] = (),
        parent: Batch | None = None,
        flush_every: int | None = None,
        linger: Duration = LINGER,
    ) -> Batch:
        """Make a batch: jobs that belong together, and whose end is told by callbacks.

        Example:
            .. code-block:: python

                with app.batch("import", on_success=report.step(day)):
                    load.enqueue_many(rows)

        Each callback is a job, or a job with arguments (`Job.step`), or a list of them. It is pushed once for
        certain, in the step that settles the job whose end it tells of.

        Args:
            description: What it is, for people.
            on_success: Pushed when all jobs have succeeded; that may be days later, if one had to be retried.
            on_complete: Pushed when all jobs have run at least once: they succeeded, wait for a retry, or are dead.
            on_death: Pushed when the first job of it dies.
            callback_queue: The queue of its callbacks; their own without it.
            tags: Words for people.
            parent: A batch that it is in; without it, the one in whose block its own block is opened, if there is one.
            flush_every: After how many jobs they are sent, while the block is open; without it, at its end.
            linger: How long it is remembered after its end.

        Raises:
            InvalidOption: If an option cannot mean anything.
            WrongArguments: If those of a callback do not fit.
        """
        batch, filling = new_batch(
            self,
            description,
            events={"success": on_success, "complete": on_complete, "death": on_death},
            callback_queue=callback_queue,
            tags=tags,
            parent=parent,
            linger=linger,
        )
        filling.flush_every = _count(flush_every)
        return batch

    def find_batch(self: Host, bid: str) -> Batch:
        """Return the batch *bid*, to look at it, wait for it, cancel it or add to it; nothing is asked of the store."""
        return Batch(Desk.of(self), text("bid", bid))

    def current_batch(self: Host) -> Batch | None:
        """Return the batch of the job that is running here, or whose callback it is; None if it is in none.

        Example:
            .. code-block:: python

                @app.job
                def load(page: int) -> None:
                    with app.current_batch():
                        load.enqueue(page + 1)

        Raises:
            NotInAJob: If called outside of a job.
        """
        bid = current_job().bid
        return Batch(Desk.of(self), bid) if bid else None


def new_batch(
    app: Host,
    description: str,
    *,
    events: Mapping[str, Callbacks],
    callback_queue: str | None,
    tags: Sequence[str],
    parent: Batch | None,
    linger: Duration,
) -> tuple[Batch, Filling]:
    """Return a batch, and what its first block fills."""
    desk, bid = Desk.of(app), os.urandom(8).hex()
    queue = "" if callback_queue is None else check_queue(callback_queue)
    kept: dict[str, Argument] = {"description": text("description", description)}
    kept["tags"] = "\n".join(check_tags(tags))
    kept |= fields(desk.client, bid, {event: checked(event, given) for event, given in events.items()}, queue)
    filling = Filling(
        desk,
        bid,
        parent=_parent(parent),
        life=LIFE,
        linger=_linger(linger),
        fields={name: value for name, value in kept.items() if value != ""},
    )
    return Batch(desk, bid, filling), filling


def _parent(given: object) -> str:
    if given is not None and not isinstance(given, Batch):
        raise InvalidOption(f"parent={given!r}: must be a batch")
    return "" if given is None else given.bid


def _count(given: object) -> int | None:
    if given is not None and (isinstance(given, bool) or not isinstance(given, int) or given < 1):
        raise InvalidOption(f"flush_every={given!r}: must be a whole number from 1")
    return given


def _linger(given: Duration) -> float:
    try:
        return durations.seconds(given)
    except InvalidDuration as error:
        raise InvalidOption(f"linger={given!r}: {error}") from error
