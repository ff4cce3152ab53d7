"""``mainspring cancel`` drops what waits, says what it told, and ends with 1 where there was nothing to cancel."""

from __future__ import annotations

import json


def waiting(server, jid: str) -> None:
    record = {"class": "add", "args": [1, 2], "jid": jid, "queue": "default", "retry": True}
    server.client.sadd("queues", "default")
    server.client.lpush("queue:default", json.dumps(record))


def test_a_job_that_waits_is_dropped(ms, server):
    waiting(server, "w1")

    ended = ms("cancel", "w1")

    assert (ended.code, ended.out) == (0, "w1 dropped\n")
    assert server.client.llen("queue:default") == 0


def test_what_is_nowhere_is_said_and_the_others_are_cancelled_all_the_same(ms, server):
    waiting(server, "w1")

    ended = ms("cancel", "none", "w1", "--json")

    assert ended.code == 1
    assert [json.loads(line) for line in ended.out.splitlines()] == [
        {"jid": "none", "done": None},
        {"jid": "w1", "done": "dropped"},
    ]


def test_without_an_id_it_says_how_to_use_it(ms):
    ended = ms("cancel")

    assert ended.code == 2
    assert "JID" in ended.err
