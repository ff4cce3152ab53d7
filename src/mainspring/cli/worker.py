"""``mainspring worker``: runs jobs until it is told to stop."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
from click.core import ParameterSource

from mainspring import config
from mainspring.app import App
from mainspring.base import durations
from mainspring.base.errors import InvalidDuration, InvalidName, InvalidOption
from mainspring.cli import banner, boot
from mainspring.cli.options import Session, app_option, begin_log, debug_option, examples, log_options
from mainspring.cli.output import counted
from mainspring.clock import Clock, Sync
from mainspring.worker import CapsuleSettings, Relay, Worker


class DurationType(click.ParamType[float]):
    """A duration on the command line, in seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a duration."""
        try:
            return durations.seconds(value if isinstance(value, int | float) else str(value))
        except InvalidDuration as error:
            self.fail(str(error), param, ctx)


@click.command(
    epilog=examples(
        "mainspring worker -A shop.jobs",
        "mainspring worker -A shop.jobs -c 20 -q critical,6 -q default,2",
        "mainspring worker -A shop.jobs --capsule reports=2:reports,default --clock",
        "mainspring worker -A shop.jobs --capsule mails=4:urgent=6,bulk=1",
    )
)
@app_option
@click.option(
    *("-c", "--concurrency"),
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    envvar="MAINSPRING_CONCURRENCY",
    show_envvar=True,
    help="How many jobs run at once.",
)
@click.option(
    *("-q", "--queue", "queues"),
    multiple=True,
    default=("default",),
    metavar="NAME[,WEIGHT]",
    show_default=True,
    envvar="MAINSPRING_QUEUES",
    show_envvar=True,
    help="A queue to take jobs from. Without weights the order counts; with them, the chance to be first.",
)
@click.option(
    "--capsule",
    "capsules",
    multiple=True,
    metavar="NAME=N:QUEUE,..",
    envvar="MAINSPRING_CAPSULES",
    show_envvar=True,
    help="N more slots that serve queues of their own; without any -q or --capsule, as pyproject.toml says.",
)
@click.option("--clock", is_flag=True, envvar="MAINSPRING_CLOCK", show_envvar=True, help="Be a clock as well.")
@click.option(
    "--timeout",
    type=DurationType(),
    default="25s",
    show_default=True,
    envvar="MAINSPRING_TIMEOUT",
    show_envvar=True,
    help="What running jobs get to finish at the end.",
)
@click.option(
    "--tag", default="", envvar="MAINSPRING_TAG", show_envvar=True, help="A name for people.  [default: the App's]"
)
@click.option(
    "--log-starts",
    is_flag=True,
    envvar="MAINSPRING_LOG_STARTS",
    show_envvar=True,
    help="Log the beginning of each run too.",
)
@log_options
@debug_option
@click.pass_context
def worker(
    context: click.Context,
    *,
    app_name: str | None,
    concurrency: int,
    queues: Sequence[str],
    capsules: Sequence[str],
    clock: bool,
    timeout: float,
    tag: str,
    log_starts: bool,
    log_format: str | None,
    log_level: str,
) -> int:
    """Run jobs until TERM or Ctrl-C: then running jobs finish, and what has not is put back.

    TSTP starts no more jobs (quiet), a second Ctrl-C gives up on running jobs, TTIN logs all stacks.
    """
    settings = _capsules(context, capsules, queues, concurrency)
    begin_log("worker", log_format, log_level)
    app = boot.require(app_name)
    made = Worker(
        app,
        settings[0].concurrency,
        settings[0].written,
        capsules=settings[1:],
        timeout=timeout,
        companions=_companions(app, clock=clock),
        log_starts=log_starts,
        tag=tag,
    )
    found = banner.look(app)
    banner.show("worker", app, found, [("capsule", _in_words(each)) for each in settings])
    banner.guard(found)
    made.became = lambda state: _ready(context.ensure_object(Session), timeout) if state == "ready" else None
    return made.run()


def _capsules(
    context: click.Context, capsules: Sequence[str], queues: Sequence[str], concurrency: int
) -> list[CapsuleSettings]:
    """Return the capsules, the default one first: as the command line says, else as pyproject.toml does.

    What is wrong with them is wrong with the command.
    """
    try:
        if _is_said(context, "queues") or _is_said(context, "capsules"):
            first = CapsuleSettings.of(queues, concurrency=concurrency)
            return _apart([first, *map(CapsuleSettings.parse, capsules)])
        found = {name: _written(name, table) for name, table in config.capsules(Path.cwd()).items()}
        first = found.pop("default", CapsuleSettings.of(queues, concurrency=concurrency))
    except (InvalidOption, InvalidName) as error:
        raise click.UsageError(str(error)) from error
    if _is_said(context, "concurrency"):
        first = replace(first, concurrency=concurrency)
    return [first, *found.values()]


def _is_said(context: click.Context, option: str) -> bool:
    return context.get_parameter_source(option) is not ParameterSource.DEFAULT


def _written(name: str, table: object) -> CapsuleSettings:
    try:
        return CapsuleSettings.of_table(name, table)
    except (InvalidOption, InvalidName) as error:
        raise InvalidOption(f"pyproject.toml, [tool.mainspring.capsules]: {error}") from error


def _apart(settings: list[CapsuleSettings]) -> list[CapsuleSettings]:
    names = [each.name for each in settings]
    if len(set(names)) < len(names):
        raise InvalidOption(f"two capsules have one name: {', '.join(names)}; the first is called default")
    return settings


def _companions(app: App, *, clock: bool) -> Sequence[Clock | Relay]:
    """Return what lives as long as the worker: a clock if one is wanted, and a relay if there is an outbox."""
    clocks = (Clock(app, companions=(Sync(app),)),) if clock else ()
    relays = (Relay(app),) if app.relayed.databases else ()
    return (*clocks, *relays)


def _in_words(capsule: CapsuleSettings) -> str:
    queues = " ".join(f"{name}{banner.times()}{weight}" if weight else name for name, weight in capsule.queues)
    return f"{capsule.name}  {counted(capsule.concurrency, 'slot')}   {queues}"


def _ready(session: Session, timeout: float) -> None:
    dot = f" {banner.dot()} "
    took = f"ready in {time.monotonic() - session.started:.2f} s"
    ends = f"Ctrl-C: finish jobs ({durations.in_words(timeout)}), twice: push back and exit"
    click.echo(f"  {dot.join((took, ends, 'TSTP: quiet', 'TTIN: stacks'))}", err=True)
