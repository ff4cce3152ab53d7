"""The filter that a person has typed; what is hidden from them cannot be asked for either."""

from __future__ import annotations

from typing import Final

from mainspring.api.query import Query, parse
from mainspring.base.errors import InvalidFilter
from mainspring.base.phrases import phrase
from mainspring.web.redaction import Redactor

_ARGUMENT: Final = "args."


def asked(text: str, redactor: Redactor) -> Query:
    """Return what *text* means.

    Whoever may ask for ``args.password:a*`` and then for ``args.password:ab*`` reads the password in the end.

    Args:
        text: As it was typed.
        redactor: Knows what is hidden.

    Raises:
        InvalidFilter: If it cannot be read, or asks for an argument that is hidden.
    """
    query = parse(text)
    for term in query.terms:
        name = term.key.removeprefix(_ARGUMENT)
        if name != term.key and redactor.is_secret(name):
            raise InvalidFilter(term.key, phrase("{key}: what is hidden cannot be searched for", key=term.key))
    return query
