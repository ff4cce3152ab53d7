"""What was recorded is in the store after a flush, once, under Sidekiq 8's names."""

from __future__ import annotations

from mainspring.metrics.histogram import bucket
from mainspring.metrics.recorder import MOST_NAMES, OTHERS, Recorder
from mainspring.store import metrics
from mainspring.store.connection import Store
from servers import Server

NOON = 1_795_262_400.0 + 125  # 2026-11-21, 12:02:05 UTC


def test_runs_waits_and_failures_arrive_in_the_minutes_keys(server: Server) -> None:
    store, recorder = Store(server.url), Recorder()
    recorder.record("shop.add", 25, 3, False)
    recorder.record("shop.add", 5000, None, True)

    store.pipeline(recorder.flush(NOON))

    assert server.client.hgetall("j|261121|12:02") == {b"shop.add|p": b"2", b"shop.add|f": b"1", b"shop.add|ms": b"25"}
    assert server.client.hgetall("j|261121|12:0") == {b"shop.add|p": b"2", b"shop.add|f": b"1", b"shop.add|ms": b"25"}
    assert store.run(metrics.runs("shop.add", NOON))[bucket(25)] == 1
    assert sum(store.run(metrics.runs("shop.add", NOON))) == 1
    assert store.run(metrics.waits("shop.add", NOON))[0] == 1


def test_a_second_flush_adds_nothing(server: Server) -> None:
    store, recorder = Store(server.url), Recorder()
    recorder.record("add", 1, 1, False)
    store.pipeline(recorder.flush(NOON))
    before = server.snapshot()

    store.pipeline(recorder.flush(NOON))

    assert server.snapshot() == before


def test_two_processes_add_up(server: Server) -> None:
    store = Store(server.url)
    for recorder in (Recorder(), Recorder()):
        recorder.record("add", 1, 1, False)
        store.pipeline(recorder.flush(NOON))

    assert store.run(metrics.totals(NOON))[b"add|p"] == b"2"
    assert store.run(metrics.runs("add", NOON))[0] == 2


def test_a_full_bucket_stays_full_rather_than_starting_over(server: Server) -> None:
    store = Store(server.url)

    store.pipeline(metrics.add_runs("add", [65_000] + [0] * 25, NOON))
    store.pipeline(metrics.add_runs("add", [65_000] + [0] * 25, NOON))

    assert store.run(metrics.runs("add", NOON))[0] == 65_535


def test_a_producer_of_names_without_end_fills_neither_memory_nor_store(server: Server) -> None:
    store, recorder = Store(server.url), Recorder()
    for number in range(MOST_NAMES + 50):
        recorder.record(f"job{number}", 1, None, False)

    store.pipeline(recorder.flush(NOON))

    totals = store.run(metrics.totals(NOON))
    assert totals[f"{OTHERS}|p".encode()] == b"50"
    assert sum(int(count) for name, count in totals.items() if name.endswith(b"|p")) == MOST_NAMES + 50
