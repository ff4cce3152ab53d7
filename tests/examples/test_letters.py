"""The letters' promise: a letter is a whole PDF, and writing it again changes nothing."""

from __future__ import annotations

from examples.admissions import letters
from examples.admissions.office import Application
from examples.admissions.settings import Settings

NOON = 1_800_000_000.0


def test_a_letter_is_a_pdf_with_one_page_and_the_right_title(settings: Settings, zoe: Application) -> None:
    content = letters.write(settings.letters, zoe, decided_at=NOON).read_bytes()

    assert content.startswith(b"%PDF-")
    assert content.rstrip().endswith(b"%%EOF")
    assert content.count(b"/Type /Page\n") == 1
    assert b"/Title (Offer 1)" in content


def test_a_letter_written_again_is_the_same_file(settings: Settings, zoe: Application) -> None:
    first = letters.write(settings.letters, zoe, decided_at=NOON)
    content = first.read_bytes()

    again = letters.write(settings.letters, zoe, decided_at=NOON)

    assert again == first
    assert again.read_bytes() == content
    assert list(settings.letters.iterdir()) == [first]
