"""Trees of batches, filled while workers are killed and connections cut; and what their callbacks must have been.

Each callback writes down when it was enqueued. A callback that runs again after a kill was enqueued at the
same moment as before; one that was enqueued again was not.
"""

from __future__ import annotations

import json
import random
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

from mainspring import App, PushAmbiguous, PushFailed
from mainspring.features.batches import Batch
from mainspring.store import batches, keys
from mainspring.store.batches import EVENTS, BatchStatus
from scenarios import batch_jobs
from scenarios.harness import Office, eventually

# --- the trees -----------------------------------------------------------------------


@dataclass
class Tree:
    """A batch, and those in it.

    Attributes:
        batch: The batch.
        name: What its callbacks say.
        size: How many jobs it has itself.
        below: The batches in it.
    """

    batch: Batch
    name: str
    size: int
    below: list[Tree] = field(default_factory=list)

    def all(self) -> Iterator[Tree]:
        """Yield it and all below it."""
        yield self
        for each in self.below:
            yield from each.all()


class Grove:
    """Makes trees of batches, and keeps account of those that were pushed.

    Attributes:
        trees: The trees that are in the store.
        doubtful: How many pushes nobody could tell anything of; the store told.
    """

    def __init__(self, office: Office, url: str, most: int) -> None:
        """Prepare to push by way of *url*; a batch has at most *most* jobs of its own."""
        self._office = office
        self._app = App(url)
        batch_jobs.add(self._app)
        self._most = most
        self._rng = random.Random(office.seed)
        self.trees: list[Tree] = []
        self.doubtful = 0

    def grow(self, count: int) -> None:
        """Push trees until there are *count* batches."""
        while self.size() < count:
            made: list[Tree] = []
            try:
                self._plant(3, made)
            except (PushAmbiguous, PushFailed):
                self.doubtful += 1
                if not self._office.server.exists(keys.batch(made[0].batch.bid)):
                    continue
            self.trees.append(made[0])

    def size(self) -> int:
        """Count the batches."""
        return sum(1 for tree in self.trees for _ in tree.all())

    def close(self) -> None:
        """Push no more."""
        self._app.close()

    def _plant(self, depth: int, into: list[Tree]) -> None:
        """Fill a batch with jobs, and with batches up to *depth* deep."""
        rng, jobs = self._rng, self._app.jobs
        name, size = f"{rng.getrandbits(64):x}", int(self._most ** rng.random())
        steps = {f"on_{event}": jobs["told"].step(name, event) for event in EVENTS}
        with self._app.batch(name, **steps, linger=1.0) as batch:
            tree = Tree(batch, name, size)
            into.append(tree)
            kinds = rng.choices(("good", "fails", "dies"), (0.93, 0.05, 0.02), k=size)
            jobs["part"].enqueue_many([(kind, rng.uniform(0, 2)) for kind in kinds])
            for _ in range(rng.randrange(3) if depth > 1 else 0):
                self._plant(depth - 1, tree.below)


# --- what happened ---------------------------------------------------------------------


class Watch:
    """Reads how far batches are, again and again, and keeps what can never be.

    Attributes:
        below_zero: How often a count was below nothing, or above all.
        looks: How often it looked.
    """

    def __init__(self, office: Office, grove: Grove) -> None:
        """Prepare to look, in a thread of its own."""
        self.below_zero = self.looks = 0
        self._office = office
        self._grove = grove
        self._told = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Look no more."""
        self._told.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._told.wait(0.01):
            for tree in list(self._grove.trees)[-50:]:
                found = self._office.app.store.run(batches.read(tree.batch.bid))
                self.looks += 1
                if found is not None:
                    self.below_zero += not 0 <= found.dead <= found.failures <= found.pending <= found.total


def statuses(office: Office, grove: Grove) -> dict[str, BatchStatus | None]:
    """Return how far each batch is, by its name; None for one that is forgotten."""
    return {
        each.name: office.app.store.run(batches.read(each.batch.bid)) for tree in grove.trees for each in tree.all()
    }


def is_everywhere_complete(office: Office, grove: Grove) -> bool:
    """Return whether all batches are complete: all of their jobs have run."""
    return all(found is None or found.is_complete for found in statuses(office, grove).values())


def dead_batches(office: Office) -> set[str]:
    """Return the ids of the batches of which a job lies dead."""
    return {json.loads(raw)["flow"]["bid"] for raw in office.server.client.zrange(keys.DEAD, 0, -1)}


def deaths(grove: Grove, bids: set[str]) -> set[str]:
    """Return the names of the batches of which, or below which, a job died."""
    return {
        each.name for tree in grove.trees for each in tree.all() if any(lower.batch.bid in bids for lower in each.all())
    }


def told_moments(office: Office) -> dict[tuple[str, str], set[float]]:
    """Return when the callbacks that have run had been enqueued, by batch and event."""
    found: dict[tuple[str, str], set[float]] = defaultdict(set)
    for line in office.runs("told"):
        found[line["bid"], line["of"]].add(line["enqueued_at"])
    return found


def left(office: Office) -> list[bytes]:
    """Return the keys of batches that are there still, but those that remember a push for a minute."""
    return [key for key in office.server.client.scan_iter("mainspring:batch*") if b":pushed:" not in key]


def until_all_is_told(office: Office, grove: Grove, expected: set[tuple[str, str]], timeout: float) -> None:
    """Return when each of the callbacks has run."""
    try:
        eventually(lambda: expected <= told_moments(office).keys(), timeout)
    except AssertionError:
        missing = expected - told_moments(office).keys()
        known = statuses(office, grove)
        raise AssertionError(f"never told: {[(event, known[name]) for name, event in missing][:5]}") from None
