"""What nobody gets to see: the values of arguments whose names say that they are secret."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

#: What stands in their place.
HIDDEN: Final = "\N{BULLET}" * 6 + " (redacted)"


class Redactor:
    """Hides secrets in values and in texts."""

    def __init__(self, names: Sequence[str]) -> None:
        """Hide what belongs to names that contain one of *names*, in whatever case."""
        self._names = tuple(name.lower() for name in names)
        said = "|".join(map(re.escape, self._names))
        # password=..., "token": "...", in URLs, headers and reprs; bounded, so that its time is linear.
        self._text = re.compile(
            rf"""((?:{said})[\w-]{{0,40}}["']?\s{{0,3}}[=:]\s{{0,3}}["']?)([^\s"'&,;)}}\]]+)""", re.IGNORECASE
        )
        self._login = re.compile(r"(://[^\s:/@]{0,100}:)([^\s@/]{1,200})(@)")

    def value(self, value: object, name: str = "") -> object:
        """Return a JSON value with what is secret in it hidden."""
        if name and self.is_secret(name):
            return HIDDEN
        if isinstance(value, dict):
            return {key: self.value(inner, str(key)) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(inner) for inner in value]
        return self.text(value) if isinstance(value, str) else value

    def text(self, text: str) -> str:
        """Return a text, such as an error's message, with what is secret in it hidden."""
        if self._names:
            text = self._text.sub(lambda found: found[1] + HIDDEN, text)
        return self._login.sub(lambda found: found[1] + HIDDEN + found[3], text)

    def is_secret(self, name: str) -> bool:
        """Return whether *name* is that of a secret."""
        small = name.lower().replace("-", "_")
        return any(part in small for part in self._names)
