"""``mainspring gates``: list what limits jobs before they run, and what waits for it."""

from __future__ import annotations

from dataclasses import asdict

import click

from mainspring.api.gates import GateState
from mainspring.base.durations import in_words
from mainspring.cli import boot
from mainspring.cli.options import examples, store_options
from mainspring.cli.output import clean, print_json, print_rows


@click.command(epilog=examples("mainspring gates", "mainspring gates --json | jq .waiting"))
@store_options
def gates(*, app_name: str | None, as_json: bool) -> None:
    """List the gates by which jobs wait: what each allows, how many hold it, how many wait."""
    states = boot.any_app(app_name).gates.states()
    if as_json:
        for state in states:
            print_json(asdict(state))
        return
    rows = [
        (clean(state.name), state.kind, _allows(state), f"{state.held:,}", f"{state.waiting:,}") for state in states
    ]
    print_rows(("GATE", "KIND", "ALLOWS", "HELD", "WAITING"), rows, "no job waits by a gate", right={3, 4})


def _allows(state: GateState) -> str:
    if state.most is None:
        return "everything"
    if state.kind == "turn":
        return f"its share of {state.most:,} slots"
    if state.per is None or state.kind == "concurrent":
        return f"{state.most:,} at once"
    return f"{state.most:,} each {in_words(state.per)}"
