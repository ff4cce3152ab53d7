"""``mainspring search``: find jobs in all states by one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import click

from mainspring.api.answers import state_of
from mainspring.api.jobs import StoredJob
from mainspring.api.query import Query, parse
from mainspring.api.terms import KEYS, STATES
from mainspring.app import App
from mainspring.cli import boot
from mainspring.cli.jobs import as_record, print_jobs
from mainspring.cli.options import examples, store_options
from mainspring.cli.output import counted, print_json

#: How many jobs are read at once.
_PAGE = 1_000


def _help() -> str:
    keys = "\n".join(f"{name:<10} {meaning}" for name, meaning in KEYS.items())
    return (
        "Find jobs in all states by one line.\n\n"
        "A word is the beginning of an id or of a job's name, what is in quotes stands anywhere in a job, and "
        "- before a term turns it round. A * stands for anything. All terms must hold.\n\n\b\n" + keys
    )


@click.command(
    "search",
    help=_help(),
    epilog=examples(
        "mainspring search 'class:Sync* error:Timeout queue:low'",
        "mainspring search -A shop args.contact_id:50008",
        "mainspring search 'state:retrying attempts:>3 -tag:billing' --limit 0 --json | jq -r .jid",
    ),
)
@click.argument("query", nargs=-1, metavar="[FILTER]...")
@click.option("--state", type=click.Choice(STATES), help="Only what is there.  [default: all]")
@click.option("--limit", type=click.IntRange(0), default=50, show_default=True, help="How many at most; 0 for all.")
@store_options
def search(*, app_name: str | None, as_json: bool, query: Sequence[str], state: str | None, limit: int) -> None:
    """Find jobs."""
    asked = parse(" ".join(query))
    app = boot.any_app(app_name)
    found = _Found(app, asked, state, limit)
    if as_json:
        for job in found:
            print_json(as_record(job) | {"state": state_of(job)})
    else:
        print_jobs(app, found, state_of)
    more = "; there may be more: --limit 0 lists all" if found.has_more else ""
    click.echo(f"searched {found.searched:,} of {counted(found.total, 'job')}{more}", err=True)


class _Found:
    """The jobs that are meant, page by page until there are enough."""

    def __init__(self, app: App, query: Query, state: str | None, limit: int) -> None:
        self._app = app
        self._query = query
        self._state = state
        self._limit = limit
        self.searched = self.total = 0
        self.has_more = False

    def __iter__(self) -> Iterator[StoredJob]:
        return iter(self._all()) if self._limit == 0 else islice(self._all(), self._limit)

    def _all(self) -> Iterator[StoredJob]:
        cursor, left = "", self._limit or _PAGE
        while True:
            count = min(left, _PAGE)
            found = self._app.search(self._query, state=self._state, cursor=cursor, count=count)
            self.total = self.total or found.total
            self.searched += found.searched
            cursor, self.has_more = found.cursor, bool(found.cursor)
            yield from found.jobs
            left = left - len(found.jobs) if self._limit else _PAGE
            if not cursor or left <= 0:
                return
