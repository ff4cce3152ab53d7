"""A job can be enqueued, or run on the spot, from a shell: words become what its annotations want."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from mainspring.store import keys


def stored(server, queue="default"):
    return [json.loads(raw) for raw in server.client.lrange(keys.queue(queue), 0, -1)]


# --- enqueue -------------------------------------------------------------------------


def test_the_job_is_stored_and_its_id_printed(ms, server):
    ended = ms("enqueue", "-A", "shop.jobs", "add", "1", "2")

    (job,) = stored(server)
    assert ended.out == f"{job['jid']}\n"
    assert (ended.code, ended.err) == (0, "")
    assert (job["class"], job["args"], job["queue"]) == ("shop.jobs.add", [1, 2], "default")


def test_words_become_what_the_annotations_want(ms, server):
    assert ms("enqueue", "-A", "shop.jobs", "send", "7", "--kw", "due=2026-12-24", "--kw", "copies=2").code == 0

    (job,) = stored(server, "mailers")
    assert (job["args"], job["kwargs"]) == (["7"], {"due": "2026-12-24", "copies": 2})


def test_negative_numbers_are_no_options(ms, server):
    assert ms("enqueue", "-A", "shop.jobs", "add", "-1", "-2").code == 0

    assert stored(server)[0]["args"] == [-1, -2]


def test_the_queue_may_be_another(ms, server):
    assert ms("enqueue", "-A", "shop.jobs", "add", "1", "2", "--queue", "low").code == 0

    assert stored(server, "low")[0]["queue"] == "low"


@pytest.mark.parametrize("when", [("--in", "1h"), ("--at", "2126-12-24T18:00+01:00")])
def test_a_job_for_later_is_scheduled(ms, server, when):
    ended = ms("enqueue", "-A", "shop.jobs", "add", "1", "2", *when)

    ((raw, at),) = server.client.zrange(keys.SCHEDULE, 0, -1, withscores=True)
    assert ended.out.split()[0] == json.loads(raw)["jid"]
    assert ended.out.rstrip().endswith("UTC")
    assert when[0] == "--in" or at == datetime(2126, 12, 24, 17, tzinfo=UTC).timestamp()
    assert stored(server) == []


def test_json_tells_all(ms):
    made = json.loads(ms("enqueue", "-A", "shop.jobs", "add", "1", "2", "--json").out)

    assert (len(made["jid"]), made["queue"], made["at"]) == (24, "default", None)


def test_a_foreign_job_needs_no_app_or_a_word(ms, server):
    assert ms("enqueue", "Hard::Job", '{"a":[1]}', "text").code == 0
    assert ms("enqueue", "-A", "shop.jobs", "--foreign", "Hard::Job").code == 0

    assert [(job["class"], job["args"]) for job in stored(server)] == [
        ("Hard::Job", []),
        ("Hard::Job", [{"a": [1]}, "text"]),
    ]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("ad", "1"), "did you mean shop.jobs.add?"),
        (("add", "1"), "'y': it is missing"),
        (("add", "1", "2", "3"), "takes 2 positional arguments"),
        (("add", "1", "x"), "'y': expected int, got str"),
        (("add", "1", "--kw", "z=2"), "'z': there is no such parameter"),
        (("send", "a", "--kw", "due=tomorrow"), "'due'"),
        (("add", "1", "2", "--queue", "a b"), "cannot name a queue"),
        (("boom", "--kw", "x=1"), "'x'"),
    ],
)
def test_what_does_not_fit_is_said_and_nothing_is_stored(ms, server, words, hint):
    ended = ms("enqueue", "-A", "shop.jobs", *words)

    assert ended.code == 1
    assert hint in ended.err
    assert "Traceback" not in ended.err
    assert server.keys() == set()


def test_a_middleware_that_stops_the_job_is_told_of(ms, write, server):
    write(
        "picky.py",
        """
        from shop.jobs import app

        def never(push):
            return None
            yield

        app.use(enqueue=never)
        """,
    )

    ended = ms("enqueue", "-A", "picky", "add", "1", "2")

    assert ended.code == 1
    assert "middleware" in ended.err
    assert server.keys() == set()


# --- run -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("add", "1", "2"), "3"),
        (("shop.jobs.add", "1", "--kw", "y=2"), "3"),
        (("send", "7", "--kw", "due=2026-12-24"), "'7' datetime.date(2026, 12, 24) 1"),
        (("total", "1", "2", "3"), "6"),
        (("who",), "shop.jobs.who"),
    ],
)
def test_a_job_runs_here_and_its_result_is_printed(ms, server, words, shown):
    ended = ms("run", "-A", "shop.jobs", *words)

    assert (ended.code, ended.out) == (0, f"{shown}\n")
    assert server.keys() == set()


def test_a_result_can_be_json(ms):
    assert ms("run", "-A", "shop.jobs", "who", "--json").out == '"shop.jobs.who"\n'


def test_what_a_job_raises_is_said_with_its_line_and_without_its_escapes(ms):
    ended = ms("run", "-A", "shop.jobs", "boom")

    assert ended.code == 1
    assert r"shop.jobs.boom raised ValueError: no \x1b[31m way" in ended.err
    assert "shop/jobs.py:" in ended.err
    assert "\x1b" not in ended.err


def test_a_job_that_exits_ends_the_command_with_its_code(ms, write):
    write(
        "quits.py", "import sys\nfrom mainspring import App\napp = App()\n\n@app.job\ndef leave():\n    sys.exit(3)\n"
    )

    assert ms("run", "-A", "quits", "leave").code == 3
