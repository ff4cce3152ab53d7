"""What failed, and what became of each attempt, can be seen by a person who has nothing but the store."""

from __future__ import annotations

import json
import re

import pytest

from mainspring import App
from mainspring.base.payload import pack_backtrace
from mainspring.store import attempts, failures, keys, queues
from mainspring.store.attempts import Record
from mainspring.store.failures import Noted
from mainspring.store.queues import Settlement
from mainspring.store.ties import Trace

ME, DAY = "web-1:7:aaaaaaaaaaaa", "2026-11-22"
FACTS = ("shop.sync", "HTTPError", "no \x1b[2J{n}", "crm/client.py:88 in post", "low", pack_backtrace(["a.py:1 in f"]))


@pytest.fixture
def sick(server):
    """A store of jobs that fail with two errors; one has succeeded since."""
    app = App(server.url)
    now = app.time.now()
    slow = (*FACTS[:1], "OSError", "m" * 100, *FACTS[3:])
    app.store.run(failures.note([Noted("ab12", FACTS, 1200, now - 90, now - 5, ["j1", "j2"])], now=now))
    app.store.run(failures.note([Noted("cd34", slow, 1, now - 90, now - 65, [])], now=now))
    app.store.run(queues.push("default", [b'{"class":"shop.sync","jid":"j1","args":[1]}']))
    app.store.run(queues.fetch("default", ME, 1, "1", "_req"))
    failed = Record(1, ME, "slot-1", now - 9, now - 8, "retry", "ab12", "HTTPError", "no \x1b[2J7", FACTS[5])
    again = b'{"class":"shop.sync","jid":"j1","args":[1],"error_class":"HTTPError","error_signature":"ab12"}'
    trace = Trace("j1", attempts.written(failed), 60_000)
    settled = Settlement(keys.RETRY, now + 60, again, fails=True, trace=trace)
    app.store.run(queues.settle("default", ME, 1, settled, now=now, day=DAY))
    ok = Record(1, ME, "slot-2", now - 9, now - 8, "ok")
    raw = b'{"class":"shop.add","jid":"done","args":[1,2],"tags":["a"]}'
    app.store.run(attempts.note([Trace("done", finished=attempts.done(ok, raw), finished_ms=60_000)]))
    yield app
    app.close()


def test_errors_are_listed_the_last_seen_first(ms, sick):
    lines = [re.sub("  +", "|", line) for line in ms("failures").out.splitlines()]

    assert lines[0] == "SIGNATURE|COUNT|HOUR|JOB|ERROR|MESSAGE|FRAME|LAST SEEN"
    assert lines[1].startswith(r"ab12|1,200|1,200|shop.sync|HTTPError|no \x1b[2J{n}|crm/client.py:88 in post|")
    assert lines[2].startswith(f"cd34|1|1|shop.sync|OSError|{'m' * 58}..|")
    assert "--limit 0" in ms("failures", "--limit", "1").err


def test_errors_are_documents_for_programs(ms, sick):
    found = [json.loads(line) for line in ms("failures", "--json").out.splitlines()]

    assert [(each["signature"], each["count"], sum(each["series"])) for each in found] == [
        ("ab12", 1200, 1200),
        ("cd34", 1, 1),
    ]
    assert found[0] == json.loads(ms("failures", "--json", "show", "ab12").out)
    assert (found[0]["samples"], found[0]["backtrace"]) == (["j1", "j2"], ["a.py:1 in f"])


def test_one_error_is_shown_with_all_that_is_known(ms, sick):
    shown = ms("failures", "show", "ab12").out

    assert re.search(r"^message +no \\x1b\[2J\{n\}$", shown, re.MULTILINE)
    assert "1,200, of them 1,200 in the last hour" in shown
    assert re.search(r"^jobs +j1 j2$", shown, re.MULTILINE)
    assert "  a.py:1 in f" in shown


def test_an_error_can_be_forgotten(ms, sick):
    assert ms("failures", "forget", "ab12").code == 0
    assert [failure.signature for failure in sick.failures] == ["cd34"]

    for command in ("forget", "show"):
        assert (ms("failures", command, "ab12").code, "no such error: ab12" in ms("failures", command, "ab12").err) == (
            1,
            True,
        )


def test_where_nothing_failed_a_person_is_told_so(ms, project):
    assert (ms("failures").out, ms("failures").err) == ("", "no job has failed of late\n")


def test_a_job_is_shown_with_its_attempts(ms, sick):
    shown, document = ms("jobs", "j1").out, json.loads(ms("jobs", "j1", "--json").out)

    assert re.search(r"^signature +ab12$", shown, re.MULTILINE)
    assert re.search(
        r"^ +1 .* 1 s +retry +web-1:7:aaaaaaaaaaaa +slot-1 +HTTPError: no \\x1b\[2J7$", shown, re.MULTILINE
    )
    assert (document["signature"], document["attempts"][0]["outcome"]) == ("ab12", "retry")


def test_a_job_that_is_done_is_shown_if_it_was_kept(ms, sick):
    shown, document = ms("jobs", "done").out, json.loads(ms("jobs", "done", "--json").out)

    assert re.search(r"^state +done\njob +shop.add\(1, 2\)$", shown, re.MULTILINE)
    assert re.search(r"^ +1 .* ok +web-1", shown, re.MULTILINE)
    assert (document["state"], document["args"], document["attempts"][0]["slot"]) == ("done", [1, 2], "slot-2")


def test_of_a_job_whose_runs_alone_were_kept_those_are_shown(ms, sick):
    (job,) = sick.retries
    job.delete()

    assert re.search(r"^state +gone$", ms("jobs", "j1").out, re.MULTILINE)
    assert json.loads(ms("jobs", "j1", "--json").out)["attempts"][0]["number"] == 1
