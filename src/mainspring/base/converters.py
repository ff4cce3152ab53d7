"""How one argument travels: from its annotated type to JSON, and back.

An annotation becomes a `Converter` once; after that each argument costs a check of its
type for the plain ones, and a pass through msgspec for the rest. Both ends check:
`send` so that a wrong argument raises where it was written, `receive` because a
payload may come from another language or another release.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import isfinite
from types import NoneType
from typing import Protocol
from uuid import UUID

import msgspec

from mainspring.base import codec
from mainspring.base.annotations import OF_JSON, OPEN, SETS, is_open, parts_of, scalars, unwrapped, words
from mainspring.base.errors import InvalidPayload

# msgspec would also read these out of a str or a number. For a payload that is right; a
# caller who writes "2024-01-01" for a date has made a mistake, and hears of it.
_NATIVE = (bytes, bytearray, datetime, date, time, timedelta, Decimal, UUID)

_USE_A_TYPE = "annotate it with its type, and it will travel and come back as one"


class Unfit(Exception):
    """An argument that does not fit its annotation; the catcher knows the parameter's name."""


class Converter(Protocol):
    """Takes the arguments of one parameter to JSON and back.

    Attributes:
        is_plain: True if the JSON value is the argument, so that `receive` may be skipped.
    """

    @property
    def is_plain(self) -> bool:
        """Tell whether `receive` changes nothing."""

    def send(self, value: object) -> object:
        """Return *value* as JSON builtins; raise `Unfit` if its type is wrong or it has no JSON form."""

    def receive(self, value: object) -> object:
        """Return the argument that the JSON *value* stands for; raise `Unfit` if it is none."""


def converter_for(annotation: object) -> Converter:
    """Return the converter of a resolved *annotation*.

    What msgspec cannot tell apart on the way back (``date | str``, two dataclasses in a
    union, a class with unresolvable fields) takes JSON values only, and says why.
    """
    annotation = unwrapped(annotation)
    if is_open(annotation):
        return Json(_USE_A_TYPE)
    try:
        if kinds := scalars(annotation):
            return Scalar(kinds)
        msgspec.json.Decoder(annotation)
        return Typed(annotation, tuple(parts_of(annotation)))
    # Resolving the fields of the user's classes runs the user's code, which may raise anything.
    except Exception as error:  # noqa: BLE001
        return Json(f"its annotation {words(annotation)} cannot travel: {error}")


class Scalar:
    """Arguments whose JSON value is the argument: str, int, float, bool, None and unions of them."""

    __slots__ = ("_expected", "_kinds")
    is_plain = True

    def __init__(self, kinds: frozenset[type]) -> None:
        self._kinds = kinds
        names = sorted(kind.__name__ for kind in kinds if kind is not NoneType)
        self._expected = " or ".join([*names, "None"] if NoneType in kinds else names)

    def send(self, value: object) -> object:
        """Return *value*, an instance of a subclass as its base, and an int for a float as float."""
        kind = type(value)
        if kind not in self._kinds:
            return self._as_base(value)
        if kind is str or kind is float:
            _refuse_unwritable(value)
        return value

    def receive(self, value: object) -> object:
        """Return *value* if it is of one of the types; an int for a float becomes one."""
        kind = type(value)
        if kind in self._kinds:
            return value
        if kind is int and float in self._kinds:
            return _float(value)
        raise self._mismatch(value)

    def _as_base(self, value: object) -> object:
        # A StrEnum, Django's SafeString or a bool for an int is right for a type checker, so it is here.
        if str in self._kinds and isinstance(value, str):
            return self.send(str.__str__(value))
        if int in self._kinds and isinstance(value, int):
            return int(value)
        if float in self._kinds and isinstance(value, (int, float)):
            return self.send(_float(value))
        raise self._mismatch(value)

    def _mismatch(self, value: object) -> Unfit:
        return Unfit(f"expected {self._expected}, got {_kind_name(value)}")


class Json:
    """Arguments of no declared type: they must be JSON values already.

    Args:
        advice: What the user can do about a value that is none.
    """

    __slots__ = ("_advice",)
    is_plain = True

    def __init__(self, advice: str = _USE_A_TYPE) -> None:
        self._advice = advice

    def send(self, value: object) -> object:
        """Return *value*, with lists for tuples; refuse all that JSON has no type for."""
        try:
            return _json(value)
        except _NotJson as error:
            raise Unfit(f"{error}; {self._advice}") from None
        except RecursionError:
            raise Unfit("it is nested too deeply, or contains itself") from None

    def receive(self, value: object) -> object:
        """Return *value*."""
        return value


class Typed:
    """Arguments that msgspec takes to JSON and back by their annotation.

    Args:
        annotation: A type that msgspec supports, or a pydantic model.
        parts: All types that *annotation* is made of.
    """

    __slots__ = ("_annotation", "_is_partly_open", "_write")
    is_plain = False
    _write: Callable[[object], object]

    def __init__(self, annotation: object, parts: tuple[object, ...]) -> None:
        self._annotation = annotation
        if all(part in OF_JSON for part in parts):
            self._is_partly_open = False
            self._write = Json(_USE_A_TYPE).send
        else:
            self._is_partly_open = any(part in OPEN for part in parts)
            self._write = _sorted_builtins if any(part in SETS for part in parts) else _builtins

    def send(self, value: object) -> object:
        """Return *value* as JSON builtins, after a trial of the way back."""
        try:
            # A subclass of a dataclass is read by its attributes: what is stored is what was declared.
            checked = msgspec.convert(value, self._annotation, builtin_types=_NATIVE, from_attributes=True)
            wire = self._write(checked)
        except msgspec.ValidationError as error:
            raise self._mismatch(value, error) from error
        except InvalidPayload as error:
            raise Unfit(str(error)) from error
        except (_NotJson, TypeError) as error:
            raise Unfit(f"{error}; pass an id, or a dataclass with what the job needs") from error
        except RecursionError:
            raise Unfit("it is nested too deeply, or contains itself") from None
        self._try_the_way_back(checked, wire)
        return wire

    def _try_the_way_back(self, checked: object, wire: object) -> None:
        # An instance of the right class passes msgspec's check with whatever its fields hold.
        received = self.receive(wire)
        # Under Any, msgspec writes a date and nothing reads it back.
        if self._is_partly_open and received != checked:
            raise Unfit(f"a part of it would come back as another type; {_USE_A_TYPE}")

    def receive(self, value: object) -> object:
        """Return the argument; unknown fields of records, from a newer producer, are ignored."""
        try:
            return msgspec.convert(value, self._annotation, str_keys=True, dec_hook=_read_model)
        except msgspec.ValidationError as error:
            raise self._mismatch(value, error) from error
        except (TypeError, RecursionError) as error:
            raise Unfit(str(error)) from error

    def _mismatch(self, value: object, error: msgspec.ValidationError) -> Unfit:
        text = str(error)
        # msgspec says "object" for any record; the name of the type tells more.
        if ", got `" in text and " - at `" not in text:
            return Unfit(f"expected {words(self._annotation)}, got {_kind_name(value)}")
        text = text.replace("`", "").replace(" - at $", " at ")
        return Unfit(text[:1].lower() + text[1:])


class _NotJson(Unfit):
    """A value of a type that JSON has not."""


def _json(value: object) -> object:
    """Return *value* as JSON builtins without any knowledge of its type."""
    if isinstance(value, (str, float)):
        _refuse_unwritable(value)
        return str.__str__(value) if isinstance(value, str) else float(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, list) or type(value) is tuple:
        return [_json(item) for item in value]
    if isinstance(value, dict):
        return {_json_key(key): _json(item) for key, item in value.items()}
    raise _NotJson(f"got {_kind_name(value)}, which is no JSON value")


def _json_key(key: object) -> str:
    if not isinstance(key, str):
        raise _NotJson(f"got a dict with a key of type {_kind_name(key)}, and JSON has str keys only")
    _refuse_unwritable(key)
    return str.__str__(key)


def _refuse_unwritable(value: object) -> None:
    """Refuse half a surrogate pair, NaN and infinity."""
    if isinstance(value, float):
        if not isfinite(value):
            raise Unfit(f"{value} has no JSON form")
    elif isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Unfit("a text with half a surrogate pair has no JSON form") from None


def _float(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except OverflowError:
        raise Unfit("the int is too large for a float") from None


def _builtins(value: object) -> object:
    # Through the text, so that what JSON cannot hold is found here and tuples are lists at once.
    return codec.decode(codec.encode(msgspec.to_builtins(value, str_keys=True, enc_hook=_write_other)))


def _sorted_builtins(value: object) -> object:
    """Write sets in one order in all processes: a digest of the arguments must not depend on hash seeds."""
    plain = msgspec.to_builtins(value, str_keys=True, enc_hook=_write_other, order="deterministic")
    return codec.decode(codec.encode(plain))


def _is_model(kind: object) -> bool:
    """Tell whether *kind* is a pydantic model, without importing pydantic: its user has."""
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and isinstance(kind, type) and issubclass(kind, pydantic.BaseModel)


def _write_other(value: object) -> object:
    """Write what msgspec does not know: pydantic models, and instances of subclasses of builtins."""
    if _is_model(type(value)):
        return value.model_dump(mode="json")  # type: ignore[attr-defined]
    return _json(value)


def _read_model(kind: type, value: object) -> object:
    # By the JSON reader, because a strict model takes a date from JSON text and not from a str.
    return kind.model_validate_json(codec.encode(value)) if _is_model(kind) else value  # type: ignore[attr-defined]


def _kind_name(value: object) -> str:
    return "None" if value is None else type(value).__name__
