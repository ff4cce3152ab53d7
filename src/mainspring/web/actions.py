"""The one door through which anything is changed: every POST of a form comes through here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mainspring.app import App
from mainspring.base.errors import InvalidName, InvalidOption, StoreError
from mainspring.web import choice, errors, said, security
from mainspring.web.entrance import Entrance, base_of, user_of
from mainspring.web.errors import Problem
from mainspring.web.languages import say, told
from mainspring.web.serving import Pages
from mainspring.web.settings import Settings
from mainspring.web.view import Act, Action, Done, Gone, Unable

#: Bytes of a form: a thousand ticked rows fit.
MOST_BYTES: Final = 256 * 1024
MOST_FIELDS: Final = 2_000
_FORM: Final = "application/x-www-form-urlencoded"

Fields: TypeAlias = Mapping[str, Sequence[str]]


class Actions:
    """Does what forms ask for."""

    def __init__(
        self, app: App, settings: Settings, entrance: Entrance, pages: Pages, actions: Sequence[Action]
    ) -> None:
        """Do *actions* on *app*'s store."""
        self._app = app
        self._settings = settings
        self._entrance = entrance
        self._pages = pages
        self._actions = {action.name: action for action in actions}
        for action in actions:
            entrance.needs(action.name, action.role)

    async def serve(self, request: Request) -> Response:
        """Answer a form with the page to show next."""
        form = await self._form(request)
        if isinstance(form, Problem):
            return self._pages.problem(request, form)
        action = self._actions.get(request.path_params["action"])
        if action is None:
            return self._pages.problem(request, errors.nowhere(say("There is no such action.")))
        return await run_in_threadpool(self._do, request, action, form)

    async def choose(self, request: Request) -> Response:
        """Answer the form by which a person chooses a language.

        It takes no permission, and works where all is read-only: nothing is written but a cookie of the person's own.
        """
        form = await self._form(request)
        if isinstance(form, Problem):
            return self._pages.problem(request, form)
        first = {name: values[0] for name, values in form.items()}
        response = RedirectResponse(_within(base_of(request.scope), first.get("back", "")), 303)
        choice.write(request, response, first.get("language", ""))
        return response

    async def _form(self, request: Request) -> Fields | Problem:
        why = security.objection(request, self._settings.trusted_origins)
        return errors.refused(why) if why else await _form(request)

    def _do(self, request: Request, action: Action, form: Fields) -> Response:
        act = self._act(request, action, form)
        if not self._entrance.may(act.user, action.name, act.resource):
            return self._pages.problem(request, errors.forbidden(action.name, act.resource))
        try:
            done = self._done(action, act)
        except (Gone, Unable, InvalidOption, InvalidName) as error:
            done = Done(told(error), has_effect=False)
        except StoreError:
            done = Done(say("The store does not answer, so perhaps nothing was done."), has_effect=False)
        self._pages.changed()
        base = base_of(request.scope)
        response = RedirectResponse(_within(base, base + done.to if done.to else act.form.get("back", "")), 303)
        said.write(request, response, done.said)
        return response

    def _done(self, action: Action, act: Act) -> Done:
        done = action.run(act)
        if done.has_effect and action.is_audited:
            self._app.audit.record(act.user.id, action.name, act.resource, **done.facts)
        return done

    def _act(self, request: Request, action: Action, form: Fields) -> Act:
        first = {name: values[0] for name, values in form.items()}
        resource = first.get(action.resource, "")
        return Act(self._app, resource, first, form, user_of(request), self._app.time.now(), self._settings)


async def _form(request: Request) -> Fields | Problem:
    """Return the fields of a form, each with its values, or why it cannot be read."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return Problem(415, say("Not a form"), say("Nothing was changed: forms come as {type}.", type=_FORM))
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BYTES:
            text = say("Nothing was changed: a form has at most {size} kB.", size=MOST_BYTES // 1024)
            return Problem(413, say("Too large"), text)
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        return Problem(400, say("Not a form"), say("Nothing was changed: what was sent cannot be read."))
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def _within(base: str, path: str) -> str:
    """Return *path* if it leads into the dashboard, else its first page: a form must not lead anybody elsewhere."""
    is_inside = path == base or path.startswith(f"{base}/")
    is_plain = not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path and path.isascii()
    return path if path and is_inside and is_plain else f"{base}/"
