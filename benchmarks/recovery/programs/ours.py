"""Ours."""

from __future__ import annotations

from benchmarks.recovery.programs.common import URL, wait
from mainspring import App

app = App(URL)


@app.job
def hold() -> None:
    wait()


def enqueue() -> None:
    hold.enqueue()
