"""What is translated is what the source says, complete enough to break no page, and compiled as it is read."""

from __future__ import annotations

import importlib.util
import io
import re

import pytest

from house.source import ROOT
from mainspring.web import languages
from mainspring.web.languages import NAMES


@pytest.fixture(scope="module")
def tool():
    """Return tools/languages.py, which is a program and no module of the package."""
    spec = importlib.util.spec_from_file_location("languages_tool", ROOT / "tools" / "languages.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_the_catalogues_have_the_texts_of_the_source_with_their_names_and_plurals(tool):
    assert tool.check() == [], "run python tools/languages.py update, translate, and compile"


def test_each_language_has_a_catalogue_and_each_catalogue_a_name():
    found = {path.stem.replace("_", "-") for path in languages.FOLDER.glob("*.po")}

    assert found == set(NAMES) - {"en"}


@pytest.mark.parametrize(
    ("text", "said", "fault"),
    [
        ("{n} of {all}", "{n} von {alle}", "has the names"),
        ("{n} of {all}", "{n} von allen", "has the names"),
        ("Look", "Ansehen ", "a blank"),
        ("{n} of {all}", "{n von {all}", "has the names"),
        (("{n} job", "{n} jobs"), ("{n} Job", ""), "plural forms"),
        (("{n} job", "{n} jobs"), ("{n} Job", "Jobs"), "has the names"),
    ],
)
def test_a_translation_that_would_break_a_page_is_found(tool, text, said, fault):
    catalog = tool.Catalog(locale="de")
    catalog.add(text, said)

    assert [found for found in tool.faults(catalog, catalog) if fault in found]


def test_what_is_translated_stays_when_other_texts_change(tool):
    catalog, template = tool.Catalog(locale="de"), tool.Catalog()
    catalog.add("Look", "Ansehen")
    catalog.add("Gone", "Weg")
    for text in ("Look", "New"):
        template.add(text)

    catalog.update(template, no_fuzzy_matching=True)
    again = tool.read_po(io.BytesIO(tool.written(catalog)), locale="de")

    assert {message.id: message.string for message in again if message.id} == {"Look": "Ansehen", "New": ""}


def test_nothing_needs_babel_at_run_time():
    files = (ROOT / "src").rglob("*.py")

    assert [
        path.name for path in files if re.search(r"^\s*(from|import) babel", path.read_text("utf-8"), re.MULTILINE)
    ] == []


def test_what_is_compiled_does_not_depend_on_the_day(tool):
    today, tomorrow = (tool.compiled(tool.read(languages.FOLDER / "de.po")) for _ in range(2))

    assert today == tomorrow
    assert not re.search(rb"Date: (?!2026-01-01)", today)
