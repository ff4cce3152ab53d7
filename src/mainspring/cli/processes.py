"""``mainspring stats``, ``quiet`` and ``stop``: the cluster's numbers, and its processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from difflib import get_close_matches
from typing import Final

import click

from mainspring.api.processes import Process
from mainspring.api.stats import Stats
from mainspring.app import App
from mainspring.base.durations import in_words
from mainspring.cli import boot
from mainspring.cli.failure import Failure
from mainspring.cli.options import app_option, debug_option, examples, store_options
from mainspring.cli.output import ago, clean, print_json, table

_SENTENCES: Final = {
    "quiet": ("Let worker processes start no more jobs; what runs goes on.", "will be quiet"),
    "stop": ("Let processes finish what they run, and end.", "will stop"),
}


@click.command(
    epilog=examples("mainspring stats", "mainspring stats --days 7", "mainspring stats --json | jq .enqueued")
)
@click.option(
    "--days", type=click.IntRange(0, 1830), default=0, show_default=True, help="Show the history of so many days."
)
@store_options
def stats(*, app_name: str | None, as_json: bool, days: int) -> None:
    """Show counters, queues and processes."""
    app = boot.any_app(app_name)
    numbers, processes = app.stats(), list(app.processes)
    if as_json:
        print_json(asdict(numbers) | {"process_list": [_record(process) for process in processes]})
        return
    click.echo(_counters(numbers))
    if numbers.queues:
        rows = [(state.name, f"{state.size:,}", in_words(state.latency)) for state in app.queues.states()]
        click.echo("\n" + table(("QUEUE", "JOBS", "LATENCY"), rows, right={1, 2}))
    if processes:
        click.echo("\n" + _processes(processes, app.time.now()))
    if days:
        history = list(numbers.history.items())[:days]
        rows = [(date, f"{day.processed:,}", f"{day.failed:,}") for date, day in history]
        click.echo("\n" + table(("DAY (UTC)", "PROCESSED", "FAILED"), rows, right={1, 2}))


def _counters(numbers: Stats) -> str:
    names = ("processed", "failed", "busy", "enqueued", "scheduled", "retries", "dead")
    return table([name.upper() for name in names], [[f"{getattr(numbers, name):,}" for name in names]], right=range(7))


def _processes(processes: Sequence[Process], now: float) -> str:
    rows = [
        (
            process.identity,
            process.role + (" (quiet)" if process.is_quiet else ""),
            process.tag,
            f"{process.busy}/{process.concurrency}" if process.role == "worker" else "",
            ",".join(process.queues),
            f"{process.rss_kb // 1024} MB",
            ago(process.started_at, now),
        )
        for process in processes
    ]
    return table(("PROCESS", "ROLE", "TAG", "BUSY", "QUEUES", "RSS", "STARTED"), rows, right={3, 5})


def _record(process: Process) -> dict[str, object]:
    names = ("identity", "role", "host", "pid", "tag", "started_at", "queues", "labels", "busy", "concurrency")
    more = ("rss_kb", "rtt_us", "is_quiet", "beat", "version")
    return {name: getattr(process, name) for name in (*names, *more)}


def signaller(name: str) -> click.Command:
    """Return the command *name*: ``quiet`` or ``stop``."""
    sentence, done = _SENTENCES[name]

    @click.command(
        name,
        help=f"{sentence}\n\nIt happens within some 5 seconds. IDENTITY may be its beginning.",
        epilog=examples(f"mainspring {name} --all", f"mainspring {name} web-1:4121", "mainspring stats   # shows them"),
    )
    @click.argument("identities", nargs=-1, metavar="[IDENTITY]...")
    @click.option("--all", "everything", is_flag=True, help="All processes.")
    @app_option
    @debug_option
    def command(*, app_name: str | None, identities: Sequence[str], everything: bool) -> None:
        if bool(identities) == everything:
            raise click.UsageError(f"say which: mainspring {name} IDENTITY..., or mainspring {name} --all")
        processes = _meant(boot.any_app(app_name), identities)
        for process in processes:
            getattr(process, name)()
            click.echo(f"{clean(process.identity)} {done}")
        if not processes:
            click.echo("no process shows itself", err=True)

    return command


def _meant(app: App, identities: Sequence[str]) -> list[Process]:
    """Return the processes whose identities begin so; all if none is given."""
    living = list(app.processes)
    return [_one(living, identity) for identity in identities] if identities else living


def _one(living: Sequence[Process], identity: str) -> Process:
    fitting = [process for process in living if process.identity.startswith(identity)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise Failure(f"{identity} may be {' or '.join(process.identity for process in fitting)}")
    close = get_close_matches(identity, [process.identity for process in living], 1, 0.5)
    hint = f"; did you mean {close[0]}?" if close else "; mainspring stats lists those that show themselves"
    raise Failure(f"there is no process {identity}{hint}")
