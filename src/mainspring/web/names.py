"""Names in paths: strangers call queues, processes and entries what they like, line breaks included."""

from __future__ import annotations

from typing import Final

from starlette.convertors import Convertor, register_url_convertor

_KIND: Final = "mainspring_name"


class _Name(Convertor[str]):
    # Starlette's own kind for texts with slashes ends at a line break.
    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


def any_text(path: str) -> str:
    """Return the path of a route whose last part, ``{name:path}``, matches any text at all."""
    register_url_convertor(_KIND, _Name())
    return path.replace(":path}", f":{_KIND}}}")
