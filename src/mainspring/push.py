"""One job on its way to the store: its record, and what may not stand in it."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Mapping
from typing import Any, Final

from mainspring.base import codec
from mainspring.base.errors import InvalidPayload, PayloadTooLarge, WrongArguments
from mainspring.base.payload import LIMIT, WARN, check_queue
from mainspring.job import Enqueued
from mainspring.options import moment

_log: Final = logging.getLogger("mainspring.client")


@dataclasses.dataclass(slots=True)
class Push:
    """One job on its way to the store, as an enqueue middleware sees it.

    A middleware may change *fields*, which is the record as it will be stored,
    and *queue* and *at*.

    Attributes:
        name: The job's name.
        jid: The job's id.
        queue: The queue it goes to.
        at: When it is due, in unix seconds; None for now.
        fields: The record, as JSON-ready values.
        duplicate_of: The id of the job that stands in its place, once the store has said so.
    """

    name: str
    jid: str
    queue: str
    at: float | None
    fields: dict[str, Any] = dataclasses.field(repr=False)
    duplicate_of: str | None = None

    def encoded(self, now: float, limit: int = LIMIT) -> bytes:
        """Return the record as it is stored; it may have *limit* bytes.

        Raises:
            InvalidName: If a middleware named a queue that can be none.
            InvalidOption: If it set a time that can be none.
            WrongArguments: If it, or a variable that is carried, holds what is no JSON.
            PayloadTooLarge: If it is longer.
        """
        self.fields["queue"] = check_queue(self.queue)
        if self.at is None:
            self.fields["enqueued_at"] = now
        else:
            self.at = moment(self.at)
        try:
            data = codec.encode(self.fields)
        except InvalidPayload as error:
            raise WrongArguments(self.name, None, f"{_culprit(self.fields)} is no JSON: {error}") from error
        if len(data) > min(WARN, limit):
            if len(data) > limit:
                raise PayloadTooLarge(self.name, len(data), limit)
            _log.warning(
                "%s: a job of %d bytes; better store the document elsewhere and pass its id", self.name, len(data)
            )
        return data

    def enqueued(self) -> Enqueued:
        """Return what the caller of `enqueue` gets."""
        at = None if self.at is None else moment(self.at)
        if self.duplicate_of is not None:
            return Enqueued("", self.queue, at, self.duplicate_of)
        return Enqueued(self.jid, self.queue, at)


def _culprit(fields: Mapping[str, Any]) -> str:
    """Name what of a record cannot be written: a variable that it carries, or a field of a middleware's."""
    carried = fields.get("carry")
    for name, value in carried.items() if isinstance(carried, dict) else ():
        if not _is_json(value):
            return f"the context variable {name!r}, which is carried, holds {value!r:.100}, which"
    field = next((name for name, value in fields.items() if not _is_json(value)), "")
    return f"the field {field!r}, set by a middleware,"


def _is_json(value: object) -> bool:
    try:
        codec.encode(value)
    except InvalidPayload:
        return False
    return True


def new_jid() -> str:
    """Return a new job id: 24 hex digits, as Sidekiq's."""
    return os.urandom(12).hex()


def check_shape(name: str, args: object, kwargs: object) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments of a job that is called by its name; *kwargs* may be None.

    Raises:
        WrongArguments: If they are not a list and a dict with texts for keys: a text would be taken for its letters.
    """
    if not isinstance(args, list | tuple):
        raise WrongArguments(name, None, f"args must be a list, not {args!r}; write [{args!r}] for one argument")
    if kwargs is None:
        return list(args), {}
    if not isinstance(kwargs, Mapping) or not all(isinstance(key, str) for key in kwargs):
        raise WrongArguments(name, None, f"kwargs must be a dict from names to values, not {kwargs!r}")
    return list(args), dict(kwargs)


def check_json(name: str, args: object, kwargs: object) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments of a job whose code lives elsewhere.

    Raises:
        WrongArguments: If they are not a list and a dict of JSON's own types.
    """
    positional, named = check_shape(name, args, kwargs)
    try:
        codec.encode([positional, named])
    except (TypeError, ValueError) as error:
        raise WrongArguments(name, None, f"arguments must be JSON: {error}") from error
    return positional, named
