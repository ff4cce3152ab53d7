"""The JSON API: every endpoint of the tables, behind the same sign-in and the same permissions as the pages."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mainspring.app import App
from mainspring.base.errors import (
    BatchNotFound,
    InvalidDuration,
    InvalidFilter,
    InvalidName,
    InvalidOption,
    InvalidPayload,
    InvalidSchedule,
    PayloadTooLarge,
    PushAmbiguous,
    PushFailed,
    StoreError,
    UnknownEntry,
    UnknownJob,
    WrongArguments,
)
from mainspring.web import errors, names, openapi, security, shapes
from mainspring.web.deeds import DEEDS
from mainspring.web.endpoint import Call, Endpoint, Failed
from mainspring.web.endpoints import LOOKS
from mainspring.web.entrance import Entrance, base_of, inner_path, user_of
from mainspring.web.errors import Problem
from mainspring.web.redaction import Redactor
from mainspring.web.settings import Settings
from mainspring.web.view import Gone, Unable

#: Where it stands within the dashboard.
PREFIX: Final = "/api/v1"
#: All that it can.
ENDPOINTS: Final[tuple[Endpoint, ...]] = (*LOOKS, *DEEDS)
#: Bytes of a body.
MOST_BYTES: Final = 256 * 1024
_MOST_VALUES: Final = 50
_LONGEST_VALUE: Final = 4_000
_JSON: Final = "application/json"
_STORELESS: Final = "The store does not answer, or refuses; if something was to be done, perhaps it was not. Try again."
_WRONG: Final = (
    *(InvalidDuration, InvalidFilter, InvalidName, InvalidOption, InvalidPayload, InvalidSchedule),
    *(PayloadTooLarge, WrongArguments),
)
_ABSENT: Final = (BatchNotFound, Gone, UnknownEntry, UnknownJob)

Serve: TypeAlias = Callable[[Request], Awaitable[Response]]


def is_api(request: Request) -> bool:
    """Return whether *request* is one of a program's."""
    return inner_path(request.scope).startswith("/api/")


def refusal(_: Request, problem: Problem) -> Response:
    """Return *problem* as RFC 9457 has it."""
    # The path is not among it: who is not let in learns nothing of what is there.
    told = shapes.Problem(problem.title, problem.status, problem.text, problem.key)
    return Response(_written(told), problem.status, dict(problem.headers), "application/problem+json")


@dataclass(frozen=True, slots=True)
class Rest:
    """Serves the endpoints.

    Attributes:
        app: Whose store it is.
        settings: The dashboard's.
        entrance: Knows who may.
        changed: Called after something was done, so that the pages look anew.
    """

    app: App
    settings: Settings
    entrance: Entrance
    changed: Callable[[], None]

    def routes(self) -> list[Route]:
        """Return where each endpoint is found, and let each need its role."""
        for endpoint in ENDPOINTS:
            if endpoint.role:
                self.entrance.needs(endpoint.permission, endpoint.role)
        return [
            Route(f"{PREFIX}/openapi.json", self._described, methods=["GET"]),
            *(
                Route(names.any_text(PREFIX + each.path), self._served(each), methods=[each.method], name=each.path)
                for each in ENDPOINTS
            ),
        ]

    async def _described(self, request: Request) -> Response:
        document = openapi.document(ENDPOINTS, self.settings.title, base_of(request.scope) + PREFIX)
        return Response(json.dumps(document, indent=1), media_type=_JSON)

    def _served(self, endpoint: Endpoint) -> Serve:
        async def serve(request: Request) -> Response:
            body: object = None
            if endpoint.method not in security.SAFE:
                why = security.objection(request, self.settings.trusted_origins)
                if why:
                    return refusal(request, errors.refused(why))
            if endpoint.takes is not None:
                body = await _body(request, endpoint.takes)
                if isinstance(body, Problem):
                    return refusal(request, body)
            return await run_in_threadpool(self._answer, endpoint, request, body)

        return serve

    def _answer(self, endpoint: Endpoint, request: Request, body: object) -> Response:
        user, resource = user_of(request), _resource(endpoint, body)
        if not self.entrance.may(user, endpoint.permission, resource):
            return refusal(request, errors.forbidden(endpoint.permission, resource))
        query = _query(request)
        redactor = Redactor(self.settings.redact)
        path = dict(request.path_params)
        call = Call(self.app, path, query, body, user, self.app.time.now(), self.settings, redactor)
        answer = _run(endpoint, call)
        if isinstance(answer, Problem):
            return refusal(request, answer)
        if endpoint.method not in security.SAFE:
            self.changed()
        return Response(_written(answer), media_type=_JSON)


def _run(endpoint: Endpoint, call: Call) -> object:
    """Return what an endpoint answers, or why it does not."""
    try:
        return endpoint.run(call)
    except Failed as error:
        return Problem(error.status, "It cannot be done", str(error))
    except _ABSENT as error:
        return errors.nowhere(str(error))
    except Unable as error:
        return Problem(409, "It cannot be done", str(error))
    except _WRONG as error:
        return Problem(400 if endpoint.method in security.SAFE else 422, "That means nothing", str(error))
    except (StoreError, PushFailed, PushAmbiguous):
        return Problem(503, "The store does not answer", _STORELESS, headers={"retry-after": "5"})


async def _body(request: Request, kind: type[msgspec.Struct]) -> object:
    """Return what was sent, or why it cannot be read."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
        return Problem(415, "Not JSON", f"Nothing was changed: bodies come as {_JSON}.")
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > MOST_BYTES:
            return Problem(413, "Too large", f"Nothing was changed: a body has at most {MOST_BYTES // 1024} kB.")
    try:
        return msgspec.json.decode(bytes(data), type=kind)
    except msgspec.ValidationError as error:
        return Problem(422, "That means nothing", f"Nothing was changed: {error}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Problem(400, "Not JSON", f"Nothing was changed: {error}")


def _query(request: Request) -> Mapping[str, str]:
    query: dict[str, str] = {}
    for name, value in request.query_params.multi_items()[:_MOST_VALUES]:
        query.setdefault(name, value[:_LONGEST_VALUE])
    return query


def _resource(endpoint: Endpoint, body: object) -> str:
    found = getattr(body, endpoint.resource, "") if endpoint.resource else ""
    if isinstance(found, list):
        return str(found[0]) if len(found) == 1 else ""
    return str(found)


def _written(answer: object) -> bytes:
    try:
        return msgspec.json.encode(answer)
    except UnicodeEncodeError:
        # Strangers' texts may hold half a surrogate pair, which only an escape can say.
        return json.dumps(msgspec.to_builtins(answer), allow_nan=False).encode()
