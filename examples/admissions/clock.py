"""When the office does what: a list of times and jobs.

``mainspring clock -A examples.admissions.clock`` enqueues them, and does nothing else.
"""

from __future__ import annotations

from examples.admissions.jobs import app, digest, nightly_letters, remind, settings, sweep_due

__all__ = ["app"]

app.every("1s", sweep_due)
app.every("3s", remind)
app.every("5s", digest)
app.every("1d", nightly_letters, at=settings.report_at)
