"""The command ``mainspring``: finds the subcommand, and turns every end into an exit code."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches
from typing import Final, NoReturn

import click

from mainspring.__about__ import __version__
from mainspring.base.errors import MainspringError
from mainspring.cli.failure import INTERNAL, INTERRUPTED, OK, Failure, code_of
from mainspring.cli.options import Session, debug_option, examples
from mainspring.cli.output import clean

_COMMANDS: Final = {
    "Run": {
        "dev": "Store, worker, clock and dashboard in one, reloading on change.",
        "worker": "Run jobs.",
        "clock": "Enqueue periodic jobs at their times.",
        "web": "Serve the dashboard.",
        "outbox": "Push what transactions have left in outboxes.",
        "enqueue": "Enqueue a job.",
        "run": "Run a job here and now.",
        "embedded": "Start, stop and look at the embedded store.",
        "bench": "Measure throughput and latency on your own server.",
    },
    "Look and steer": {
        "stats": "Show counters, queues and processes.",
        "metrics": "Show how long jobs wait and run, and how many fail.",
        "queues": "List, pause, resume and clear queues.",
        "limits": "List and reset limiters.",
        "gates": "List what jobs wait for.",
        "batches": "List, show and cancel batches and workflows.",
        "cron": "List, check and steer periodic entries.",
        "jobs": "List jobs, or show one.",
        "failures": "List the errors that jobs fail with, those alike as one.",
        "search": "Find jobs in all states by one line.",
        "retry": "Run failed or dead jobs again now.",
        "kill": "Move jobs to the dead set.",
        "operations": "Do something to all jobs that a filter means.",
        "cancel": "Drop waiting jobs, and end running ones.",
        "delete": "Drop jobs for good.",
        "unlock": "Take the lock of a unique job away.",
        "quiet": "Let processes start no more jobs.",
        "stop": "Let processes finish and end.",
        "deploy-mark": "Mark a deploy in the metrics.",
    },
}


class _ReaderLeft(Exception):
    """Whoever read our output has read enough."""


class _Commands(click.Group):
    """Loads a command when it is asked for."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; a broken pipe keeps its meaning, which click would turn into a failure."""
        try:
            result: object = super().invoke(ctx)
        except BrokenPipeError as error:
            raise _ReaderLeft from error
        return result

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's interface
        """Return the names of all commands."""
        return [name for group in _COMMANDS.values() for name in group]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # likewise
        """Return a command; None if there is none of that name."""
        return _load(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is meant, or say which may be."""
        if args and not args[0].startswith("-") and args[0] not in self.list_commands(ctx):
            close = get_close_matches(args[0], self.list_commands(ctx), 2)
            hint = f" Did you mean {' or '.join(close)}?" if close else ""
            ctx.fail(f"No such command {clean(args[0])!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # likewise
        """Write the commands in groups, without loading them."""
        for title, commands in _COMMANDS.items():
            with formatter.section(title):
                formatter.write_dl(list(commands.items()))


def _load(name: str) -> click.Command | None:
    match name:
        case "worker":
            from mainspring.cli import worker

            return worker.worker
        case "clock":
            from mainspring.cli import clock

            return clock.clock
        case "web":
            from mainspring.cli import web

            return web.web
        case "outbox":
            from mainspring.cli import outbox

            return outbox.outbox
        case "dev":
            from mainspring.cli import dev

            return dev.dev
        case "enqueue" | "run":
            from mainspring.cli import enqueue

            return enqueue.enqueue if name == "enqueue" else enqueue.run
        case _:
            return _load_steering(name)


def _load_steering(name: str) -> click.Command | None:
    match name:
        case "queues":
            from mainspring.cli import queues

            return queues.queues
        case "batches":
            from mainspring.cli import batches

            return batches.batches
        case "limits":
            from mainspring.cli import limits

            return limits.limits
        case "gates":
            from mainspring.cli import gates

            return gates.gates
        case "cron":
            from mainspring.cli import cron

            return cron.cron
        case "jobs":
            from mainspring.cli import jobs

            return jobs.jobs
        case "failures":
            from mainspring.cli import failures

            return failures.failures
        case "retry" | "kill" | "delete":
            from mainspring.cli import steer

            return steer.make(name)
        case "stats" | "quiet" | "stop":
            from mainspring.cli import processes

            return processes.stats if name == "stats" else processes.signaller(name)
        case _:
            return _load_tool(name)


def _load_tool(name: str) -> click.Command | None:
    match name:
        case "metrics" | "deploy-mark":
            from mainspring.cli import metrics

            return metrics.metrics if name == "metrics" else metrics.deploy_mark
        case "cancel":
            from mainspring.cli import cancel

            return cancel.cancel
        case "search":
            from mainspring.cli import search

            return search.search
        case "operations":
            from mainspring.cli import operations

            return operations.operations
        case "unlock":
            from mainspring.cli import unlock

            return unlock.unlock
        case "embedded":
            from mainspring.cli import embedded

            return embedded.embedded
        case "bench":
            from mainspring.cli import bench

            return bench.bench
        case _:
            return None


def _too_early(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.fail(f"-A comes after the command: mainspring worker -A {clean(value)}")


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "mainspring dev -A shop.jobs",
        "mainspring worker -A shop.jobs -c 10 -q critical,6 -q default,2",
        "mainspring enqueue -A shop.jobs add 1 2",
    ),
)
@click.version_option(__version__, "-V", "--version", prog_name="mainspring", message="%(prog)s %(version)s")
@click.option("-A", "--app", hidden=True, expose_value=False, callback=_too_early)
@debug_option
def cli() -> None:
    """Background jobs and a clock for Python, on Redis or Valkey."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command that was typed, and end the process with its exit code."""
    session = Session(started=time.monotonic())
    sys.exit(run(sys.argv[1:] if arguments is None else arguments, session))


def run(arguments: Sequence[str], session: Session) -> int:
    """Run the command that was typed, and return its exit code; only a bug of ours raises."""
    try:
        code = cli.main(list(arguments), prog_name="mainspring", standalone_mode=False, obj=session)
        if sys.stdout is not None:
            sys.stdout.flush()
    except (_ReaderLeft, BrokenPipeError):
        return _reader_left()
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (Failure, MainspringError) as error:
        return _failed(error, session)
    except OSError as error:
        # A full disk, a closed terminal; errors of the store are the package's own.
        _reader_left()
        return _failed(Failure(f"cannot go on: {error}"), session)
    except Exception as error:
        # A bug of ours: said in one line, since the traceback tells the person nothing.
        _say(f"{type(error).__name__}: {error}; this is a bug in mainspring, please report it", session)
        raise SystemExit(INTERNAL) from error
    return code if isinstance(code, int) else OK


def _failed(error: Failure | MainspringError, session: Session) -> int:
    _say(str(error), session)
    return error.code if isinstance(error, Failure) else code_of(error)


def _say(text: str, session: Session) -> None:
    click.echo("mainspring: " + "\n".join(map(clean, text.splitlines())), err=True)
    if session.debug:
        import traceback

        traceback.print_exc()


def _reader_left() -> int:
    """End quietly: what is still to be written has no reader."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return OK
