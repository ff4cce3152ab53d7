"""``mainspring enqueue`` and ``mainspring run``: a job from the shell."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import traceback
from collections.abc import Awaitable, Mapping, Sequence
from contextvars import copy_context
from datetime import datetime
from pathlib import Path
from typing import Final

import click

from mainspring.app import App
from mainspring.base.errors import WrongArguments
from mainspring.base.payload import Payload
from mainspring.cli import boot
from mainspring.cli.failure import Failure
from mainspring.cli.options import app_option, debug_option, examples, json_option
from mainspring.cli.output import print_json, stamp
from mainspring.cli.worker import DurationType
from mainspring.context import Holding, JobContext, enter
from mainspring.job import Job
from mainspring.push import new_jid

_OPTION: Final = re.compile(r"-[A-Za-z]|--.")
_ARGUMENTS: Final = {"ignore_unknown_options": True}


@click.command(
    context_settings=_ARGUMENTS,
    epilog=examples(
        "mainspring enqueue -A shop.jobs add 1 2",
        "mainspring enqueue -A shop.jobs send_invoice 42 --kw due=2026-12-24 --in 5m",
        "mainspring enqueue HardJob '[1,{\"a\":2}]' --queue ruby   # no App: any name",
    ),
)
@app_option
@click.option("--kw", "named", multiple=True, metavar="NAME=VALUE", help="A keyword argument.")
@click.option("--queue", help="The queue.  [default: the job's]")
@click.option("--in", "delay", type=DurationType(), help="Run it after a while: 5m, 1h30m, 90.")
@click.option("--at", "moment", metavar="TIME", help="Run it at a time: 2026-12-24T18:00+01:00.")
@click.option("--foreign", is_flag=True, help="The job's code lives elsewhere, such as in Ruby.")
@json_option
@debug_option
@click.argument("name")
@click.argument("arguments", nargs=-1, metavar="[ARG]...")
def enqueue(
    *,
    app_name: str | None,
    named: Sequence[str],
    queue: str | None,
    delay: float | None,
    moment: str | None,
    foreign: bool,
    as_json: bool,
    name: str,
    arguments: Sequence[str],
) -> None:
    """Enqueue the job NAME and print its id.

    An argument is read as JSON, and as text where it is none or the job wants text.
    """
    found = boot.named(app_name)
    app = found or App()
    args, kwargs, at = _read(arguments), _read_named(named), _due(app, delay, moment)
    if found is not None and not foreign:
        job = app.job_named(name)
        restored_args, restored_kwargs = restored(job, arguments, named)
        name, args, kwargs = job.name, restored_args, restored_kwargs
    made = app.enqueue(name, args, kwargs, queue=queue, at=at)
    if as_json:
        print_json(made._asdict())
    elif made.jid:
        click.echo(made.jid if made.at is None else f"{made.jid}  {stamp(made.at)}")
    elif made.duplicate_of:
        # Whoever wants to know how it ends may ask for the one that stands in its place.
        click.echo(made.duplicate_of)
        click.echo(
            f"mainspring: {name} is unique, and that job has the same arguments: it was not enqueued again", err=True
        )
    else:
        raise Failure(f"{name} was not enqueued: a middleware of the App stopped it")


@click.command(
    context_settings=_ARGUMENTS,
    epilog=examples(
        "mainspring run -A shop.jobs add 1 2",
        "mainspring run -A shop.jobs send_invoice 42 --kw due=2026-12-24",
        "0 3 * * *  cd /srv/shop && mainspring run -A shop.jobs report   # in a crontab",
    ),
)
@app_option
@click.option("--kw", "named", multiple=True, metavar="NAME=VALUE", help="A keyword argument.")
@json_option
@debug_option
@click.argument("name")
@click.argument("arguments", nargs=-1, metavar="[ARG]...")
def run(*, app_name: str | None, named: Sequence[str], as_json: bool, name: str, arguments: Sequence[str]) -> None:
    """Run the job NAME here and now, in this process, and print its result.

    Nothing is enqueued, retried or counted.
    """
    job = boot.require(app_name).job_named(name)
    args, kwargs = restored(job, arguments, named)
    try:
        result = copy_context().run(_perform, job, args, kwargs)
    except Exception as error:
        # The job's own code: whatever it raises is its result.
        raise Failure(_raised(job, error)) from error
    if as_json:
        print_json(result)
    elif result is not None:
        click.echo(result if isinstance(result, str) else _shown(result))


def _perform(job: Job[..., object], args: Sequence[object], kwargs: Mapping[str, object]) -> object:
    wire = Payload(name=job.name, jid=new_jid(), args=list(args), kwargs=dict(kwargs), queue=job.options.queue)
    nobody = Holding(process="", is_lost=lambda: False, is_stopping=lambda: False)
    enter(JobContext(wire, job.options.queue, 0, nobody))
    result = job(*args, **kwargs)
    return asyncio.run(_awaited(result)) if inspect.isawaitable(result) else result


async def _awaited(result: Awaitable[object]) -> object:
    return await result


def _shown(result: object) -> str:
    try:
        return json.dumps(result, ensure_ascii=False)
    except (TypeError, ValueError):
        return repr(result)


def _raised(job: Job[..., object], error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(Path.cwd())] or frames
    return (
        f"{job.name} raised {type(error).__name__}: {error}\n  {own[-1].filename}:{own[-1].lineno}\n    {own[-1].line}"
    )


# --- arguments -------------------------------------------------------------------------


def restored(
    job: Job[..., object], words: Sequence[str], named: Sequence[str]
) -> tuple[list[object], dict[str, object]]:
    """Return words of the command line as the types that *job* wants.

    A word that is JSON but does not fit as such, as 7 for a text, is taken as text.

    Raises:
        WrongArguments: If they do not fit either way.
    """
    args, kwargs = _read(words), _read_named(named)
    texts = dict(word.split("=", 1) for word in named)
    while True:
        try:
            positional, keywords = job.arguments.restore(args, kwargs)
        except WrongArguments as error:
            place = _place(job, error.parameter, args, words)
            if place is not None:
                args[place] = words[place]
            elif error.parameter in texts and kwargs[error.parameter] != texts[error.parameter]:
                kwargs[error.parameter] = texts[error.parameter]
            else:
                raise
        else:
            return list(positional), dict(keywords)


def _place(job: Job[..., object], parameter: str | None, args: Sequence[object], words: Sequence[str]) -> int | None:
    """Return which argument to take as text next: the first for *parameter* that was read as JSON."""
    names = list(inspect.signature(job.function).parameters)
    if parameter not in names:
        return None
    first = names.index(parameter)
    rest = inspect.signature(job.function).parameters[parameter].kind is inspect.Parameter.VAR_POSITIONAL
    places = range(first, len(args)) if rest else range(first, min(first + 1, len(args)))
    return next((place for place in places if args[place] != words[place]), None)


def _read(words: Sequence[str]) -> list[object]:
    """Read arguments; a negative number may stand among them, and so not every dash begins an option."""
    slip = next((word for word in words if _OPTION.match(word)), None)
    if slip is not None:
        raise click.UsageError(
            f"No such option: {slip}; if it is an argument of the job, write it as JSON: '\"{slip}\"'"
        )
    return [_value(word) for word in words]


def _read_named(named: Sequence[str]) -> dict[str, object]:
    pairs = [word.partition("=") for word in named]
    wrong = next((word for word, (name, equals, _) in zip(named, pairs, strict=True) if not (name and equals)), None)
    if wrong is not None:
        raise click.UsageError(f"--kw {wrong}: write NAME=VALUE, such as --kw due=2026-12-24")
    return {name: _value(text) for name, _, text in pairs}


def _value(word: str) -> object:
    try:
        return json.loads(word, parse_constant=_no_number)
    except ValueError:
        return word


def _no_number(word: str) -> None:
    raise ValueError(word)


def _due(app: App, delay: float | None, moment: str | None) -> float | None:
    if delay is not None and moment is not None:
        raise click.UsageError("--in and --at say two times; give one")
    if delay is not None:
        return app.time.now() + delay
    if moment is None:
        return None
    try:
        when = datetime.fromisoformat(moment)
    except ValueError as error:
        raise click.UsageError(f"--at {moment}: this is no time; write 2026-12-24T18:00+01:00") from error
    if when.tzinfo is None:
        raise click.UsageError(f"--at {moment}: in which zone? Write {moment}Z for UTC, or {moment}+01:00")
    return when.timestamp()
