"""Requests of any kind to the dashboard: made of its tables and of the API's own description, then spoilt here and there.

A page, an action or an endpoint that is new is asked too, without a word here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final
from urllib.parse import quote, urlencode

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from mainspring.api import terms
from mainspring.web.rest import PREFIX
from mainspring.web.routes import ACTIONS, PAGES
from web.test_hostile import PAYLOADS

FORM: Final = "application/x-www-form-urlencoded"
#: What is neither a page nor an action, and what it reads of a query.
OTHERS: Final[Mapping[str, Collection[str]]] = {
    "/jobs/export": ("q", "state", "format"),
    "/-/scale": ("queue", "value"),
    "/-/ready": ("strict",),
    "/-/metrics": (),
    "/static/{name}": (),
}
NUMBERS: Final = (
    "-1",
    "0",
    "1",
    "17",
    "1e309",
    "NaN",
    "-inf",
    "9" * 5_000,
    "0x10",
    "\u0663",
    "1_0",
    "2026-11-22",
    "5m",
)
_VARIABLE: Final = re.compile(r"\{(\w+)(?::path)?\}")


class Curious(dict[str, Any]):
    """A query or a form that tells what was looked for in it."""

    def __init__(self, fields: Mapping[str, Any], sought: set[str]) -> None:
        """Hold *fields*, and add to *sought* each name that is looked for."""
        super().__init__(fields)
        self._sought = sought

    def get(self, key: str, default: Any = None) -> Any:
        """Return a field."""
        self._sought.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> Any:
        """Return a field that is there."""
        self._sought.add(key)
        return super().__getitem__(key)


@dataclass(frozen=True)
class Asked:
    """A request."""

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@cache
def texts(known: tuple[str, ...]) -> SearchStrategy[str]:
    """Return texts: what is there, what breaks the careless, numbers, anything."""
    there = st.sampled_from(known or [""])
    wild = (st.sampled_from(PAYLOADS), st.sampled_from(NUMBERS), st.text(max_size=60))
    return st.one_of(there, there, there, *wild)


@cache
def filters(known: tuple[str, ...]) -> SearchStrategy[str]:
    """Return lines of the filter language, most of which can be read."""
    words = (*terms.KEYS, "args.0", "args.user.name", "kwargs", "nothing", "")
    values = st.one_of(texts(known), st.sampled_from(("*", "a*b", ">3", "<10m", ">", ">=", '"', '"a b"', "3..5", "")))
    term = st.tuples(st.sampled_from(("", "-", "--")), st.sampled_from(words), st.sampled_from((":", "", "::")), values)
    return st.lists(term.map("".join), max_size=25).map(" ".join)


def requests(
    known: tuple[str, ...], document: Mapping[str, Any], names: Mapping[str, Collection[str]]
) -> SearchStrategy[Asked]:
    """Return requests.

    Args:
        known: Names and ids that are there.
        document: The API's description.
        names: What each page, by its path, reads of a query, and each action, by its name, of a form.
    """
    pages = st.one_of([_looks(page.path, known, names[page.path]) for page in PAGES])
    acts = st.one_of([_acts(action.name, known, names[action.name]) for action in ACTIONS])
    others = st.one_of([_looks(path, known, read) for path, read in OTHERS.items()])
    wild = st.builds(
        Asked,
        st.sampled_from(("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS")),
        st.text(max_size=30).map(lambda text: "/" + quote(text, safe="/%?&=;.")),
        st.binary(max_size=40),
    )
    # Not one_of: it would take each endpoint for as likely as all that is strange.
    kinds = (*(pages, acts, calls(known, document)) * 3, others, wild)
    return st.sampled_from(kinds).flatmap(lambda kind: kind)


def _looks(path: str, known: tuple[str, ...], read: Collection[str]) -> SearchStrategy[Asked]:
    said = texts(known)
    queries = st.fixed_dictionaries({}, optional={each: st.one_of(said, filters(known)) for each in sorted(read)})
    return st.builds(_look, st.just(path), st.lists(said, min_size=2, max_size=2), queries, st.sampled_from(("", "1")))


def _acts(name: str, known: tuple[str, ...], read: Collection[str]) -> SearchStrategy[Asked]:
    said = texts(known)
    forms = st.fixed_dictionaries({}, optional={each: st.one_of(said, filters(known)) for each in sorted(read)})
    marked = st.builds("{} {}".format, said, st.sampled_from(known or ["x"]))
    return st.builds(_act, st.just(name), forms, st.lists(marked, max_size=3))


def calls(known: tuple[str, ...], document: Mapping[str, Any]) -> SearchStrategy[Asked]:
    """Return calls of the API, by its description."""
    every = [
        _call(known, document, path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    return st.one_of(every)


def _look(path: str, values: Sequence[str], query: Mapping[str, str], live: str) -> Asked:
    headers = {"x-mainspring-live": live} if live else {}
    return Asked("GET", _filled(path, values) + _query(query), headers=headers)


def _act(name: str, form: Mapping[str, str], ticks: Sequence[str]) -> Asked:
    pairs = [*form.items(), *(("job", tick) for tick in ticks)]
    headers = {"content-type": FORM, "sec-fetch-site": "same-origin"}
    return Asked("POST", f"/actions/{name}", urlencode(pairs, errors="surrogatepass").encode(), headers)


def _call(
    known: tuple[str, ...], document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]
) -> SearchStrategy[Asked]:
    said = texts(known)
    names = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"]
    query: SearchStrategy[dict[str, str]] = st.just({})
    if names:
        query = st.dictionaries(st.sampled_from(names), st.one_of(said, filters(known)), max_size=len(names))
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    body: SearchStrategy[bytes] = st.just(b"")
    if content is not None:
        valid = values(content["schema"], document["components"]["schemas"], said)
        body = st.one_of(valid.map(_json), valid.map(_json), spoilt(valid, said), st.binary(max_size=40))
    headers = {"content-type": "application/json", "sec-fetch-site": "same-origin"}
    return st.builds(
        lambda parts, query, body: Asked(
            method.upper(), PREFIX + _filled(path, parts) + _query(query), body, headers if content else {}
        ),
        st.lists(said, min_size=2, max_size=2),
        query,
        body,
    )


def values(schema: Mapping[str, Any], schemas: Mapping[str, Any], said: SearchStrategy[str]) -> SearchStrategy[object]:
    """Return values that fit a JSON schema, as far as the API's description needs it."""
    if "$ref" in schema:
        return values(schemas[schema["$ref"].rpartition("/")[2]], schemas, said)
    if "anyOf" in schema:
        return st.one_of([values(each, schemas, said) for each in schema["anyOf"]])
    kind = schema.get("type")
    if kind == "object" and "properties" in schema:
        fields = {name: values(each, schemas, said) for name, each in schema["properties"].items()}
        needed = {name: each for name, each in fields.items() if name in schema.get("required", ())}
        return st.fixed_dictionaries(
            needed, optional={name: each for name, each in fields.items() if name not in needed}
        )
    if kind == "array":
        return st.lists(values(schema.get("items", {}), schemas, said), max_size=3)
    simple: dict[object, SearchStrategy[object]] = {
        "string": said,
        "integer": st.integers(-(10**20), 10**20),
        "number": st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(10**9), 10**9)),
        "boolean": st.booleans(),
        "null": st.none(),
        "object": st.dictionaries(said, any_json(said), max_size=3),
    }
    return simple.get(kind, any_json(said))


@cache
def any_json(said: SearchStrategy[str]) -> SearchStrategy[object]:
    """Return any JSON."""
    leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), said)
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(said, inner, max_size=3), max_leaves=5
    )


def spoilt(valid: SearchStrategy[object], said: SearchStrategy[str]) -> SearchStrategy[bytes]:
    """Return bodies in which one field is of another type, is missing, or is one too many."""

    def spoil(value: object, name: str, other: object, way: int) -> bytes:
        if not isinstance(value, dict) or way == 0:
            return _json(other)
        if way == 1:
            return _json(dict.fromkeys(value, other))
        return _json({**dict(list(value.items())[1:]), **({name: other} if way == 2 else {})})

    return st.builds(spoil, valid, said, any_json(said), st.integers(0, 3))


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _filled(path: str, parts: Sequence[str]) -> str:
    left = iter(parts)
    return _VARIABLE.sub(lambda _: quote(next(left, "x"), safe="", errors="surrogatepass"), path)


def _query(query: Mapping[str, str]) -> str:
    return "?" + urlencode(query, errors="surrogatepass") if query else ""
