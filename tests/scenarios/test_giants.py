"""A job of any length costs a worker little memory and no other job; errors of any length are cut."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mainspring import PayloadTooLarge
from scenarios.harness import Office, Process, eventually
from scenarios.record import at_length, record

MEGABYTE = 1_000_000
#: What an interpreter takes for buffers of its own, whatever the job.
SLACK = 12 * MEGABYTE
SIZES = (1, 16, 100)
#: How many times its length a job that is not read may take: the look at the queue and the fetch hold it twice each
#: while it comes in, in the client library's buffer and as bytes. Read, it would take ten to twenty times its length.
MOST = 6


def peak(worker: Process) -> int:
    """Return the most memory that a process has held so far, in bytes."""
    status = Path(f"/proc/{worker.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def giant(megabytes: int, manner: str) -> bytes:
    """Return a foreign job of so many megabytes: one text, or many numbers."""
    size = megabytes * MEGABYTE + 300_000
    inner = b'"' + b"x" * size + b'"' if manner == "text" else b"[" + b"7777," * (size // 5) + b"1]"
    head = f'{{"retry":true,"queue":"default","class":"take","jid":"{megabytes:024x}","args":['.encode()
    return head + inner + b"]}"


def swallow(office: Office, sizes: tuple[int, ...], key: str) -> dict[str, float]:
    """Let a new worker meet a foreign job of each size, and return how many times its size each took of memory."""
    taken = {}
    for manner in ("text", "numbers"):
        for megabytes in sizes:
            taken[f"{manner}_{megabytes}MB"] = appetite(office, manner, megabytes, key=key)
            (buried,) = office.server.client.zrange("dead", 0, -1)
            assert buried.startswith(giant(megabytes, manner)[:-1])
            assert "the limit is 1,000,000" in json.loads(buried)["error_message"]
            office.server.client.delete("dead")
    return taken


def appetite(office: Office, manner: str, megabytes: int, mutant: str = "", key: str = "queue") -> float:
    """Let a new worker meet one foreign job, and return how many times its length it took of memory."""
    worker = office.start(mutant, concurrency=2).ready()
    office.until_done([office.push("take")])
    raw, before, ended = giant(megabytes, manner), peak(worker), len(office.done())
    if key == "queue":
        office.server.client.lpush("queue:default", raw)
    else:
        office.server.client.zadd(key, {raw: 1.0})
    eventually(lambda: office.server.client.zcard("dead") or len(office.done()) > ended, 60)
    office.until_done([office.push("take")])
    taken = round(max(peak(worker) - before - SLACK, 0) / len(raw), 2)
    assert worker.popen.poll() is None
    assert not worker.events("service.error")
    worker.close()
    return taken


def test_a_foreign_giant_goes_to_the_dead_set_unread(office):
    sizes = at_length((1, 16), SIZES)

    taken = swallow(office, sizes, "queue")

    record(
        "F33",
        f"foreign jobs of {', '.join(map(str, sizes))} MB, one text or many numbers, in a queue",
        "dead with the reason; memory at most 6 x their length; the worker goes on",
        **taken,
    )
    assert max(taken.values()) <= MOST


@pytest.mark.parametrize("key", ["retry", "schedule"])
def test_a_foreign_giant_in_a_set_goes_to_the_dead_set(office, key):
    swallow(office, (2,), key)


def test_the_checker_finds_a_worker_that_reads_giants(office):
    assert appetite(office, "numbers", 16, "mutants_payloads.greedy") > MOST


def test_what_is_too_long_is_refused_where_it_is_pushed_and_takes_nothing_of_the_store(office):
    take = office.app.jobs["take"]
    before = office.server.snapshot()

    for megabytes in at_length((1, 16), SIZES):
        with pytest.raises(PayloadTooLarge, match="the limit is 1,000,000"):
            take.enqueue("x" * megabytes * MEGABYTE)
        with pytest.raises(PayloadTooLarge):
            take.enqueue_many([("x",), ("x" * megabytes * MEGABYTE,)])

    record(
        "F33",
        f"jobs of {', '.join(map(str, at_length((1, 16), SIZES)))} MB pushed by a producer of ours, alone and in bulk",
        "refused above 1 MB; nothing of them is stored",
        stored=len(office.server.keys()),
    )
    assert office.server.snapshot() == before
    assert take.enqueue("x" * 900_000).jid


def shouted(office: Office, mutant: str = "") -> tuple[int, int]:
    """Let a job fail with a text of 10 MB; return the length of the text that is kept, and of the log."""
    worker = office.start(mutant, concurrency=2).ready()
    office.push("shout", 10 * MEGABYTE)
    eventually(lambda: office.server.client.zcard("retry"), 30)
    (raw,) = office.server.client.zrange("retry", 0, -1)
    eventually(lambda: worker.events("job.retry"))
    assert worker.popen.poll() is None
    return len(json.loads(raw)["error_message"]), worker.log.stat().st_size


def test_an_error_of_ten_megabytes_is_cut_to_ten_thousand_characters_in_the_record_and_the_log(office):
    kept, logged = shouted(office)

    record("F33", "an error text of 10 MB", "cut at 10 kB in the record", characters_kept=kept, bytes_logged=logged)
    assert kept == 10_000
    assert logged < 200_000


def test_the_checker_finds_a_worker_that_keeps_errors_whole(office):
    assert shouted(office, "mutants_payloads.wordy")[0] > 10_000
