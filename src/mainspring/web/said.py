"""What an action has said, until the next page shows it: in a cookie, since the dashboard keeps no sessions."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from mainspring.web.entrance import base_of

_NAME: Final = "mainspring_said"
#: Seconds for which it waits for the page.
_KEPT: Final = 10
_LONGEST: Final = 500


def write(request: Request, response: Response, text: str) -> None:
    """Let the next page show *text*."""
    coded = base64.urlsafe_b64encode(text[:_LONGEST].encode("utf-8", "replace")).decode()
    response.set_cookie(
        _NAME, coded, max_age=_KEPT, path=base_of(request.scope) or "/", httponly=True, samesite="strict"
    )


def read(request: Request) -> str:
    """Return what the action before this page said; empty if there was none."""
    try:
        return base64.urlsafe_b64decode(request.cookies.get(_NAME, "")[: 4 * _LONGEST]).decode()
    except (binascii.Error, ValueError):
        return ""


def forget(request: Request, response: Response) -> None:
    """Show it no more."""
    if _NAME in request.cookies:
        response.delete_cookie(_NAME, path=base_of(request.scope) or "/", httponly=True, samesite="strict")
