"""What keeps the schedules of two Apps on one store apart."""

from __future__ import annotations

import re

from mainspring.base.errors import InvalidName

_NAMESPACE = re.compile(r"[A-Za-z0-9_.\-]{0,100}")


def check_namespace(namespace: object) -> str:
    """Return *namespace* if it can be part of a key.

    Raises:
        InvalidName: If it is none.
    """
    if not isinstance(namespace, str) or _NAMESPACE.fullmatch(namespace) is None:
        raise InvalidName(
            f"{namespace!r:.200} is no namespace: write up to 100 letters, digits, dots, hyphens and underscores"
        )
    return namespace
