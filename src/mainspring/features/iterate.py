"""What iterable jobs most often go through: each yields pairs of an item and the cursor that stands after it.

Example:
    .. code-block:: python

        from mainspring import iterate


        @app.job(iterable=True)
        def import_rows(cursor: int | None, path: str) -> Iterator[int]:
            for row, cursor in iterate.csv(path, cursor):
                save(row)
                yield cursor
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal, Protocol, Self, TypeVar, cast, overload

from mainspring.base.errors import InvalidOption

if TYPE_CHECKING:
    from os import PathLike

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

T = TypeVar("T")
K = TypeVar("K")
M = TypeVar("M", bound="Keyed")
M_co = TypeVar("M_co", covariant=True)

#: How many rows of a database are read at once.
BATCH: Final = 1_000

_MARK: Final = b"\xef\xbb\xbf"


def sequence(items: Sequence[T], cursor: int | None) -> Iterator[tuple[T, int]]:
    """Go through *items*; the cursor is the index of the next.

    The sequence must be the same at each run: one that is made of a query or a folder wants an order of
    its own that does not change.

    Raises:
        InvalidOption: If *cursor* is no index.
    """
    for index in range(_start(cursor), len(items)):
        yield items[index], index + 1


# --- files -----------------------------------------------------------------------------


@overload
def csv(
    path: str | PathLike[str],
    cursor: int | None,
    *,
    header: Literal[True] = True,
    encoding: str = "utf-8",
    delimiter: str = ",",
    quotechar: str | None = '"',
) -> Iterator[tuple[dict[str, str], int]]: ...


@overload
def csv(
    path: str | PathLike[str],
    cursor: int | None,
    *,
    header: Literal[False],
    encoding: str = "utf-8",
    delimiter: str = ",",
    quotechar: str | None = '"',
) -> Iterator[tuple[list[str], int]]: ...


def csv(
    path: str | PathLike[str],
    cursor: int | None,
    *,
    header: bool = True,
    encoding: str = "utf-8",
    delimiter: str = ",",
    quotechar: str | None = '"',
) -> Iterator[tuple[Any, int]]:
    """Go through the records of a CSV file; the cursor is the place of the next, in bytes, so nothing is read twice.

    Rows that are added at the end are found; a file that was replaced by another is not noticed, unless it
    is shorter than the cursor.

    Args:
        path: The file.
        cursor: Where to begin; None for the first record.
        header: Whether the first record names the fields; then each record is a dict, else a list.
        encoding: One in which a line break is one byte, as in UTF-8 and all that extend ASCII.
        delimiter: What stands between two fields.
        quotechar: What stands round a field that has delimiters or line breaks in it; None for nothing.

    Raises:
        InvalidOption: If *cursor* is no place in the file, or *encoding* another.
        OSError: If the file cannot be read.
    """
    import csv as standard

    try:
        fits = "\n".encode(encoding) == b"\n"
    except LookupError as error:
        raise InvalidOption(f"encoding={encoding!r}: {error}") from error
    if not fits:
        raise InvalidOption(
            f"encoding={encoding!r}: its line breaks are longer than one byte; turn the file into UTF-8"
        )
    with Path(path).open("rb") as file:
        lines = _Lines(file, encoding)
        quoting: Literal[0, 3] = standard.QUOTE_NONE if quotechar is None else standard.QUOTE_MINIMAL
        read = partial(standard.reader, lines, delimiter=delimiter, quotechar=quotechar, quoting=quoting)
        names = next(read(), None) if header else []
        if names is None:
            return
        if cursor is not None:
            lines.seek(_start(cursor))
        for row in read():
            # An empty line is no record.
            if row:
                yield (_named(names, row) if header else row), lines.place


def _named(names: list[str], row: list[str]) -> dict[str, str]:
    """Return a record by name; fields that are missing at its end are empty, those that have no name are left out."""
    return dict(zip_longest(names, row[: len(names)], fillvalue=""))


class _Lines:
    """The lines of a file as text, and the place in it.

    Attributes:
        place: Where the next line begins, in bytes.
    """

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file = file
        self._encoding = encoding
        # Programs for spreadsheets write a mark at the beginning that is no part of the first field.
        self.place = file.seek(len(_MARK) if file.read(len(_MARK)) == _MARK else 0)

    def seek(self, place: int) -> None:
        """Go to a place that an earlier run has come to."""
        size = self._file.seek(0, 2)
        if place > size:
            raise InvalidOption(
                f"the cursor {place} lies behind the end of the file, {size}: it is another file by now"
            )
        self.place = self._file.seek(place)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        # The reader of CSV takes as many lines as a record has, and no more.
        line = self._file.readline()
        if not line:
            raise StopIteration
        self.place += len(line)
        return line.decode(self._encoding)


# --- databases ---------------------------------------------------------------------------


def sqlalchemy(
    session: Session,
    statement: Select[Any],
    cursor: K | None,
    *,
    key: ColumnElement[K] | None = None,
    batch: int = BATCH,
) -> Iterator[tuple[Any, K]]:
    """Go through what a SELECT finds, in the order of its primary key; the cursor is the key of the row done last.

    Rows are read by key and never by offset, so it is as quick in the millionth row as in the first, and rows
    that come or go meanwhile shift none. The statement's own order and limit are replaced.

    Commit what an item did before its cursor is yielded. With ``expire_on_commit=False`` a commit does not make
    the session read the rest of a batch again, row by row.

    Args:
        session: A session of SQLAlchemy.
        statement: ``select(User)``, with any ``where``.
        cursor: The key after which to go on; None for the first.
        key: A column that is unique and never null, to go by in place of the primary key; must be given where
            that has several columns, or the statement selects no mapped class.
        batch: How many rows are read at once.

    Yields:
        What the statement selects, a row if that is more than one thing, and its key.

    Raises:
        InvalidOption: If nobody can tell the key, or *batch* is no number of rows.
    """
    column = _key_of(statement) if key is None else key
    _check_batch(batch)
    is_single = len(statement.column_descriptions) == 1
    ordered, after = statement.add_columns(column).order_by(None).order_by(column).limit(batch), cursor
    while True:
        rows = session.execute(ordered if after is None else ordered.where(column > after)).all()
        for row in rows:
            yield (row[0] if is_single else row[:-1]), row[-1]
        if len(rows) < batch:
            return
        after = rows[-1][-1]


def _key_of(statement: Select[Any]) -> ColumnElement[Any]:
    from sqlalchemy import inspect
    from sqlalchemy.orm import Mapper

    entity = statement.column_descriptions[0].get("entity")
    mapper = inspect(entity, raiseerr=False)
    if mapper is not None and not isinstance(mapper, Mapper):
        mapper = getattr(mapper, "mapper", None)  # of an alias
    if entity is None or mapper is None or len(mapper.primary_key) != 1:
        raise InvalidOption(
            "iterate.sqlalchemy goes by a primary key of one column; name another that is unique, as in key=User.id"
        )
    found: ColumnElement[Any] = getattr(entity, mapper.get_property_by_column(mapper.primary_key[0]).key)
    return found


class Keyed(Protocol):
    """An object of Django's."""

    @property
    def pk(self) -> object:
        """Its primary key."""


class QuerySet(Protocol[M_co]):
    """What is used of a QuerySet of Django."""

    def order_by(self, *names: str) -> Self:
        """Return the same in another order."""

    def filter(self, **conditions: object) -> Self:
        """Return the part that fulfils *conditions*."""

    def __getitem__(self, part: slice) -> Self:
        """Return a part of it."""

    def __iter__(self) -> Iterator[M_co]:
        """Read it."""


def django(queryset: QuerySet[M], cursor: K | None, *, batch: int = BATCH) -> Iterator[tuple[M, K]]:
    """Go through the objects of a QuerySet of Django, in the order of their primary keys; as `sqlalchemy`.

    Args:
        queryset: ``User.objects.filter(...)``, of objects rather than of values, and not sliced; its order is replaced.
        cursor: The primary key after which to go on; None for the first.
        batch: How many objects are read at once.

    Raises:
        InvalidOption: If *batch* is no number of objects.
    """
    _check_batch(batch)
    ordered, after = queryset.order_by("pk"), cursor
    while True:
        found = list((ordered if after is None else ordered.filter(pk__gt=after))[:batch])
        # Read now: the job may delete an object, which has no key then.
        pairs = [(each, cast("K", each.pk)) for each in found]
        yield from pairs
        if len(found) < batch:
            return
        after = pairs[-1][1]


def _start(cursor: int | None) -> int:
    if cursor is None:
        return 0
    if isinstance(cursor, bool) or not isinstance(cursor, int) or cursor < 0:
        raise InvalidOption(f"{cursor!r} is no cursor here: it must be a whole number from 0, or None to begin")
    return cursor


def _check_batch(batch: int) -> None:
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise InvalidOption(f"batch={batch!r}: must be a whole number from 1")
