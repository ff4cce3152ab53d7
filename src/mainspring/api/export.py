"""Jobs as CSV or NDJSON, row by row, so that a million of them take no more memory than a page."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Literal, Protocol, TypeAlias

from mainspring.api.answers import failed_at, state_of
from mainspring.api.jobs import StoredJob
from mainspring.api.query import Query, as_query
from mainspring.api.search import Found
from mainspring.base import codec
from mainspring.base.errors import InvalidOption, InvalidPayload

Format: TypeAlias = Literal["csv", "ndjson"]
#: Takes a row, by the names of `COLUMNS`, and returns it as it may be shown.
Redact: TypeAlias = Callable[[dict[str, object]], Mapping[str, object]]

#: What a row has. Times are unix seconds in NDJSON, and ISO 8601 in CSV.
COLUMNS: Final = (
    "jid", "state", "class", "queue", "args", "kwargs", "tags", "created_at", "enqueued_at", "at", "failed_at",
    "attempts", "error_class", "error_message", "process",
)  # fmt: skip
_TIMES: Final = frozenset({"created_at", "enqueued_at", "at", "failed_at"})
#: A spreadsheet takes a cell that begins so for a formula, which may send what stands beside it anywhere
#: (https://owasp.org/www-community/attacks/CSV_Injection).
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
#: How many rows are handed over at once.
_CHUNK: Final = 1_000


class Searching(Protocol):
    """The App, so far as it searches."""

    def search(
        self, query: str | Query = ..., *, state: str | None = ..., cursor: str = ..., count: int = ...
    ) -> Found:
        """Return a page of jobs."""


def rows(
    app: Searching,
    query: str | Query = "",
    state: str | None = None,
    *,
    format: Format = "csv",  # noqa: A002 - the field's word
    redact: Redact | None = None,
) -> Iterator[bytes]:
    """Yield the jobs that *query* means, as text of one or more lines each time, whatever their number.

    Args:
        app: The App.
        query: Which jobs.
        state: Where they are; None for all.
        format: ``csv``, with a line of names first, or ``ndjson``, a JSON object on each line.
        redact: Called with each row; what it returns is written. A name that it leaves out is an empty cell.

    Raises:
        InvalidFilter: If *query* cannot be read.
        InvalidOption: If there is no such format or state.
    """
    asked = as_query(query)
    if format not in {"csv", "ndjson"}:
        raise InvalidOption(f"format={format!r}: must be 'csv' or 'ndjson'")
    found = app.search(asked, state=state, count=_CHUNK)
    return _written(app, asked, state, found, _lines if format == "csv" else _objects, redact or dict)


def _written(
    app: Searching, query: Query, state: str | None, found: Found, write: Callable[..., bytes], redact: Redact
) -> Iterator[bytes]:
    if write is _lines:
        yield _lines([dict(zip(COLUMNS, COLUMNS, strict=True))])
    seen = frozenset[bytes]()
    while True:
        # A job that moves on while it is exported may be in it twice, but not beside itself.
        fresh = [job for job in found.jobs if job.raw not in seen]
        if fresh:
            yield write([redact(record(job)) for job in fresh])
        if not found.cursor:
            return
        seen = frozenset(job.raw for job in found.jobs)
        found = app.search(query, state=state, cursor=found.cursor, count=_CHUNK)


def record(job: StoredJob) -> dict[str, object]:
    """Return what a row says of *job*, by the names of `COLUMNS`; times in unix seconds."""
    values: Sequence[object] = (
        job.jid,
        state_of(job),
        job.display_name,
        job.queue,
        job.args,
        job.kwargs,
        job.tags,
        job.created_at,
        job.enqueued_at,
        job.at,
        failed_at(job),
        0 if job.retry_count is None else job.retry_count + 1,
        job.error_class,
        job.error_message,
        job.process,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _objects(records: Iterable[Mapping[str, object]]) -> bytes:
    return b"".join(_json(row) + b"\n" for row in records)


def _lines(records: Iterable[Mapping[str, object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([_cell(name, row.get(name)) for name in COLUMNS] for row in records)
    return text.getvalue().encode("utf-8", "replace")


def _cell(name: str, value: object) -> str:
    if value is None:
        return ""
    if name in _TIMES and isinstance(value, int | float):
        return _iso(value)
    text = value if isinstance(value, str) else _json(value).decode("utf-8", "replace")
    return f"'{text}" if text.startswith(_FORMULAS) else text


def _iso(moment: float) -> str:
    try:
        return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return ""


def _json(value: object) -> bytes:
    try:
        return codec.encode(value)
    except InvalidPayload:
        return codec.encode(str(value).encode("utf-8", "replace").decode())
