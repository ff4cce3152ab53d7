"""What the commands have in common: the session, ``-A``, ``--json``, ``--debug``, and how help looks."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import click

from mainspring import config
from mainspring.base.logs import configure, is_terminal

F = TypeVar("F", bound=Callable[..., object])


@dataclass(slots=True)
class Session:
    """What is known of this one run of the command.

    Attributes:
        started: When it began, on the monotonic clock.
        debug: Whether errors show where in our code they came from.
    """

    started: float = 0.0
    debug: bool = False


def _debug(context: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001  # click's interface
    if value:
        context.ensure_object(Session).debug = True


def debug_option(function: F) -> F:
    """Add ``--debug``."""
    return click.option(
        "--debug",
        is_flag=True,
        expose_value=False,
        callback=_debug,
        envvar="MAINSPRING_DEBUG",
        show_envvar=True,
        help="Show the traceback of an error.",
    )(function)


def app_option(function: F) -> F:
    """Add ``-A``."""
    return click.option(
        *("-A", "--app", "app_name"),
        metavar="MODULE[:ATTRIBUTE]",
        envvar="MAINSPRING_APP",
        show_envvar=True,
        help="Where the App is; else as [tool.mainspring] app in pyproject.toml says.",
    )(function)


def json_option(function: F) -> F:
    """Add ``--json``."""
    text = "Print JSON: a line for each of many, else one document."
    return click.option("--json", "as_json", is_flag=True, help=text)(function)


def yes_option(function: F) -> F:
    """Add ``--yes``."""
    return click.option("--yes", is_flag=True, help="Do not ask on a terminal.")(function)


def log_options(function: F) -> F:
    """Add ``--log-format`` and ``--log-level``."""
    leveled = click.option(
        "--log-level",
        type=click.Choice(("debug", "info", "warning", "error", "critical")),
        envvar="MAINSPRING_LOG_LEVEL",
        show_envvar=True,
        default="info",
        show_default=True,
        help="The least that is logged.",
    )(function)
    return click.option(
        "--log-format",
        type=click.Choice(("human", "json", "logfmt")),
        envvar="MAINSPRING_LOG_FORMAT",
        show_envvar=True,
        help="How log lines look.  [default: human on a terminal, else json]",
    )(leveled)


def begin_log(service: str, log_format: str | None, log_level: str) -> None:
    """Let the process write its log as a *service*, by what `log_options` were given."""
    configure(
        service=service,
        instance=config.instance(),
        release=config.release(),
        fmt=log_format,
        level=log_level,
        env=os.environ,
    )


def store_options(function: F) -> F:
    """Add the options of a command that looks into the store."""
    return app_option(json_option(debug_option(function)))


def examples(*lines: str) -> str:
    """Return the end of a command's help: examples to paste, as they stand."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def confirm(question: str, *, yes: bool) -> None:
    """Ask before what cannot be undone, if there is somebody to ask.

    Raises:
        click.Abort: If the answer is no.
    """
    if not yes and is_terminal(sys.stdin):
        click.confirm(question, abort=True, err=True)
