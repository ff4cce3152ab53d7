"""What a job carries of flow control: the field ``flow`` of its record, which plain jobs do not have.

Strangers may write anything there, so it is read leniently: what makes no sense counts
as if it were not there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

#: The most gates that one job may have to pass.
MOST_GATES: Final = 16


@dataclass(frozen=True, slots=True)
class Flow:
    """What one job asks for, and what hangs on it in the store.

    Attributes:
        lock: The digest of its unique lock; empty if it has none.
        unique_for: Seconds for which the lock holds at most, counted anew at each retry; 0 without a lock.
        until_start: True if the lock is released when the job starts rather than when it has ended.
        batch: The id of its batch; empty if it is in none.
        number: Which job of the batch it is, counted from 0; -1 if it is in none.
        gates: The limits that it passes before it runs, in the order of their names.
        expires_at: Unix seconds after which it is not started any more; None for never.
        timeout: Seconds that a run may take; None for any.
        result_ttl: Seconds for which its result is kept; 0 if nobody wants it.
        fields: All of the field, known here or not.
    """

    lock: str = ""
    unique_for: float = 0.0
    until_start: bool = False
    batch: str = ""
    number: int = -1
    gates: tuple[str, ...] = ()
    expires_at: float | None = None
    timeout: float | None = None
    result_ttl: float = 0.0
    fields: Mapping[str, object] | None = None

    @classmethod
    def of(cls, field: object) -> Self | None:
        """Read the field ``flow`` of a job; None if there is none, or it is no object."""
        if not isinstance(field, dict):
            return None
        lock, batch, number = _text(field.get("lock")), _text(field.get("bid")), field.get("n")
        is_counted = isinstance(number, int) and not isinstance(number, bool) and number >= 0
        gates = field.get("gates")
        return cls(
            lock=lock,
            unique_for=_seconds(field.get("unique_for")) or 0.0 if lock else 0.0,
            until_start=field.get("until") == "start",
            batch=batch if is_counted else "",
            number=number if is_counted and batch and isinstance(number, int) else -1,
            gates=tuple(sorted({_text(gate) for gate in gates} - {""})[:MOST_GATES]) if isinstance(gates, list) else (),
            expires_at=_seconds(field.get("expires_at")),
            timeout=_seconds(field.get("timeout")),
            result_ttl=_seconds(field.get("result_ttl")) or 0.0,
            fields=field,
        )

    @property
    def is_tied(self) -> bool:
        """True if something in the store must be settled with the job."""
        return bool(self.lock or self.batch or self.gates)


def _text(value: object) -> str:
    # The columns of a script's arguments: no name of ours holds a line break or a comma.
    return value if isinstance(value, str) and value.isprintable() and "," not in value else ""


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return None
    return float(value)
