"""Writes a clock file: the Python module that says what another system's schedule said."""

from __future__ import annotations

import keyword
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from mainspring.cli.output import clean
from mainspring.cli.pycode import WIDTH, Call, Name, laid_out, literal
from mainspring.schedule.foreign.found import Command, Found, Schedule
from mainspring.schedule.foreign.reading import can_name_a_job
from mainspring.schedule.row import Row

_WHOSE: Final = {
    "crontab": "a crontab",
    "system-crontab": "a system's crontab",
    "sidekiq-cron": "a schedule of sidekiq-cron",
    "sidekiq-scheduler": "a schedule of sidekiq-scheduler",
}
_ZONES: Final = {
    "crontab": "cron went by the machine's zone",
    "system-crontab": "cron went by the machine's zone",
    "sidekiq-cron": "sidekiq-cron went by Rails's zone, or UTC",
    "sidekiq-scheduler": "sidekiq-scheduler went by Rails's zone, or the machine's",
}
_SHELL: Final = '''\
def shell(command: str, *, stdin: str = "", env: dict[str, str] | None = None) -> None:
    """Run a command line as cron does, at home; if it fails, the job does."""
    env = env or {}
    subprocess.run(
        command,
        shell=True,
        executable=env.get("SHELL"),
        input=stdin,
        text=True,
        cwd=env.get("HOME", Path.home()),
        env=os.environ | env,
        check=True,
    )'''
# Names of the file's own.
_TAKEN: Final = frozenset({"App", "Path", "app", "os", "shell", "subprocess"})


def source(schedule: Schedule, tz: str | None) -> str:
    """Return the text of a clock file.

    Args:
        schedule: What it shall say.
        tz: The zone of times that name none; None if nobody said.
    """
    entries = schedule.entries
    names = _functions(entries)
    environments = _environments(entries)
    has_commands = any(found.command for found in entries)
    head = [
        f'"""Periodic jobs, taken over from {_WHOSE[schedule.format]}."""',
        _imports(has_commands=has_commands),
        _app(schedule, tz),
        *_constants(environments),
    ]
    functions = [_SHELL] if has_commands else []
    functions += [
        _job(names[found.job], found, entries, environments)
        for found in _first_of_each_job(entries)
        if can_name_a_job(found.job)
    ]
    return "\n\n\n".join(["\n\n".join(head), *functions, _table(entries, names)]) + "\n"


def _imports(*, has_commands: bool) -> str:
    standard = "import os\nimport subprocess\nfrom pathlib import Path\n\n" if has_commands else ""
    return f"{standard}from mainspring import App"


def _app(schedule: Schedule, tz: str | None) -> str:
    zone = f"{_ZONES[schedule.format]}; here times are in UTC, unless you say App(tz=...)"
    notes = [*schedule.notes, *([] if tz else [zone])]
    return "\n".join([*_remarks(notes), "app = App()" if tz is None else f"app = App(tz={literal(tz)})"])


def _remarks(notes: Iterable[str]) -> Iterator[str]:
    for note in notes:
        yield from textwrap.wrap(clean(note), WIDTH, initial_indent="# ", subsequent_indent="# ")


# --- jobs ------------------------------------------------------------------------------


def _first_of_each_job(entries: Iterable[Found]) -> Iterator[Found]:
    seen = set()
    for found in entries:
        if found.job not in seen:
            seen.add(found.job)
            yield found


def _functions(entries: Iterable[Found]) -> dict[str, str]:
    """Return the name of the function of each job."""
    names: dict[str, str] = {}
    for found in _first_of_each_job(entries):
        names[found.job] = _identifier(found.job, {*names.values(), *_TAKEN})
    return names


def _identifier(job: str, taken: set[str]) -> str:
    """Return a job's name as Python writes one: ``Billing::ChargeJob`` is ``billing_charge_job``."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", job)
    base = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_") or "job"
    base = f"job_{base}" if base[0].isdigit() or keyword.iskeyword(base) else base
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}_{number}"
    return name


def _job(name: str, found: Found, entries: Sequence[Found], environments: Sequence[Mapping[str, str]]) -> str:
    if found.command is not None:
        # cron runs a command once, whatever becomes of it.
        head = ["@app.job(retry=0)", f"def {name}() -> None:"]
        return "\n".join([*head, *laid_out(_shell(found.command, environments), "    ")])
    has_kwargs = any(other.row and "kwargs" in other.row.options for other in entries if other.job == found.job)
    parameters = "*args: object, **kwargs: object" if has_kwargs else "*args: object"
    head = [f"@app.job(name={literal(found.job)})", f"def {name}({parameters}) -> None:"]
    todo = Call("NotImplementedError", [("", f"write here what {found.job} did")])
    return "\n".join([*head, *laid_out(todo, "    ", "raise ")])


def _shell(command: Command, environments: Sequence[Mapping[str, str]]) -> Call:
    arguments: list[tuple[str, object]] = [("", command.text)]
    if command.stdin:
        arguments.append(("stdin", command.stdin))
    if command.environment:
        arguments.append(("env", Name(_constant(environments.index(command.environment)))))
    return Call("shell", arguments)


def _environments(entries: Iterable[Found]) -> list[Mapping[str, str]]:
    """Return what the crontab sets for its commands, each set of variables once."""
    found: list[Mapping[str, str]] = []
    for entry in entries:
        if entry.command and entry.command.environment and entry.command.environment not in found:
            found.append(entry.command.environment)
    return found


def _constants(environments: Iterable[Mapping[str, str]]) -> Iterator[str]:
    for place, environment in enumerate(environments):
        yield "\n".join(laid_out(dict(environment), before=f"{_constant(place)} = "))


def _constant(place: int) -> str:
    return "ENV" if place == 0 else f"ENV_{place + 1}"


# --- entries ---------------------------------------------------------------------------


def _table(entries: Iterable[Found], names: Mapping[str, str]) -> str:
    """Return the entries, a blank line around each one of which there is something to say."""
    text, was_told = "", True
    for found in entries:
        is_told = found.row is None or bool(found.notes)
        gap = "\n\n" if text and (is_told or was_told) else "\n" if text else ""
        text += gap + "\n".join(_entry(found, names[found.job]))
        was_told = is_told
    return text


def _entry(found: Found, function: str) -> Iterator[str]:
    yield from _remarks(f"line {found.line}: {note}" for note in found.notes)
    if found.row is not None:
        yield from laid_out(_call(found.row, function))
        return
    yield from _remarks([f"line {found.line} is not taken over: {found.refused}"])
    yield from (f"#     {clean(line)}".rstrip() for line in found.source)


def _call(row: Row, function: str) -> Call:
    kind, rule = ("every", row.every) if row.cron is None else ("cron", row.cron)
    given = {"tz": row.tz, "at": row.at, "name": row.name, **row.options}
    keywords = [(key, value) for key, value in given.items() if not (value is None or value is False or value == [])]
    return Call(f"app.{kind}", [("", rule), ("", Name(function)), *keywords])
