"""Hands out the jobs that a filter means as CSV or NDJSON, row by row and without secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final, Literal

from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from mainspring.api import export, terms
from mainspring.app import App
from mainspring.base.errors import InvalidFilter, InvalidOption, StoreError
from mainspring.web import calls
from mainspring.web.asking import asked
from mainspring.web.errors import Problem
from mainspring.web.languages import say, told
from mainspring.web.redaction import Redactor
from mainspring.web.serving import Pages

_TYPES: Final = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}
_LONGEST: Final = 4_000


class Exports:
    """Answers ``/jobs/export?q=&state=&format=csv|ndjson``."""

    def __init__(self, app: App, pages: Pages, secrets: Sequence[str]) -> None:
        """Export the jobs of *app*'s store, without what *secrets* name."""
        self._app = app
        self._pages = pages
        self._redactor = Redactor(secrets)

    @property
    def routes(self) -> list[Route]:
        """Where they are; to be asked before the page of a job, which takes any id."""
        return [Route("/jobs/export", self._serve, methods=["GET"], name="export")]

    async def _serve(self, request: Request) -> Response:
        query = request.query_params
        kind: Literal["csv", "ndjson"] = "ndjson" if query.get("format") == "ndjson" else "csv"
        state = query.get("state") or None
        try:
            rows = await run_in_threadpool(self._rows, query.get("q", "")[:_LONGEST], state, kind)
        except (InvalidFilter, InvalidOption) as error:
            return self._pages.problem(request, Problem(400, say("Nothing to export"), told(error)))
        except StoreError:
            return self._pages.problem(
                request, Problem(503, say("Nothing to export"), say("The store does not answer."))
            )
        name = f"jobs-{state}.{kind}" if state in terms.STATES else f"jobs.{kind}"
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return StreamingResponse(iterate_in_threadpool(_whole(rows, kind)), media_type=_TYPES[kind], headers=headers)

    def _rows(self, query: str, state: str | None, kind: Literal["csv", "ndjson"]) -> Iterator[bytes]:
        redact = partial(redacted, self._app, self._redactor)
        rows = export.rows(self._app, asked(query, self._redactor), state, format=kind, redact=redact)
        # What is wrong is told before the answer begins.
        first = next(rows, b"")
        return (part for parts in ((first,), rows) for part in parts)


def redacted(app: App, redactor: Redactor, row: Mapping[str, object]) -> Mapping[str, object]:
    """Return a row without what is secret in it: by the names of parameters, within values, and in the error's text."""
    names, args, message = calls.parameters(app, str(row["class"])), row["args"], row["error_message"]
    return {
        **row,
        "args": calls.redacted_args(names, args, redactor) if isinstance(args, list | tuple) else (),
        "kwargs": redactor.value(row["kwargs"]),
        "error_message": redactor.text(message) if isinstance(message, str) else message,
    }


def _whole(rows: Iterator[bytes], kind: str) -> Iterator[bytes]:
    """Yield all rows; where the store goes away meanwhile, a last one that says that more are missing."""
    try:
        yield from rows
    except StoreError:
        text = "incomplete: the store does not answer any more"
        yield f'{{"error":"{text}"}}\n'.encode() if kind == "ndjson" else f"{text}\r\n".encode()
