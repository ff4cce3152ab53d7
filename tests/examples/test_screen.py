"""The screen's promise: lines stay whole and say whose they are; only what went well is left out, and counted."""

from __future__ import annotations

import io
import itertools

from examples.admissions.screen import Screen

OK = "12:00:00.000 ok    send_mail b619ad mail 2 ms"
RETRY = "12:00:00.000 retry ask_reference 50e0c1 default 151 ms"


def test_each_line_names_its_process() -> None:
    stream = io.StringIO()
    shown = Screen(stream)

    shown.pass_on("worker-1", RETRY)
    shown.say("closing")

    assert stream.getvalue().splitlines() == [f"worker-1 | {RETRY}", "demo     | closing"]


def test_what_went_well_is_shown_as_a_sample_and_counted() -> None:
    stream, now = io.StringIO(), 0.5
    shown = Screen(stream, clock=lambda: now)

    for _ in range(10):
        shown.pass_on("worker-1", OK)
    shown.pass_on("worker-2", OK)
    now = 1.5
    shown.pass_on("worker-1", OK)

    lines = stream.getvalue().splitlines()
    assert lines == [
        *[f"worker-1 | {OK}"] * 2,
        f"worker-2 | {OK}",
        "worker-1 | ... and 8 more that went well",
        f"worker-1 | {OK}",
    ]


def test_what_did_not_go_well_is_always_shown() -> None:
    stream = io.StringIO()
    shown = Screen(stream, clock=lambda: 0.5)

    for line in itertools.islice(itertools.cycle([OK, RETRY]), 20):
        shown.pass_on("worker-1", line)

    assert stream.getvalue().count(RETRY) == 10
