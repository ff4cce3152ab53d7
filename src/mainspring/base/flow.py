"""What a job carries of flow control: the field ``flow`` of its record, which plain jobs do not have.

Strangers may write anything there, so it is read leniently: what makes no sense counts
as if it were not there.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

#: The most gates that one job may have to pass.
MOST_GATES: Final = 16

#: The longest time that means anything, in seconds, as a distance and as a moment: what is longer overflows somewhere.
LONGEST: Final = 1e10
# Scripts count in doubles, which are exact up to here.
_MOST: Final = 2**53

Seconds = Annotated[float, msgspec.Meta(ge=0, le=LONGEST)]
# Scripts are given them in one argument, parted by commas.
Entry = Annotated[str, msgspec.Meta(pattern="^([^:]*:.+)?$", max_length=500)]
Gate = Annotated[str, msgspec.Meta(pattern="^[^,]+$", max_length=300)]


class Flow(msgspec.Struct, frozen=True, gc=False):
    """What one job asks for, and what hangs on it in the store.

    Attributes:
        lock: The digest of its unique lock; empty if it has none.
        unique_for: Seconds for which the lock holds at most, counted anew at each retry; 0 without a lock.
        until: ``"start"`` if the lock is released when the job starts rather than when it has ended.
        batch: The id of its batch, ``bid`` on the wire; empty if it is in none.
        number: Which job of the batch it is, counted from 0, ``n`` on the wire; -1 if it is in none.
        gates: The limits that it passes before it runs.
        expires_at: Unix seconds after which it is not started any more; None for never.
        timeout: Seconds that a run may take; None for any.
        result_ttl: Seconds for which its result is kept; 0 if nobody wants it.
        encrypt: What of its arguments nobody may read in the store; read by `features.encryption`.
        limited: How often it was put off since a limit was reached.
        history: Seconds for which its runs are kept, and it itself when it is done; 0 if only failures are.
        entry: Namespace, colon, and name of the periodic entry that wants to know how its runs end; empty for none.
    """

    lock: str = ""
    unique_for: Seconds = 0.0
    until: str = ""
    batch: str = msgspec.field(name="bid", default="")
    number: Annotated[int, msgspec.Meta(ge=-1, le=_MOST)] = msgspec.field(name="n", default=-1)
    gates: Annotated[tuple[Gate, ...], msgspec.Meta(max_length=MOST_GATES)] = ()
    expires_at: Seconds | None = None
    timeout: Seconds | None = None
    result_ttl: Seconds = 0.0
    encrypt: object = None
    limited: Annotated[int, msgspec.Meta(ge=0, le=_MOST)] = 0
    history: Seconds = 0.0
    entry: Entry = ""

    @property
    def bounds_run(self) -> bool:
        """True if it may keep the job from running, or bounds its run; a lock that is held until the end does not."""
        return bool(
            self.until
            or self.batch
            or self.expires_at is not None
            or self.timeout is not None
            or self.encrypt is not None
        )

    @property
    def is_tied(self) -> bool:
        """True if something in the store must be settled with the job."""
        return bool(self.lock or (self.batch and self.number >= 0) or self.gates)


def read(field: object) -> Flow | None:
    """Read the field ``flow`` of a job; None if there is none, or it is no object."""
    if not isinstance(field, dict):
        return None
    try:
        return msgspec.convert(field, Flow)
    except (msgspec.ValidationError, RecursionError):
        return _what_makes_sense(field)


def _what_makes_sense(field: dict[str, Any]) -> Flow:
    kept: dict[str, Any] = {}
    for name, value in field.items():
        try:
            msgspec.convert({name: value}, Flow)
        except (msgspec.ValidationError, RecursionError):
            continue
        kept[name] = value
    return msgspec.convert(kept, Flow)
