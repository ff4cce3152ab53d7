"""A copy of a stored job: the same call, as a job of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mainspring.base.errors import InvalidOption
from mainspring.push import Push, new_jid

#: What a run, a failure or a process has written into a job; and which tick it was for.
_OF_RUNS: Final = frozenset(
    {
        "enqueued_at",
        "error_backtrace",
        "error_class",
        "error_message",
        "error_signature",
        "failed_at",
        "periodic",
        "recovered",
        "retried_at",
        "retry_count",
    }
)
#: What of flow control is asked for by the call; all else belongs to the one job, as a lock and a batch do.
_OF_CALLS: Final = frozenset({"gates", "timeout", "result_ttl", "history"})


def copy(fields: Mapping[str, object], *, now: float) -> Push:
    """Return the push of a new job with the class, arguments and options of another.

    It is in no batch, takes no unique lock, and counts no failures. `Client.enqueue_raw` stores it.

    Args:
        fields: All fields of the other's record.
        now: Unix seconds.

    Raises:
        InvalidOption: If it has no class, or its arguments are encrypted, which binds them to its id.
    """
    name, queue, flow = fields.get("class"), fields.get("queue"), fields.get("flow")
    if not name or not isinstance(name, str) or not isinstance(fields.get("args"), list):
        raise InvalidOption("it has no class or no arguments, so there is nothing to copy")
    kept = {key: value for key, value in fields.items() if key not in _OF_RUNS | {"flow"}}
    if isinstance(flow, dict):
        if flow.get("encrypt"):
            raise InvalidOption("its arguments are encrypted for its own id, so that no other job can use them")
        kept["flow"] = {key: value for key, value in flow.items() if key in _OF_CALLS}
    if not kept.get("flow"):
        kept.pop("flow", None)
    jid = new_jid()
    kept |= {"jid": jid, "created_at": now}
    return Push(name, jid, queue if queue and isinstance(queue, str) else "default", None, kept)
