"""What an annotation is made of: the questions that the converters ask of it."""

from __future__ import annotations

from collections import abc
from collections.abc import Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NewType, TypeVar, Union, get_args, get_origin

#: What says nothing about the type.
OPEN = frozenset({Any, object})

#: What JSON has no order for, and hash seeds no constant one.
SETS = frozenset({set, frozenset, abc.Set, abc.MutableSet})

_SCALARS = frozenset({str, int, float, bool, NoneType})
_UNIONS = frozenset({Union, UnionType})
_OBJECTS = frozenset({dict, abc.Mapping, abc.MutableMapping})
_LISTS = frozenset({list, tuple, abc.Sequence, abc.MutableSequence, abc.Collection})

#: The parts of which JSON values consist: an annotation without others needs no reading back.
OF_JSON = _SCALARS | _UNIONS | OPEN | _OBJECTS | _LISTS | frozenset({Literal})


def unwrapped(annotation: object) -> object:
    """Return the type behind NewTypes and ``type X = ...`` aliases."""
    while True:
        if isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__  # type: ignore[attr-defined]
        else:
            return NoneType if annotation is None else annotation


def is_open(annotation: object) -> bool:
    """Tell whether *annotation* lets any value pass."""
    return annotation is Any or annotation is object or isinstance(annotation, TypeVar)


def scalars(annotation: object) -> frozenset[type]:
    """Return the plain types that *annotation* is or unites; empty if it has another one."""
    members = get_args(annotation) if get_origin(annotation) in _UNIONS else (annotation,)
    kinds = frozenset(unwrapped(member) for member in members)
    return kinds if kinds <= _SCALARS else frozenset()  # type: ignore[return-value]


def parts_of(annotation: object) -> Iterator[object]:
    """Yield all types that *annotation* is made of, containers included; Any for what it leaves open."""
    annotation = unwrapped(annotation) if isinstance(annotation, NewType) else annotation
    origin, members = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        members = members[:1]
    elif origin in _OBJECTS and members and members[0] not in {str, *OPEN}:
        # JSON has no such keys, so that the whole is no type of JSON; its kind does not matter.
        yield NewType
    else:
        yield Any if is_open(annotation) else origin or annotation
    if not members and (origin or annotation) in _OBJECTS | _LISTS | SETS:
        yield Any
    for member in members if origin is not Literal else ():
        # A list is the parameters of a Callable.
        if member is not Ellipsis and not isinstance(member, list):
            yield from parts_of(member)


def words(annotation: object) -> str:
    """Return *annotation* as a message names it: ``"UUID | None"``."""
    if isinstance(annotation, type) and not get_args(annotation):
        return "None" if annotation is NoneType else annotation.__name__
    if get_origin(annotation) in _UNIONS:
        return " | ".join(map(words, get_args(annotation)))
    return str(annotation).replace("typing.", "")
