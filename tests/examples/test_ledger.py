"""The ledger's promise: a line is whole or absent, and the lines of many writers do not mix."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

from examples.admissions.ledger import Event, Ledger, Line, in_hand


def write_many(path: Path, name: str) -> None:
    ledger = Ledger(path)
    for number in range(200):
        ledger.write(Event.STARTED, f"{name}-{number}", "examples.admissions.jobs.reject")


def test_lines_of_many_processes_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    writers = [multiprocessing.get_context("spawn").Process(target=write_many, args=(path, name)) for name in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)

    lines = Ledger(path).read()

    assert len(lines) == 600
    for writer in writers:
        own = [line.jid.partition("-")[2] for line in lines if line.pid == writer.pid]
        assert own == [str(number) for number in range(200)]


def test_half_a_line_is_left_for_the_next_reading(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.write(Event.PUSHED, "a", "job")
    with (tmp_path / "ledger.jsonl").open("a") as file:
        file.write('{"at": 1.0, "pi')

    assert [line.jid for line in ledger.read()] == ["a"]


def test_in_hand_is_what_was_begun_last_and_not_ended() -> None:
    events = [
        (1, Event.STARTED, "a"),
        (1, Event.FAILED, "a"),
        (1, Event.STARTED, "a"),
        (1, Event.STARTED, "b"),
        (1, Event.DONE, "b"),
        (1, Event.PUSHED, "c"),
        (2, Event.STARTED, "d"),
    ]
    lines = [Line(float(at), pid, event, jid, "job") for at, (pid, event, jid) in enumerate(events)]

    assert in_hand(lines, 1) == {"a"}
