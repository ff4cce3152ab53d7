"""``mainspring embedded``: the store that needs no installation, as a person sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import click

from mainspring import config
from mainspring.base.durations import in_words
from mainspring.cli.failure import Failure
from mainspring.cli.options import debug_option, examples, json_option
from mainspring.cli.output import listing, print_json
from mainspring.store import embedded as store
from mainspring.worker.signals import Signals

F = TypeVar("F", bound=Callable[..., object])

_SCHEME = "embedded://"


def directory_option(function: F) -> F:
    """Add ``--dir``."""
    return click.option(
        "--dir",
        "directory",
        type=click.Path(path_type=Path, file_okay=False),
        help="Its folder.  [default: the one MAINSPRING_URL names, else ./.mainspring]",
    )(function)


def _folder(directory: Path | None) -> Path:
    url = config.store_url()
    if directory is not None:
        return directory
    return Path(url.removeprefix(_SCHEME) if url.startswith(_SCHEME) else config.EMBEDDED_DIRECTORY)


@click.group(epilog=examples("mainspring embedded status", "mainspring embedded start", "mainspring embedded stop"))
def embedded() -> None:
    """Start, stop and look at the embedded store: a Valkey server shared by all processes of a folder.

    Commands start it when they need it, and the last to end stops it; its data stays.
    """


@embedded.command()
@directory_option
@json_option
@debug_option
def status(*, directory: Path | None, as_json: bool) -> int:
    """Say whether it runs; the exit code is 1 if it does not."""
    folder = _folder(directory)
    found = store.status(folder)
    if as_json:
        print_json({"running": found is not None, "directory": folder.resolve(), **(asdict(found) if found else {})})
    elif found is None:
        click.echo(f"the embedded store in {folder} does not run")
    else:
        click.echo(
            listing(
                [
                    ("directory", folder.resolve()),
                    ("pid", found.pid),
                    ("version", f"valkey {found.version}"),
                    ("socket", found.socket),
                    ("uptime", in_words(found.uptime)),
                    ("memory", f"{found.memory / 1e6:.1f} MB"),
                    ("users", found.users),
                ]
            )
        )
    return 0 if found else 1


@embedded.command()
@directory_option
@debug_option
def start(directory: Path | None) -> None:
    """Run it until TERM or Ctrl-C, or longer, if others use it then."""
    signals = Signals()
    signals.listen()
    server = store.ensure(_folder(directory))
    click.echo(f"{server.notice} (pid {server.pid}); Ctrl-C ends", err=True)
    click.echo(server.url)
    while signals.next() not in {"TERM", "INT"}:
        pass
    server.release()


@embedded.command()
@directory_option
@debug_option
def stop(directory: Path | None) -> None:
    """Stop it for all processes; its data stays."""
    folder = _folder(directory)
    if not store.stop(folder):
        raise Failure(f"the embedded store in {folder} does not run")
    click.echo(f"the embedded store in {folder} is stopped")
