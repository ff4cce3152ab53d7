"""``mainspring metrics``: how long jobs waited and ran, and how many failed; ``mainspring deploy-mark``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import click

from mainspring.base.durations import in_words
from mainspring.base.errors import InvalidOption
from mainspring.cli import boot
from mainspring.cli.options import app_option, debug_option, examples, store_options
from mainspring.cli.output import clean, print_json, print_rows, stamp
from mainspring.metrics.query import PERIODS
from mainspring.metrics.questions import By
from mainspring.metrics.series import JobTotals, Series

_SHARES: Final = (0.5, 0.95, 0.99)
_NUMBERS: Final = ("OK", "FAILED")
_TIMES: Final = ("P50", "P95", "P99", "WAIT P95")
_NOTHING: Final = "nothing was run in this time"


@click.command(
    epilog=examples(
        "mainspring metrics --period 24h",
        "mainspring metrics --sort failed --count 5",
        "mainspring metrics --job shop.add --period 7d",
        "mainspring metrics --queue mailers --json | jq .wait_p95_ms",
    )
)
@store_options
@click.option("--period", type=click.Choice(tuple(PERIODS)), default="1h", show_default=True, help="Up to now.")
@click.option("--job", help="The course of one job.")
@click.option("--queue", help="The course of one queue.")
@click.option(
    "--sort",
    type=click.Choice(("time", "failed", "runs", "name")),
    default="time",
    show_default=True,
    help="The order of the jobs: run time together, failed runs, all runs, name.",
)
@click.option("--count", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many jobs to list.")
def metrics(
    *, app_name: str | None, as_json: bool, period: str, job: str | None, queue: str | None, sort: By, count: int
) -> None:
    """Show how many jobs ran and failed, how long they ran and waited.

    Of each job, or in the course of time of one job or queue. SHARE is a job's part of the time that all jobs
    ran. Failed runs are counted, and not timed; a wait is that before a job's first run.
    """
    if job is not None and queue is not None:
        raise click.UsageError("metrics are kept by queue and by job, not by both: give --job or --queue")
    app = boot.any_app(app_name)
    if job is None and queue is None:
        _jobs(app.metrics.jobs(period, count, by=sort), as_json=as_json)
    else:
        _course(app.metrics.series(period, job=job, queue=queue), as_json=as_json)


def _jobs(found: Sequence[JobTotals], *, as_json: bool) -> None:
    timed = [(job, [*(job.percentile("run", share) for share in _SHARES), job.wait_p95]) for job in found]
    if as_json:
        for job, times in timed:
            facts = {"job": job.name, "ok": job.ok, "failed": job.failed, "run_seconds": job.run_seconds}
            print_json(facts | {"share": round(job.share, 4)} | _named(times))
        return
    rows = [
        (clean(job.name), f"{job.ok:,}", f"{job.failed:,}", f"{job.share:.0%}", *map(_milliseconds, times))
        for job, times in timed
    ]
    print_rows(("JOB", *_NUMBERS, "SHARE", *_TIMES), rows, _NOTHING, right=range(1, 8))


def _course(found: Series, *, as_json: bool) -> None:
    percentiles = [*(found.percentile("run", share) for share in _SHARES), found.percentile("wait", 0.95)]
    buckets = list(zip(found.times, found.ok, found.failed, found.run_ms, zip(*percentiles, strict=True), strict=True))
    if as_json:
        for at, ok, failed, run_ms, times in buckets:
            print_json({"at": at, "ok": ok, "failed": failed, "run_seconds": run_ms / 1000} | _named(times))
        return
    rows = [
        (stamp(at), f"{ok:,}", f"{failed:,}", *map(_milliseconds, times))
        for at, ok, failed, _, times in buckets
        if ok or failed
    ]
    print_rows((f"EACH {in_words(found.step).upper()} FROM", *_NUMBERS, *_TIMES), rows, _NOTHING, right=range(1, 7))


def _named(times: Sequence[float | None]) -> dict[str, float | None]:
    names = ("run_p50_ms", "run_p95_ms", "run_p99_ms", "wait_p95_ms")
    return {name: None if value is None else round(value, 1) for name, value in zip(names, times, strict=True)}


def _milliseconds(value: float | None) -> str:
    return "" if value is None else in_words(value / 1000)


@click.command(
    "deploy-mark",
    epilog=examples(
        "mainspring deploy-mark v42",
        'mainspring deploy-mark "$(git rev-parse --short HEAD)"',
        "mainspring deploy-mark -A shop.jobs 'v42: new prices'",
    ),
)
@app_option
@debug_option
@click.argument("label")
def deploy_mark(app_name: str | None, label: str) -> None:
    """Mark a deploy, for charts to show what came with it; Sidekiq's pages show it too.

    A process that starts with MAINSPRING_RELEASE, or what platforms set, marks a new release by itself.
    """
    try:
        deploy = boot.any_app(app_name).metrics.mark_deploy(label)
    except InvalidOption as error:
        raise click.BadParameter(str(error), param_hint="LABEL") from error
    click.echo(f"{clean(deploy.label)} is marked at {stamp(deploy.at)}")
