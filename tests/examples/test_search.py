"""The index's promise: an application is found by its words, once."""

from __future__ import annotations

from dataclasses import replace

from examples.admissions import office, search
from examples.admissions.office import Application
from examples.admissions.settings import Settings


def test_an_application_is_found_by_any_of_its_words(settings: Settings, zoe: Application) -> None:
    with office.transaction(settings.database) as db:
        search.index(db, zoe)

        for words in ("Zoë", "zoe weaver", "BOTANY", "ferns"):
            assert search.find(db, words) == [zoe.id], words
        assert search.find(db, "ferns chemistry") == []


def test_an_application_indexed_again_is_found_once_and_by_its_new_words(settings: Settings, zoe: Application) -> None:
    with office.transaction(settings.database) as db:
        search.index(db, zoe)
        search.index(db, replace(zoe, statement="I love moss."))

        assert search.find(db, "botany") == [zoe.id]
        assert search.find(db, "moss") == [zoe.id]
        assert search.find(db, "ferns") == []


def test_what_a_person_types_is_words_and_no_query_language(settings: Settings, zoe: Application) -> None:
    with office.transaction(settings.database) as db:
        search.index(db, zoe)

        for words in ("", "  ", '"', "fer*ns (", "NOT botany", "statement:ferns"):
            assert search.find(db, words) == [], words
