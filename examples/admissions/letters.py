"""Letters of offer, as PDF files: one for each application, named by its number."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from pathlib import Path

from fpdf import FPDF

from examples.admissions.office import Application


def path_of(folder: Path, application_id: int) -> Path:
    """Return the file of an application's letter."""
    return folder / f"offer-{application_id:05}.pdf"


def write(folder: Path, application: Application, *, decided_at: float) -> Path:
    """Write the letter of offer.

    A second writing makes the same bytes under the same name.  The file appears whole
    or not at all: whoever finds it may send it.

    Returns:
        The letter's file.
    """
    target = path_of(folder, application.id)
    # Each writer has a draft of its own; one that dies here leaves its draft, not half a letter.
    draft = target.with_suffix(f".{os.getpid()}-{threading.get_ident()}.draft")
    draft.write_bytes(_typeset(application, datetime.fromtimestamp(decided_at, UTC)))
    return draft.replace(target)


def _typeset(application: Application, day: datetime) -> bytes:
    letter = FPDF(format="A4")
    letter.set_creation_date(day)  # not the time of writing, which would make each copy another file
    letter.set_title(f"Offer {application.id}")
    letter.set_margin(25)
    letter.add_page()
    letter.set_font("Helvetica", style="B", size=16)
    letter.cell(text="Office of Admissions", new_x="LMARGIN", new_y="NEXT")
    letter.set_font("Helvetica", size=11)
    letter.ln(12)
    letter.multi_cell(w=0, text=_text(application, day))
    return bytes(letter.output())


def _text(application: Application, day: datetime) -> str:
    return (
        f"{day:%d %B %Y}\n\nDear {application.applicant},\n\n"
        f"we are glad to offer you a place in {application.programme}. Your application has the number "
        f"{application.id}; please name it when you write to us.\n\nYours sincerely,\nthe Office of Admissions\n"
    )
