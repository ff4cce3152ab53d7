"""A filter means what it says: it reads what it writes, refuses what it cannot read, and no text makes it slow."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.still import NOW, StillTime
from mainspring.api.jobs import StoredJob
from mainspring.api.places import InFlight, InLane, InQueue, InSet, Place
from mainspring.api.query import LONGEST, MOST_TERMS, Query, parse
from mainspring.api.terms import KEYS, STATES
from mainspring.api.words import sieve
from mainspring.base.errors import InvalidFilter
from mainspring.store import keys
from mainspring.store.connection import Store

NOWHERE = Store("redis://nowhere")
SOME = {
    "class": "crm.jobs.SyncContact", "queue": "low", "args": [7, {"contact_id": 50008, "user": {"id": [1, 2]}}, "a*b", 1.5],
    "kwargs": {"city": "K\u00f6ln", "ok": True, "none": None}, "jid": "5f2e41c09a7b3d6850e0c1d2", "tags": ["billing", 5],
    "error_class": "httpx.HTTPError", "error_message": "GET /contacts/50008: 503 \"Busy\"", "error_signature": "ab12",
    "retry_count": 3, "created_at": NOW - 3600, "enqueued_at": NOW - 600, "failed_at": NOW - 1800, "retried_at": NOW - 60,
    "flow": {"bid": "b1"},
}  # fmt: skip
RETRY = InSet(keys.RETRY)
NAMES = {"crm.jobs.SyncContact": ["number", "who"]}


def stored(fields: object = SOME, where: Place = RETRY, at: float | None = NOW + 30) -> StoredJob:
    raw = (
        fields if isinstance(fields, bytes) else json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
    )
    return StoredJob.read(NOWHERE, StillTime(), raw, where, at)


def means(text: str, job: StoredJob | None = None) -> bool:
    return parse(text).matches(job or stored(), NOW, names=NAMES)


# --- what it means ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "", "queue:low", "queue:l*", "queue:*", "class:SyncContact", "class:crm.jobs.SyncContact", "class:Sync*", "class:*jobs*",
        "error:HTTPError", "error:httpx.HTTPError", "error:*Error", "message:busy", 'message:"503 \\"busy\\""', "tag:billing", "tag:5",
        "state:retrying", "state:retry", "jid:5f2e41c09a7b3d6850e0c1d2", "signature:ab12", "batch:b1",
        "args.0:7", "args.number:7", "args.contact_id:50008", "args.contact_id:500*", "args.who.user.id:2", "args.1.user.id:1",
        "args.1.user.id.0:1", 'args.2:"a*b"', "args.3:1.5", "args.city:K\u00f6ln", "args.ok:true", "args.none:null", "args.city:*",
        "attempts:4", "attempts:>3", "attempts:>=4", "attempts:<5", "attempts:<=4", "age:>59m", "age:<61m", "due:<1m", "failed:<2m",
        "5f2e41", "5F2E41", "sync", "crm.jobs", "*contact", '"Busy"', '"contacts/50008"', '"50008"', "text:get*busy",
        "-queue:high", "-error:ValueError", "-state:dead", "queue:high queue:low", "error:A error:HTTPError", "tag:billing tag:5",
        "-args.contact_id:1", "-wait:>1s", "queue:low class:Sync* error:HTTPError tag:billing attempts:>3 age:>10m",
    ],
)  # fmt: skip
def test_a_job_is_meant(text):
    assert means(text)


@pytest.mark.parametrize(
    "text",
    [
        "queue:lo", "queue:Low", "class:Sync", "class:sync*", "error:HTTP", "message:404", "tag:bill", "tag:billing tag:other",
        "state:dead", "jid:5f2e41", "signature:ab", "batch:b", "args.0:8", "args.5:7", "args.nobody:7", "args.contact_id:5000",
        "args.contact_id:500080", 'args.2:"a*"', "args.ok:True", "args.user.id:3", "attempts:>4", "attempts:3", "age:>61m", "wait:>1s",
        "due:>1m", "failed:>2m", "contact", "jobs", '"busy*"', "-queue:low", "-sync", '-"Busy"', "queue:low queue:high state:dead",
        "args.0.7:1", "text:busy*get",
    ],
)  # fmt: skip
def test_a_job_is_not_meant(text):
    assert not means(text)


@pytest.mark.parametrize(
    ("where", "state"),
    [
        (InQueue("x"), "queued"),
        (InFlight("host:1:a"), "running"),
        (InLane("c:x", b""), "waiting"),
        (InSet(keys.SCHEDULE), "scheduled"),
        (InSet(keys.DEAD), "dead"),
    ],
)
def test_each_place_is_a_state(where, state):
    assert [each for each in STATES if means(f"state:{each}", stored(SOME, where))] == [state]


def test_the_queue_that_a_job_waits_in_counts_and_not_the_one_it_names():
    assert means("queue:x wait:>9m", stored(SOME, InQueue("x")))


@pytest.mark.parametrize(
    "raw", [b"no json", b"[]", b"{}", b'{"class":5,"args":{},"kwargs":[],"tags":7,"flow":[],"retry_count":"x"}']
)
def test_what_is_hardly_a_job_is_compared_all_the_same(raw):
    job = stored(raw, at=None)

    for key in KEYS:
        for value in ("*", ">5", "1", "dead", "<1h"):
            try:
                query = parse(f"args.x:{value}" if key == "args" else f"{key}:{value}")
            except InvalidFilter:
                continue
            query.matches(job, NOW)
    assert means(job.jid, job)


# --- reading and writing -----------------------------------------------------------------------

WORDS = st.text(max_size=12)
PAIRS = st.tuples(st.sampled_from([*KEYS, "args.x", "args.0.y", "text", "", "colour"]), WORDS)


def _written(key: str, value: str, sign: str, quotes: bool) -> str:
    shown = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' if quotes else value
    return f"{sign}{key}:{shown}" if key else f"{sign}{shown}"


TERMS = st.builds(
    lambda pair, sign, quotes: _written(*pair, sign, quotes), PAIRS, st.sampled_from(["", "-"]), st.booleans()
)
AMOUNTS = st.builds(
    lambda key, sign, amount: f"{key}:{sign}{amount}",
    st.sampled_from(["age", "wait", "due", "failed", "attempts"]), st.sampled_from(["", ">", "<", ">=", "<="]),
    st.sampled_from(["3", "10m", "1h30m", "0", "007", "1.5s"]),
)  # fmt: skip


def read(text: str) -> Query | None:
    try:
        return parse(text)
    except InvalidFilter:
        return None


@given(st.lists(TERMS | AMOUNTS, max_size=8).map(" ".join))
@settings(max_examples=150)
def test_what_is_written_is_read_as_the_same(text):
    query = read(text)

    if query is not None:
        assert parse(str(query)) == query
        assert str(parse(str(query))) == str(query)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    query = read(text)

    assert query is None or parse(str(query)) == query


@given(st.lists(TERMS | AMOUNTS, max_size=4).map(" ".join), st.sampled_from([SOME, b"no json", b"{}"]))
@settings(max_examples=120)
def test_the_sieve_lets_all_through_that_are_meant(text, fields):
    query, job = read(text), stored(fields)

    if query is not None and query.matches(job, NOW, names=NAMES):
        assert passes(query, job)


@pytest.mark.parametrize(
    "text",
    ["class:Sync*", "error:HTTPError", "args.contact_id:50008", "sync", '"Busy"', "jid:5f2e41c09a7b3d6850e0c1d2"],
)
def test_the_sieve_holds_others_back(text):
    assert not passes(parse(text), stored({"class": "x", "args": [], "jid": "a"}))


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("class:(unreadable)", b"no json"),
        ("queue:default", {"args": []}),
        ("queue:d*", {"args": []}),
        ("raw-", b"no json"),
        ("tag:True", {"tags": [True]}),
        ("args.0:1e16", {"args": [1e16]}),
        ("args.0:10000000000000000.0", b'{"args":[1e16]}'),
        ('"\u00e9t\u00e9"', {"args": ["\u00e9t\u00e9"]}),
    ],
)
def test_the_sieve_knows_what_is_written_in_several_ways(text, fields):
    assert passes(parse(text), stored(fields))


def passes(query: Query, job: StoredJob) -> bool:
    """Do as `jobs_grep.lua`."""
    found = sieve(query)
    raw = job.raw.lower() if found.folds else job.raw
    return all(any(word in raw for word in group) for group in found.groups)


def test_terms_go_one_by_one_or_by_their_key():
    query = parse('queue:low -queue:x error:A "text"')

    assert str(query.without("queue")) == 'error:A "text"'
    assert str(query.without(query.terms[0])) == '-queue:x error:A "text"'
    assert str(query.without("text")) == "queue:low -queue:x error:A"
    assert query.values("queue") == ("low",)


# --- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("colour:red", "colour", "known are queue, class, error"),
        ("Queue:low", "Queue", "known are queue"),
        ("args:1", "args", "args.NAME"),
        ("args.:1", "args.", "write args.NAME"),
        ("args.a..b:1", "args.a..b", "write args.NAME"),
        ("queue:", "queue", "says nothing"),
        ("state:asleep", "state", "none of running, queued"),
        ("attempts:many", "attempts", "attempts:>3"),
        ("attempts:99999999999", "attempts", "is no number"),
        ("age:10m", "age", "age:>10m or age:<10m"),
        ("age:>soon", "age", "not a duration"),
        ("-", "", "without a blank"),
        ('"open', "", "not closed"),
        ('"a"b', "", "a blank stands between"),
        ('a"b"', "", "within 'a'"),
        ("x " * (MOST_TERMS + 1), "", "at most 20 terms"),
        ("x" * (LONGEST + 1), "", "at most 2,000 characters"),
        ("\ud800", "", "surrogate"),
        (b"x", "", "a filter is a text"),
        (None, "", "a filter is a text"),
    ],
)
def test_what_cannot_be_read_is_refused_by_the_name_of_its_key(text, key, said):
    with pytest.raises(InvalidFilter, match=said) as caught:
        parse(text)

    assert caught.value.key == key
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    "text",
    ["class:" + "*a" * 900, "text:" + "*a" * 900, "*" * 1999, '"' + "\\\\" * 990 + '"', " ".join(["text:a*a*a*a*b"] * 20), "a" * 1999],
)  # fmt: skip
def test_no_text_makes_a_comparison_slow(text):
    job = stored({"class": "a" * 100_000, "args": ["a" * 100_000], "jid": "a" * 1000})
    query = parse(text)
    began = time.process_time()

    query.matches(job, NOW)

    # A matcher that tries all ways would be at it for years.
    assert time.process_time() - began < 2
