"""Every page and every action of the dashboard: the table that the router, the menu and the security tests read."""

from __future__ import annotations

from typing import Final

from mainspring.web import steering
from mainspring.web.languages import mark
from mainspring.web.pages import (
    audit,
    batches,
    clock,
    entries,
    failures,
    job,
    job_edit,
    jobs,
    limits,
    metrics,
    operations,
    overview,
    queues,
    store,
    workers,
)
from mainspring.web.view import Action, Page

#: Without the static files, the health checks and the API, which have tables of their own.
PAGES: Final[tuple[Page, ...]] = (
    *overview.PAGES,
    *jobs.PAGES,
    *job_edit.PAGES,
    *job.PAGES,
    *failures.PAGES,
    *operations.PAGES,
    *audit.PAGES,
    *batches.PAGES,
    *clock.PAGES,
    *entries.PAGES,
    *limits.PAGES,
    *metrics.PAGES,
    *queues.PAGES,
    *workers.PAGES,
    *store.PAGES,
)
ACTIONS: Final[tuple[Action, ...]] = (
    *steering.ACTIONS,
    *job_edit.ACTIONS,
    *failures.ACTIONS,
    *operations.ACTIONS,
    *batches.ACTIONS,
    *clock.ACTIONS,
    *entries.ACTIONS,
    *limits.ACTIONS,
    *queues.ACTIONS,
    *workers.ACTIONS,
)

#: The menu: the heading of a group, then path, name, and the count of a snapshot that stands beside it.
MENU: Final = (
    (
        "",
        (
            ("/", mark("Overview"), ""),
            ("/jobs", mark("Jobs"), ""),
            ("/failures", mark("Failures"), "retries"),
            ("/scheduled", mark("Scheduled"), "scheduled"),
            ("/morgue", mark("Dead"), "dead"),
        ),
    ),
    (
        mark("System"),
        (
            ("/queues", mark("Queues"), "queues"),
            ("/workers", mark("Workers"), "processes"),
            ("/clock", mark("Clock"), "periodic"),
            ("/batches", mark("Batches"), "batches"),
            ("/limits", mark("Limits"), ""),
        ),
    ),
    (
        mark("Insight"),
        (
            ("/metrics", mark("Metrics"), ""),
            ("/operations", mark("Operations"), ""),
            ("/audit", mark("Audit log"), ""),
            ("/store", mark("Store"), ""),
        ),
    ),
)
#: What stands at the bottom of a narrow screen; the last leads to all the rest.
SHORT_MENU: Final = (
    ("/", mark("Overview")),
    ("/failures", mark("Failures")),
    ("/queues", mark("Queues")),
    ("/workers", mark("Workers")),
)
