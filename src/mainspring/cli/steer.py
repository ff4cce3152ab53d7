"""``mainspring retry``, ``kill`` and ``delete``: by id, or all that fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import click

from mainspring.api.filters import JobFilter
from mainspring.api.jobs import StoredJob
from mainspring.app import App
from mainspring.base.errors import InvalidPayload
from mainspring.cli import boot
from mainspring.cli.options import confirm, examples, store_options, yes_option
from mainspring.cli.output import clean, counted, print_json
from mainspring.cli.selection import STATES, Selection, filter_options, job_set

# What each does to one job; where it looks for all of them unless told; where it can do anything.
_DO: Final = {"retry": StoredJob.retry, "kill": StoredJob.kill, "delete": StoredJob.delete}
_DONE: Final = {"retry": "enqueued", "kill": "killed", "delete": "dropped"}
_USUAL: Final = {"retry": ("retry", "dead"), "kill": ("retry", "scheduled"), "delete": ("dead",)}
_SENTENCE: Final = {
    "retry": "Run scheduled, failed or dead jobs now.",
    "kill": "Move jobs to the dead set, where they can be looked at and retried.",
    "delete": "Drop jobs for good.",
}
_ABLE: Final = {
    "retry": ("retry", "scheduled", "dead"),
    "kill": ("waiting", "retry", "scheduled"),
    "delete": ("waiting", "retry", "scheduled", "dead"),
}


def make(name: str) -> click.Command:
    """Return the command *name*: ``retry``, ``kill`` or ``delete``."""

    @click.command(name, help=_help(name), epilog=_examples(name))
    @click.argument("jids", nargs=-1, metavar="[JID]...")
    @click.option("--all", "everything", is_flag=True, help="All jobs that fit the options below.")
    @click.option(
        "--state",
        "states",
        multiple=True,
        type=click.Choice(_ABLE[name]),
        help=f"With --all, where to look.  [default: {', '.join(_USUAL[name])}]",
    )
    @filter_options
    @yes_option
    @store_options
    def command(
        *,
        app_name: str | None,
        as_json: bool,
        jids: Sequence[str],
        everything: bool,
        states: Sequence[str],
        yes: bool,
        **which: str | None,
    ) -> int:
        is_filtered = any(states) or any(which.values())
        if bool(jids) == everything or (jids and is_filtered):
            raise click.UsageError(f"say which: mainspring {name} JID..., or mainspring {name} --all")
        app = boot.any_app(app_name)
        if jids:
            return _by_id(app, name, jids, as_json=as_json)
        selection = Selection(app, states or _USUAL[name], JobFilter(**which))
        return _all(selection, name, yes=yes, as_json=as_json)

    return command


def _help(name: str) -> str:
    usual = " and ".join(_USUAL[name])
    return f"{_SENTENCE[name]}\n\nGive the ids of jobs, or --all. Without --state, --all means {usual}."


def _examples(name: str) -> str:
    return examples(
        f"mainspring {name} 50e0c1d2a3b4c5d6e7f80910",
        f"mainspring {name} --all --class send_invoice --queue mailers",
        f"mainspring {name} --all --state {_ABLE[name][-1]} --error TimeoutError --yes",
    )


def _by_id(app: App, name: str, jids: Sequence[str], *, as_json: bool) -> int:
    failed = 0
    for jid in jids:
        why = _act(app, name, jid)
        failed += why is not None
        if as_json:
            print_json({"jid": jid, "done": why is None, "reason": why})
        elif why is None:
            click.echo(f"{clean(jid)} {_DONE[name]}")
        else:
            click.echo(f"mainspring: {clean(jid)}: {why}", err=True)
    return 1 if failed else 0


def _act(app: App, name: str, jid: str) -> str | None:
    """Do it to one job, and return why it could not be done; None if it was."""
    job = app.find(jid)
    if job is None:
        return "there is no such job: it is done, was dropped, or never was"
    try:
        if _DO[name](job):
            return None
    except InvalidPayload as error:
        return f"{error}; it can be deleted"
    if job.place in STATES and job.place not in _ABLE[name]:
        return {"running": "it is running", "dead": "it is dead already"}.get(job.place, f"it is {job.place}")
    return "it waits in its queue already" if name == "retry" else "it has moved on meanwhile; try again"


def _all(selection: Selection, name: str, *, yes: bool, as_json: bool) -> int:
    where = " and ".join(selection.states)
    if name != "retry":
        confirm(f"{name.capitalize()} all jobs that fit ({where})?", yes=yes)
    done = sum(_each(selection, name, state) for state in selection.states)
    if as_json:
        print_json({_DONE[name]: done})
    else:
        click.echo(f"{counted(done, 'job')} {_DONE[name]} ({where})")
    return 0


def _each(selection: Selection, name: str, state: str) -> int:
    which = selection.which
    if state == "waiting":
        queues = [queue for queue in selection.app.queues if which.queue in {None, queue.name}]
        return sum(queue.kill_all(which) if name == "kill" else queue.delete_all(which) for queue in queues)
    jobs = job_set(selection.app, state)
    act: dict[str, Callable[[JobFilter], int]] = {
        "retry": jobs.retry_all,
        "kill": jobs.kill_all,
        "delete": jobs.delete_all,
    }
    return act[name](which)
