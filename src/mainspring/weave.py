"""Puts the features of flow control together for one class of jobs.

No feature knows another. Each says by itself what the records of a job's class shall
carry; here they are called in turn. A plain job has none of them, and pays for none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from mainspring.features import encryption, expiry, history, lanes, places, results, timeouts, unique
from mainspring.features.encryption import Keyring
from mainspring.job import Draft, Job, Tie

#: In the order in which they write into a record; what encrypts its arguments comes after all of them.
FEATURES: Final[tuple[Callable[[Job[Any, Any]], Tie | None], ...]] = (
    places.tie,
    unique.tie,
    timeouts.tie,
    expiry.tie,
    results.tie,
    history.tie,
    lanes.tie,
)


def weave(keyring: Keyring, job: Job[Any, Any]) -> Tie | None:
    """Return what writes into the records of *job* all that its options ask for; None for a plain job.

    Args:
        keyring: The App's keys.
        job: The job.

    Raises:
        InvalidOption: If an option cannot mean anything for this job.
    """
    ties = [tie for feature in FEATURES if (tie := feature(job)) is not None]
    if (tie := encryption.tie(job, keyring)) is not None:
        ties.append(tie)
    if not ties:
        return None

    def write(draft: Draft) -> None:
        for tie in ties:
            tie(draft)

    return write
