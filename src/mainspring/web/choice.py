"""Which language a person has chosen: in a cookie, since the dashboard keeps no sessions."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from mainspring.web.entrance import base_of
from mainspring.web.languages import NAMES, Language, Languages

_NAME: Final = "mainspring_language"
#: Seconds for which a browser keeps it.
_KEPT: Final = 365 * 86_400
#: What an answer in some language depends on.
VARY: Final = "Accept-Language, Cookie"


def language_of(request: Request, languages: Languages) -> Language:
    """Return the language in which a request is answered: the chosen one, else the best that its browser accepts."""
    accepted = ",".join(request.headers.getlist("accept-language"))
    return languages.of(request.cookies.get(_NAME, ""), accepted)


def write(request: Request, response: Response, tag: str) -> None:
    """Let further requests be answered in the language *tag*; in what the browser accepts, if there is none such."""
    path = base_of(request.scope) or "/"
    if tag in NAMES:
        response.set_cookie(_NAME, tag, max_age=_KEPT, path=path, httponly=True, samesite="lax")
    else:
        response.delete_cookie(_NAME, path=path, httponly=True, samesite="lax")
