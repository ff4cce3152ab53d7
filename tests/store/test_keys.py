"""The page of keys is the whole data model: each key's name, and whether it may stay for ever."""

from __future__ import annotations

import inspect

import pytest

from mainspring.store import keys, model

ME = "host:1:aaaaaaaaaaaa"
SIDEKIQ = {
    "queues": keys.QUEUES,
    "queue:low": keys.queue("low"),
    "schedule": keys.SCHEDULE,
    "retry": keys.RETRY,
    "dead": keys.DEAD,
    "paused": keys.PAUSED,
    "processes": keys.PROCESSES,
    "process_cleanup": keys.PROCESS_CLEANUP,
    "stat:processed": keys.STAT_PROCESSED,
    "stat:failed": keys.STAT_FAILED,
    "stat:processed:2026-11-21": keys.stat_processed_day("2026-11-21"),
    "stat:failed:2026-11-21": keys.stat_failed_day("2026-11-21"),
    ME: keys.process(ME),
    f"{ME}:work": keys.work(ME),
    f"{ME}:workers": keys.workers(ME),
    f"{ME}-signals": keys.signals(ME),
    "it-b1c2": keys.cursor("b1c2"),
}
OURS = [
    keys.inflight("low", ME),
    keys.fence("low"),
    keys.lease("low", ME),
    keys.owners("low"),
    keys.suspect("low"),
    keys.tomb("low", ME),
    keys.periodic_names("office"),
    keys.periodic_version("office"),
    keys.periodic_entry("office", "report"),
    keys.periodic_history("office", "report"),
    keys.periodic_code("office"),
    keys.periodic_alive("office", "abc"),
    keys.LEADER,
    keys.once("welcome"),
    keys.GATES,
    keys.GATES_DUE,
    keys.gate("q:mail"),
    keys.lane("q:mail"),
    keys.lanes("low"),
    keys.slots("low"),
    keys.throttle("digest"),
    keys.lock("b1c2"),
    keys.cleared("low"),
    keys.cleared_set(keys.RETRY),
    keys.BATCHES,
    keys.BATCHES_CANCELLED,
    keys.batch("b1"),
    keys.batch_jobs("b1"),
    keys.batch_children("b1"),
    keys.batch_steps("b1"),
    keys.batch_pushed("b1", "c2"),
    keys.LIMITS,
    keys.limit("window", "partner"),
    keys.limit_waiting("window", "partner"),
    keys.limit_freed("partner"),
    keys.limit_tally("window", "partner"),
    keys.BELL,
]


@pytest.mark.parametrize("name", SIDEKIQ)
def test_sidekiqs_keys_have_sidekiqs_names(name):
    assert SIDEKIQ[name] == name


def test_keys_of_ours_cannot_be_taken_for_sidekiqs():
    assert all(key.startswith(("mainspring:", "{queue:low}:")) for key in OURS)
    assert len({*OURS, *SIDEKIQ}) == len(OURS) + len(SIDEKIQ)


def test_what_belongs_to_a_queue_lies_beside_it_on_a_cluster():
    ours = [key for key in OURS if "low" in key]

    assert {key[key.index("{") + 1 : key.index("}")] for key in ours} == {keys.queue("low")}


def test_the_clocks_keys_of_two_namespaces_are_never_the_same():
    made = (keys.periodic_names, keys.periodic_version, keys.periodic_code)
    named = (keys.periodic_entry, keys.periodic_history, keys.periodic_outcomes, keys.periodic_alive)
    spaces, names = ("", "a", "b"), ("names", "code", "a", "entry:a", ":names")

    found = [key(space) for key in made for space in spaces]
    found += [key(space, name) for key in named for space in spaces for name in names]

    assert len(set(found)) == len(found)


def test_every_key_that_is_made_has_its_row():
    functions = [
        thing for _, thing in inspect.getmembers(keys, inspect.isfunction) if thing.__module__ == keys.__name__
    ]
    made = {thing.__name__ for thing in functions if not thing.__name__.startswith("_")}
    constants = {value for name, value in vars(keys).items() if name.isupper() and isinstance(value, str)}
    constants -= {keys.ROOT}
    rows = {row.pattern for row in model.TABLE}

    assert constants <= rows
    assert len(rows) == len(model.TABLE)
    # The beginnings of keys are none themselves.
    assert len(rows - constants) == len(made - {"slot"})


@pytest.mark.parametrize(
    "key",
    [
        "queues",
        "queue:a:b",
        "dead",
        keys.inflight("low", ME),
        keys.fence("low"),
        keys.owners("low"),
        keys.suspect("low"),
        keys.periodic_names(""),
        keys.periodic_version(""),
        keys.periodic_code(""),
        keys.periodic_entry("", "a: b"),
        keys.periodic_history("office", "alive:abc"),
    ],
)
def test_what_holds_jobs_or_their_order_may_stay(key):
    assert model.is_permanent(key)


@pytest.mark.parametrize(
    "key",
    [
        *(ME, f"{ME}:work", f"{ME}-signals", "process_cleanup", "anything", "deadly", "my:queue:a"),
        *(keys.LIMITS, keys.limit("concurrent", "a:b"), keys.limit_waiting("bucket", "a"), keys.limit_freed("a")),
        *(keys.limit_tally("window", "a:b"), keys.periodic_outcomes("", "a"), keys.periodic_outcomes("office", "a:b")),
        *(keys.lease("low", ME), keys.tomb("low", ME), keys.BELL, keys.stat_failed_day("2026-11-21")),
        *(
            keys.periodic_alive("", "abc"),
            keys.periodic_alive("office", "abc"),
            "mainspring:periodic:office:names:more",
        ),
    ],
)
def test_everything_else_must_fade(key):
    assert not model.is_permanent(key)
