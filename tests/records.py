"""Arguments that tests send: a type of each kind that a job may take, and a value or two."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import Enum, IntEnum, StrEnum
from typing import Generic, NamedTuple, NewType, TypedDict, TypeVar
from uuid import UUID

import msgspec
import pydantic

DAY = date(2024, 2, 29)
MOMENT = datetime(2024, 2, 29, 12, 30, 15, 123456, tzinfo=UTC)
ID = UUID("12345678-1234-5678-1234-567812345678")

T = TypeVar("T")
Id = NewType("Id", int)


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    HIGH = 3


class Word(StrEnum):
    YES = "yes"


class SafeText(str):
    """Like Django's SafeString."""

    __slots__ = ()


@dataclass
class Address:
    street: str
    since: date


@dataclass
class Customer(Generic[T]):
    id: UUID
    addresses: list[Address]
    colours: set[Colour] = field(default_factory=set)
    extra: T | None = None


@dataclass
class Villa(Address):
    pool: bool = True


class Point(msgspec.Struct):
    x: int
    at: datetime | None = None


class Pair(NamedTuple):
    left: int
    right: date


class Options(TypedDict, total=False):
    due: date
    note: str


class Model(pydantic.BaseModel):
    id: UUID
    due: date
    tags: set[str] = set()


class StrictModel(pydantic.BaseModel, strict=True):
    due: date


class Service:
    """What no JSON can hold."""


@dataclass
class Unresolved:
    part: "Nowhere"  # noqa: F821
