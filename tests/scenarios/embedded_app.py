"""An App in a module of its own, as a web application has it: processes of jobs import it from here."""

from __future__ import annotations

from mainspring import App
from scenarios import process_jobs

app = App(name="embedded")
process_jobs.add(app)
