"""An App with as many periodic entries as BENCH_ENTRIES says, by the rule of BENCH_RULE, for ``mainspring clock``."""

from __future__ import annotations

import os

from mainspring import App

app = App(os.environ["BENCH_URL"])


@app.job(name="nop")
def nop(number: int) -> None:
    """Do nothing."""


kind, _, text = os.environ["BENCH_RULE"].partition(" ")
for number in range(int(os.environ["BENCH_ENTRIES"])):
    add = app.every if kind == "every" else app.cron
    add(text, nop, args=[number], name=f"entry.{number}")
