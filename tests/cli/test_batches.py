"""Batches can be seen and cancelled by a person who has nothing but the store."""

from __future__ import annotations

import json

import pytest

from batchwork import Yard
from mainspring.features.workflows import chain


@pytest.fixture
def yard(server):
    made = Yard(server)
    yield made
    made.app.close()


def test_batches_are_listed(ms, yard):
    with yard.app.batch("import", tags=["nightly"]) as outer:
        yard.note.enqueue(1)
        with yard.app.batch("part"):
            pass

    lines = ms("batches").out.splitlines()

    assert lines[0].split() == ["BID", "STATE", "DONE", "OF", "FAILED", "DEAD", "MADE", "DESCRIPTION"]
    (line,) = (line for line in lines if outer.bid in line)
    assert line.split()[1:6] == ["running", "1", "2", "0", "0"]
    assert line.endswith("import nightly")
    assert any("success" in line for line in lines)


def test_no_batches_are_nothing_on_standard_output(ms):
    ended = ms("batches")

    assert (ended.code, ended.out) == (0, "")
    assert "no batches" in ended.err


def test_batches_are_lines_of_json(ms, yard):
    for name in "abc":
        with yard.app.batch(name):
            yard.note.enqueue(1)

    found = [json.loads(line) for line in ms("batches", "--json", "--count", "2").out.splitlines()]

    assert [line["description"] for line in found] == ["c", "b"]
    assert (found[0]["total"], found[0]["pending"], found[0]["state"]) == (1, 1, "running")


def test_a_batch_is_shown_with_what_is_in_it_and_what_failed(ms, yard):
    with yard.app.batch("import") as batch:
        yard.ends.enqueue("die")
        yard.ends.enqueue("ok")
        with yard.app.batch("child"):
            pass
    yard.run()

    out = ms("batches", "show", batch.bid).out

    assert "2 of 3 jobs" in out
    assert "1, of which 1 are dead" in out
    assert "child" in out
    assert 'ends("die")' in out
    assert "as told" in out


def test_the_steps_of_a_workflow_are_shown_with_what_they_wait_for(ms, yard):
    with yard.app.flow() as flow:
        flow.add(chain(yard.note.step("a"), yard.ends.step("later"), yard.note.step("b")))
    yard.run()

    lines = ms("batches", "show", flow.batch.bid).out.splitlines()
    steps = json.loads(ms("batches", "show", "--json", flow.batch.bid).out)["steps"]

    assert [line.split()[:2] for line in lines if line.split()[:1] in (["0"], ["1"], ["2"])] == [
        ["0", "done"],
        ["1", "failed"],
        ["2", "waiting"],
    ]
    assert [(step["state"], step["after"]) for step in steps] == [("done", []), ("failed", [0]), ("waiting", [1])]


def test_a_batch_is_cancelled(ms, yard):
    with yard.app.batch() as batch:
        yard.note.enqueue(1)

    assert "1 batch cancelled" in ms("batches", "cancel", batch.bid, "--yes").out

    assert batch.status().is_cancelled
    assert "over already" in ms("batches", "cancel", batch.bid, "--yes").err


def test_a_batch_that_is_not_there_is_a_failure(ms, yard):
    for command in (("show", "b1"), ("cancel", "b1", "--yes")):
        ended = ms("batches", *command)

        assert ended.code == 1
        assert "there is no batch b1" in ended.err
