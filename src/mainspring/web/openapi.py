"""Describes the JSON API as OpenAPI 3.1, by its tables. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from mainspring.__about__ import __version__
from mainspring.web.endpoint import Endpoint, Param
from mainspring.web.shapes import Problem

_REF: Final = "#/components/schemas/{name}"
_VARIABLE: Final = re.compile(r"\{(\w+)(?::path)?\}")


def document(endpoints: Sequence[Endpoint], title: str, url: str) -> dict[str, object]:
    """Return the whole description.

    Args:
        endpoints: All there are.
        title: The dashboard's.
        url: Where they stand.
    """
    kinds = {kind for each in endpoints for kind in (each.returns, each.takes) if kind is not None} | {Problem}
    ordered = sorted(kinds, key=lambda kind: kind.__name__)
    _, schemas = msgspec.json.schema_components(ordered, schema_hook=_anything, ref_template=_REF)
    paths: dict[str, dict[str, object]] = {}
    for each in endpoints:
        paths.setdefault(_path(each), {})[each.method.lower()] = _operation(each)
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{title}: jobs", "version": __version__},
        "servers": [{"url": url}],
        "security": [{"token": []}, {"browser": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "browser": {"type": "http", "scheme": "basic"},
            },
        },
    }


def _anything(_: type) -> dict[str, object]:
    """Return the schema of a job's arguments and of what else may be any JSON."""
    return {"description": "Any JSON."}


def _path(endpoint: Endpoint) -> str:
    return _VARIABLE.sub(r"{\1}", endpoint.path)


def _operation(endpoint: Endpoint) -> dict[str, object]:
    words = re.findall(r"\w+", _path(endpoint))
    operation: dict[str, object] = {
        "operationId": "_".join([endpoint.method.lower(), *words]),
        "summary": endpoint.summary,
        "description": f"Needs the permission {endpoint.permission}.",
        "tags": [words[0]],
        "responses": {
            "200": {"description": "It is so.", "content": _content(endpoint.returns)},
            "default": {"description": "Why not.", "content": _content(Problem, "application/problem+json")},
        },
    }
    variables = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _VARIABLE.findall(endpoint.path)
    ]
    parameters = [*variables, *map(_parameter, endpoint.params)]
    if parameters:
        operation["parameters"] = parameters
    if endpoint.takes is not None:
        operation["requestBody"] = {"required": True, "content": _content(endpoint.takes)}
    return operation


def _parameter(param: Param) -> dict[str, object]:
    schema: dict[str, object] = {"type": "string"}
    if param.choices:
        schema["enum"] = list(param.choices)
    return {"name": param.name, "in": "query", "description": param.told, "schema": schema}


def _content(kind: type[msgspec.Struct], media: str = "application/json") -> dict[str, object]:
    return {media: {"schema": {"$ref": _REF.format(name=kind.__name__)}}}
