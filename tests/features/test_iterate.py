"""Whatever is gone through, from the cursor of any item the rest comes, in order, each once and nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Integer, String, create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, aliased, mapped_column

from mainspring import iterate
from mainspring.base.errors import InvalidOption

# --- sequences ------------------------------------------------------------------------


@given(st.lists(st.integers(), max_size=20))
def test_a_sequence_goes_on_behind_any_item(items):
    whole = list(iterate.sequence(items, None))

    assert [item for item, _ in whole] == items
    for number, (_, cursor) in enumerate(whole, 1):
        assert list(iterate.sequence(items, cursor)) == whole[number:]


@pytest.mark.parametrize("cursor", [-1, "3", 1.5, True])
def test_what_is_no_index_is_refused(cursor):
    with pytest.raises(InvalidOption, match="no cursor here"):
        list(iterate.sequence([1, 2], cursor))


# --- files ----------------------------------------------------------------------------

FIELD = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0\r"), max_size=6)


@given(
    rows=st.lists(st.lists(FIELD, min_size=2, max_size=2), max_size=12),
    ending=st.sampled_from(["\n", "\r\n"]),
    mark=st.booleans(),
)
def test_a_csv_file_goes_on_behind_any_record(tmp_path_factory, rows, ending, mark):
    path = tmp_path_factory.mktemp("csv") / "rows.csv"
    written = "".join(
        ",".join('"' + field.replace('"', '""') + '"' for field in row) + ending for row in [["a", "b"], *rows]
    )
    path.write_bytes((b"\xef\xbb\xbf" if mark else b"") + written.encode())

    whole = list(iterate.csv(path, None))

    assert [list(row.values()) for row, _ in whole] == rows
    assert all(list(row) == ["a", "b"] for row, _ in whole)
    for number, (_, cursor) in enumerate(whole, 1):
        assert list(iterate.csv(path, cursor)) == whole[number:]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes("name;note\nann;one\n\nj\u00fcrgen;two;three\nbob\n".encode("latin-1"))
    return path


def test_rows_may_be_short_or_long_and_lines_empty(table):
    found = iterate.csv(table, None, encoding="latin-1", delimiter=";")

    assert [row for row, _ in found] == [
        {"name": "ann", "note": "one"},
        {"name": "j\u00fcrgen", "note": "two"},
        {"name": "bob", "note": ""},
    ]


def test_without_a_header_each_record_is_a_list(table):
    whole = list(iterate.csv(table, None, header=False, encoding="latin-1", delimiter=";"))

    assert [row for row, _ in whole][:2] == [["name", "note"], ["ann", "one"]]
    assert list(iterate.csv(table, whole[0][1], header=False, encoding="latin-1", delimiter=";")) == whole[1:]


def test_quotes_can_be_read_as_they_are(tmp_path):
    (tmp_path / "q.csv").write_text('a,b\n"x,y"\n')

    assert next(iterate.csv(tmp_path / "q.csv", None, quotechar=None))[0] == {"a": '"x', "b": 'y"'}


def test_rows_that_are_added_later_are_found(table):
    *_, (_, cursor) = iterate.csv(table, None, encoding="latin-1", delimiter=";")
    with table.open("ab") as file:
        file.write(b"eve;four\n")

    assert [row for row, _ in iterate.csv(table, cursor, encoding="latin-1", delimiter=";")] == [
        {"name": "eve", "note": "four"}
    ]


def test_a_file_without_anything_in_it_has_no_records(tmp_path):
    (tmp_path / "empty.csv").touch()

    assert list(iterate.csv(tmp_path / "empty.csv", None)) == []


@pytest.mark.parametrize(
    ("cursor", "options", "hint"),
    [
        (10_000, {}, "behind the end of the file, 40: it is another file by now"),
        (-1, {}, "no cursor here"),
        (None, {"encoding": "utf-16"}, "turn the file into UTF-8"),
        (None, {"encoding": "utf-7000"}, "unknown encoding"),
    ],
)
def test_what_cannot_be_gone_on_from_is_refused(table, cursor, options, hint):
    with pytest.raises(InvalidOption, match=hint):
        list(iterate.csv(table, cursor, **({"encoding": "latin-1"} | options)))


def test_a_file_is_closed_when_nobody_goes_on(table):
    walk = iterate.csv(table, None, encoding="latin-1")
    next(walk)

    walk.close()

    assert list(walk) == []


# --- SQLAlchemy ------------------------------------------------------------------------


class Base(DeclarativeBase):
    pass


class Person(Base):
    __tablename__ = "people"
    number: Mapped[int] = mapped_column("id", Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(20), unique=True)


class Seat(Base):
    __tablename__ = "seats"
    row: Mapped[int] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)


PEOPLE = [(1, "c"), (2, "b"), (5, "a"), (6, "f"), (9, "e")]


@pytest.fixture
def session() -> Iterator[Session]:
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine, expire_on_commit=False) as opened:
        opened.add_all([Person(number=number, name=name) for number, name in PEOPLE])
        opened.add_all([Seat(row=row, place=place, code=f"{row}{place}") for row in (1, 2) for place in (1, 2)])
        opened.commit()
        yield opened
    engine.dispose()


@pytest.mark.parametrize("batch", [1, 2, 5, 1000])
def test_a_select_goes_on_behind_any_row_in_the_order_of_its_key(session, batch):
    people = select(Person).where(Person.number != 2).order_by(Person.name)

    whole = [(person.name, cursor) for person, cursor in iterate.sqlalchemy(session, people, None, batch=batch)]

    assert whole == [("c", 1), ("a", 5), ("f", 6), ("e", 9)]
    for number, (_, cursor) in enumerate(whole, 1):
        rest = iterate.sqlalchemy(session, people, cursor, batch=batch)
        assert [(person.name, cursor) for person, cursor in rest] == whole[number:]


def test_another_unique_column_may_be_the_key(session):
    assert [cursor for _, cursor in iterate.sqlalchemy(session, select(Person), "b", key=Person.name, batch=2)] == [
        "c",
        "e",
        "f",
    ]
    assert [cursor for _, cursor in iterate.sqlalchemy(session, select(Seat), "12", key=Seat.code)] == ["21", "22"]


def test_columns_come_as_rows_and_one_column_as_its_value(session):
    assert list(iterate.sqlalchemy(session, select(Person.name), 5)) == [("f", 6), ("e", 9)]
    assert list(iterate.sqlalchemy(session, select(Person.name, Person.number), 6)) == [(("e", 9), 9)]
    assert list(iterate.sqlalchemy(session, select(aliased(Person).name), 6)) == [("e", 9)]


def test_rows_that_come_and_go_meanwhile_shift_none(session):
    seen = []
    for person, cursor in iterate.sqlalchemy(session, select(Person), None, batch=2):
        seen.append(cursor)
        session.delete(person)
        if cursor == 2:
            session.add(Person(number=3, name="new"))
        session.commit()

    assert seen == [1, 2, 3, 5, 6, 9]


def test_a_commit_after_each_item_costs_no_query_of_its_own(session):
    asked = []
    event.listen(session.bind, "before_cursor_execute", lambda *call: asked.append(call[2]))

    for person, _ in iterate.sqlalchemy(session, select(Person), None, batch=2):
        session.commit()
        assert person.name

    assert len(asked) == 3


@pytest.mark.parametrize(
    ("statement", "options", "hint"),
    [
        (select(Seat), {}, "key=User.id"),
        (select(Person.__table__), {}, "key=User.id"),
        (select(Person), {"batch": 0}, "batch=0"),
    ],
)
def test_a_select_without_one_key_is_refused(session, statement, options, hint):
    with pytest.raises(InvalidOption, match=hint):
        list(iterate.sqlalchemy(session, statement, None, **options))


# --- Django ------------------------------------------------------------------------------

#: A process of its own, since Django can be set up once in each.
WITH_DJANGO = """
import sys
import django
from django.conf import settings
from django.db import connection, models

settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})
django.setup()

from mainspring import iterate

class Person(models.Model):
    class Meta:
        app_label = "people"
    number = models.IntegerField(primary_key=True)
    name = models.CharField(max_length=20)

with connection.schema_editor() as editor:
    editor.create_model(Person)
for number, name in [(1, "c"), (2, "b"), (5, "a"), (6, "f"), (9, "e")]:
    Person.objects.create(number=number, name=name)

people = Person.objects.exclude(number=2).order_by("name")
for batch in (1, 2, 4, 1000):
    whole = [(person.name, cursor) for person, cursor in iterate.django(people, None, batch=batch)]
    assert whole == [("c", 1), ("a", 5), ("f", 6), ("e", 9)], whole
    for number, (_, cursor) in enumerate(whole, 1):
        rest = [(person.name, cursor) for person, cursor in iterate.django(people, cursor, batch=batch)]
        assert rest == whole[number:], rest
seen = []
for person, cursor in iterate.django(Person.objects.all(), None, batch=2):
    seen.append(cursor)
    person.delete()
    if cursor == 2:
        Person.objects.create(number=3, name="new")
assert seen == [1, 2, 3, 5, 6, 9], seen
try:
    next(iterate.django(Person.objects.all(), None, batch=0))
except ValueError as error:
    print(error)
"""


def test_a_queryset_of_django_goes_on_behind_any_object():
    ended = subprocess.run([sys.executable, "-c", WITH_DJANGO], capture_output=True, text=True, timeout=60)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "batch=0: must be a whole number from 1\n"
