"""Time zones by name, and what shall become of times that a change of the clocks removes or repeats."""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import Literal, TypeAlias, get_args

from mainspring.base.errors import InvalidSchedule

Dst: TypeAlias = Literal["vixie", "skip", "both"]
"""What a fixed time of day does when the clocks change.

``"vixie"``, after the author of cron: a time that is missing runs once, as soon as the clocks have
changed; one that comes twice runs the first time. ``"skip"`` leaves out what is missing, ``"both"`` runs
twice what comes twice. Wildcards and intervals go by elapsed time, whichever it is.
"""

#: What `dst` may be.
DSTS: tuple[str, ...] = get_args(Dst)


def zone(name: str) -> tzinfo:
    """Return the zone with an IANA *name*.

    Raises:
        InvalidSchedule: If there is none, with those that come close.
    """
    found = _found(name)
    if found is None:
        raise InvalidSchedule(name, f"tz: no such time zone; {_closest(name)}")
    return found


def is_known(name: str) -> bool:
    """Return whether there is a zone with that name."""
    return _found(name) is not None


def _found(name: str) -> tzinfo | None:
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    # "Europe" is a folder of the zone files, which zoneinfo tries to open.
    except (KeyError, ValueError, TypeError, OSError):
        return None


def _closest(name: object) -> str:
    from difflib import get_close_matches
    from zoneinfo import available_timezones

    known = {key.casefold(): key for key in available_timezones()}
    close = get_close_matches(str(name).casefold(), known, n=2)
    if close:
        return "did you mean " + " or ".join(f'"{known[key]}"' for key in close) + "?"
    return 'write an IANA name such as "Europe/London"'
