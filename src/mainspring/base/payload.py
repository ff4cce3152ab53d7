"""The wire record: a job as it lies in the store, which is Sidekiq's format.

Reading is lenient, because Ruby and old versions write it too: only what is
needed to run a job is insisted on. What we do not know is kept as it came.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from mainspring.base import codec, flow
from mainspring.base.errors import InvalidName, InvalidPayload
from mainspring.base.flow import Flow

#: The longest job accepted, and the length from which one is warned of, in bytes.
LIMIT: Final = 1_000_000
WARN: Final = 100_000

#: What failures and recoveries may add to a job that was accepted, in bytes: a text, a backtrace, times.
MARGIN: Final = 200_000

#: The longest error text, and the longest name of a class or line of a backtrace, kept with a job, in characters.
ERROR_TEXT: Final = 10_000
ERROR_LINE: Final = 1_000

#: How many blanks before its last brace a job may have, so that something can be noted in it.
_BLANK: Final = 100

_QUEUE_NAME = re.compile(r"[A-Za-z0-9_:.\-]{1,200}")
_MILLISECONDS: Final = 1e11


class Payload(msgspec.Struct, frozen=True, gc=False):
    """What a worker reads of a job.

    It holds JSON only, which has no cycles, so Python's collector need not visit it.

    Attributes:
        name: The job's name; ``class`` on the wire.
        jid: The job's id, 24 hex digits if we or Sidekiq made it.
        args: Positional arguments, as JSON.
        kwargs: Keyword arguments, as JSON.
        queue: The queue it was pushed to.
        retry: True, False, or how many retries it may have; None if nothing was said.
        retry_queue: Where its retries go; None for the queue it came from.
        retry_count: Retries made so far, 0 after the first failure; None before it.
        retry_for: Seconds for which it may be retried; None for a number of retries.
        dead: False if it shall be dropped rather than kept dead.
        created_at: When it was first enqueued: seconds or milliseconds, see `unix`.
        enqueued_at: When it was last put into a queue, likewise.
        failed_at: When it first failed, likewise.
        tags: Words for people.
        carry: Context variables that travel with it.
        recovered: Unix seconds of the deaths of processes that it was running in.
        periodic: Of which entry's tick it is the job; read by `context`, which trusts nothing in it.
        flow: What it asks for of flow control, as far as it makes sense; None for a plain job.
    """

    name: str = msgspec.field(name="class")
    jid: str
    args: list[Any] = msgspec.field(default_factory=list)
    kwargs: dict[str, Any] = msgspec.field(default_factory=dict)
    queue: Any = None
    retry: Any = None
    retry_queue: Any = None
    retry_count: Any = None
    retry_for: Any = None
    dead: Any = None
    created_at: Any = None
    enqueued_at: Any = None
    failed_at: Any = None
    tags: Any = None
    carry: Any = None
    recovered: Any = None
    periodic: Any = None
    flow: Flow | None = None


class _Anyhow(Payload, frozen=True, gc=False):
    """A job whose field ``flow`` makes no sense in part."""

    flow: Any = None


class _Outline(msgspec.Struct, gc=False):
    """What of a job is read although it is too long; the rest is passed over, so that it takes no memory."""

    name: Any = msgspec.field(name="class", default=None)
    jid: Any = None
    error_class: Any = None


_decoder = msgspec.json.Decoder(Payload)
_lenient = msgspec.json.Decoder(_Anyhow)
_skimmer = msgspec.json.Decoder(_Outline)


def read(data: bytes, limit: int = LIMIT) -> Payload:
    """Read a job.

    Args:
        data: The job as it is stored.
        limit: The longest job that may be pushed, in bytes; what failures added to it is allowed for.

    Raises:
        InvalidPayload: If it is too long, is not JSON, or has no class, jid or list of arguments.
    """
    if len(data) > limit:
        check_length(data, limit)
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        # What makes no sense in its flow alone is passed over.
        return _leniently(data)


def _leniently(data: bytes) -> Payload:
    try:
        found = _lenient.decode(data)
    except msgspec.ValidationError as error:
        raise InvalidPayload("invalid", f"no job: {error}") from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidPayload("not_json", f"not JSON: {error}") from error
    return msgspec.structs.replace(found, flow=flow.read(found.flow))


def check_length(data: bytes, limit: int) -> None:
    """Refuse a job that no client of ours can have pushed, before it is read.

    Read, it may take twenty times its length of memory.

    Raises:
        InvalidPayload: If it is longer than *limit* and what failures may have added.
    """
    if len(data) <= limit + MARGIN:
        return
    found = _skimmed(data)
    job = f"{found.name} {found.jid}"[:ERROR_LINE] if found else "a job"
    raise InvalidPayload(
        "too_large",
        f"{job} is {len(data):,} bytes long and the limit is {limit:,};"
        " store the document elsewhere and pass its id, or raise MAINSPRING_PAYLOAD_LIMIT",
    )


def _skimmed(data: bytes) -> _Outline | None:
    try:
        return _skimmer.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None


def note(data: bytes, error: Mapping[str, str]) -> bytes:
    """Return what notes *error* in a job that is too long to be read, in the place of its last byte.

    Returns:
        Empty where that cannot be done: it is no JSON object, or nothing but one; or has an error noted already.
    """
    found = _skimmed(data) if data.endswith(b"}") else None
    if found is None or found.error_class is not None or data[-_BLANK:-1].rstrip()[-1:] in (b"", b"{"):
        return b""
    return b"," + codec.encode(error)[1:]


def noted(data: bytes, error: Mapping[str, str]) -> bytes:
    """Return a job that is too long to be read, with *error* noted at its end; as it is where that cannot be done."""
    end = note(data, error)
    return b"".join((memoryview(data)[:-1], end)) if end else data


def fields(data: bytes) -> dict[str, Any]:
    """Read all fields of a job, in order, known or not, so that it can be written again.

    Raises:
        InvalidPayload: If it is no JSON object.
    """
    record = codec.decode(data)
    if not isinstance(record, dict):
        raise InvalidPayload("invalid", f"no job: a JSON {type(record).__name__}, not an object")
    return record


def changed(data: bytes, changes: Mapping[str, Any]) -> bytes:
    """Return the job *data* with *changes* made; a change to None takes the field away."""
    record = fields(data) | dict(changes)
    return codec.encode({name: value for name, value in record.items() if value is not None or name not in changes})


def unix(value: Any) -> float | None:
    """Return a time of the wire in unix seconds.

    Sidekiq up to 7 writes seconds as a float, 8 milliseconds as an integer; both may
    stand in one job. What is neither is nothing.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value / 1000 if isinstance(value, int) and value > _MILLISECONDS else float(value)
    except OverflowError:
        return None


def check_queue(name: str) -> str:
    """Return *name* if it can name a queue.

    Raises:
        InvalidName: If it is empty, too long, or has characters that Sidekiq's pages refuse.
    """
    if not isinstance(name, str) or not _QUEUE_NAME.fullmatch(name):
        raise InvalidName(f"{name!r} cannot name a queue: use 1 to 200 letters, digits and _ : . -")
    return name


def pack_backtrace(lines: Sequence[str]) -> str:
    """Return a backtrace as Sidekiq stores it: JSON, deflated, in base64."""
    import base64
    import json
    import zlib

    # A file's name may hold bytes that are no text: noting a failure must not fail for that.
    text = json.dumps(list(lines), ensure_ascii=False).encode("utf-8", "replace")
    return base64.b64encode(zlib.compress(text)).decode()


def unpack_backtrace(text: Any) -> list[str]:
    """Return the lines of a stored backtrace; empty if there is none, or it cannot be read."""
    if isinstance(text, list):
        return [str(line) for line in text]
    import base64
    import json
    import zlib

    try:
        # A hostile text may inflate to gigabytes: only its beginning is.
        data = zlib.decompressobj().decompress(base64.b64decode(str(text)), 1_000_000)
        lines = json.loads(data)
    except (ValueError, RecursionError, zlib.error):
        return []
    return [str(line) for line in lines] if isinstance(lines, list) else []
