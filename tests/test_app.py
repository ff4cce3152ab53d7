"""The App is one object that a user makes: it finds its store, hides its password, and takes jobs by name."""

from __future__ import annotations

import asyncio

import pytest

from mainspring import App, InvalidDuration, InvalidName, InvalidOption, InvalidSchedule, UnknownJob, WrongArguments
from mainspring.store import keys, queues
from pushes import NOW, Still, fields, later, stored
from support import until


@pytest.fixture
def app(server):
    app = App(server.url, time=Still())
    yield app
    app.close()


@pytest.fixture
def add(app):
    @app.job(name="shop.jobs.add", queue="low", retry=3)
    def add(x: int, y: int = 0) -> None: ...

    return add


# --- where the store is ------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "common", "given", "url"),
    [
        ("redis://a", "redis://b", "redis://c", "redis://c"),
        ("redis://a", "redis://b", None, "redis://a"),
        (None, "redis://b", None, "redis://b"),
        (None, None, None, "embedded://.mainspring"),
    ],
)
def test_the_store_is_the_given_one_or_the_environments_or_embedded(monkeypatch, ours, common, given, url):
    for name, value in (("MAINSPRING_URL", ours), ("REDIS_URL", common)):
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)

    assert App(given).url == url


@pytest.mark.parametrize("url", ["http://db", "db:6379", "redis://db:x", "redis+sentinel://db", "redis://db?x=1"])
def test_a_url_that_is_none_is_refused_when_the_app_is_made(monkeypatch, url):
    with pytest.raises(InvalidOption):
        App(url)
    monkeypatch.setenv("MAINSPRING_URL", url)
    with pytest.raises(InvalidOption):
        App()


def test_an_app_shows_its_name_and_its_store_without_the_password():
    assert repr(App("redis://u:secret@db:1/0", name="shop")) == "<App shop redis://u:***@db:1/0>"
    assert "secret" not in repr(App("redis://:secret@db?password=secret"))


def test_nothing_is_connected_until_something_is_asked(server):
    before = server.client.info("stats")["total_connections_received"]

    app = App(server.url)
    app.job(lambda: None)
    app.close()

    assert server.client.info("stats")["total_connections_received"] == before


def test_a_closed_app_may_be_used_again(app, server):
    app.enqueue("x")
    app.close()
    app.close()

    app.enqueue("x")

    assert len(stored(server)) == 2


async def test_an_app_closed_in_a_coroutine_leaves_no_connection_and_may_be_used_again(server):
    app = App(server.url, time=Still())
    before = server.client.info("clients")["connected_clients"]
    app.enqueue("x")
    await app.aenqueue("x")

    await app.aclose()
    await app.aclose()

    assert until(lambda: server.client.info("clients")["connected_clients"] == before)
    await app.aenqueue("x")
    assert len(stored(server)) == 3
    await app.aclose()


async def test_an_app_that_was_never_used_is_closed_without_connecting():
    await App("redis://nowhere.invalid").aclose()


@pytest.mark.parametrize("options", [{"queue": "a b"}, {"queue": ""}, {"retry": -1}])
def test_options_that_cannot_mean_anything_are_refused(options):
    with pytest.raises((InvalidName, InvalidOption)):
        App("redis://db", **options)


NO_TEXT = [5, True, b"x", ["a"], "a\nb", "\x00", "\ud800"]


@pytest.mark.parametrize("value", NO_TEXT, ids=ascii)
@pytest.mark.parametrize("option", ["url", "name", "prefix"])
def test_what_is_no_text_is_refused_when_the_app_is_made(option, value):
    with pytest.raises(InvalidOption, match=f"{option}=.*: must be"):
        App(**({"url": "redis://db"} | {option: value}))


def test_an_empty_url_is_no_wish_for_another_store(monkeypatch):
    monkeypatch.setenv("MAINSPRING_URL", "redis://db")

    with pytest.raises(InvalidOption, match="is no store's URL"):
        App("")


@pytest.mark.parametrize("name", [None, 5, b"add", ["add"], {}], ids=repr)
def test_what_is_no_text_names_no_job(app, add, name):
    with pytest.raises(UnknownJob):
        app.job_named(name)
    if name is not None:
        with pytest.raises(UnknownJob):
            app.every("1h", name)


@pytest.mark.parametrize(
    "option", [{"skip_first_run": "no"}, {"skip_first_run": 1}, {"skip_first_run": None}, {"description": 5}]
)
def test_an_option_of_an_entry_that_is_of_another_type_is_refused(app, option):
    with pytest.raises(InvalidSchedule, match=next(iter(option))):
        app.every("1h", app.job(name="x")(lambda: None), **option)


@pytest.mark.parametrize("tz", ["Mars/X", "", "Europe", "../UTC", None, 7])
def test_a_zone_that_does_not_exist_is_refused_when_the_app_is_made(tz):
    with pytest.raises(InvalidSchedule, match="no such time zone"):
        App("redis://db", tz=tz)


def test_the_zone_of_an_app_is_that_of_its_entries():
    app = App("redis://db", tz="Europe/Paris")

    assert app.every("1d", app.job(name="x")(lambda: None), at="09:00").tz == "Europe/Paris"


def test_two_apps_in_one_process_do_not_know_each_other(server):
    one, other = App(server.url, queue="one"), App(server.url, queue="other", prefix="p:")
    one.job(name="a")(lambda: None)

    one.enqueue("a")
    other.enqueue("a")
    found = server.lasting()
    server.flush()

    assert found == {"queue:one", "queues", "p:queue:other", "p:queues"}
    assert list(other.jobs) == []
    one.close()
    other.close()


# --- by name -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["shop.jobs.add", "jobs.add", "add"])
def test_a_job_that_is_known_goes_by_its_full_name_with_its_own_options(app, add, server, name):
    assert app.enqueue(name, [1], {"y": 2}).queue == "low"

    record = fields(stored(server, "low")[0])
    assert (record["class"], record["args"], record["kwargs"], record["retry"]) == ("shop.jobs.add", [1], {"y": 2}, 3)


async def test_a_job_is_pushed_by_name_from_a_coroutine(app, add, server):
    known, foreign = await app.aenqueue("add", [1]), await app.aenqueue("Ruby::Job", [1])

    assert (known.queue, foreign.queue) == ("low", "default")
    assert [fields(*stored(server, queue))["class"] for queue in ("low", "default")] == ["shop.jobs.add", "Ruby::Job"]
    await app.aclose()


def test_a_job_that_lives_elsewhere_is_pushed_as_it_is_called(app, add, server):
    app.enqueue("Hard::Worker", [1, {"a": [None, 2.0]}], queue="ruby", retry=False)
    app.enqueue("Hard::Worker", at=NOW + 5)

    record = fields(stored(server, "ruby")[0])
    assert (record["class"], record["args"], record["retry"]) == ("Hard::Worker", [1, {"a": [None, 2.0]}], False)
    assert list(later(server).values()) == [NOW + 5]


def test_arguments_of_a_known_job_are_checked_by_its_signature(app, add, server):
    for wrong in (["a"], [], [1, 2, 3]):
        with pytest.raises(WrongArguments, match=r"shop\.jobs\.add"):
            app.enqueue("add", wrong)

    assert server.snapshot() == {}


@pytest.mark.parametrize("args", ["ab", b"bytes", "", 7, None, {1: 2}, {1, 2}, range(2)])
@pytest.mark.parametrize("name", ["loose", "Hard::Worker"])
def test_what_is_no_list_of_arguments_is_refused_whether_the_job_is_known_or_not(app, server, name, args):
    app.job(name="loose")(lambda a=1, b=2: None)

    with pytest.raises(WrongArguments, match=r"args must be a list.*; write \["):
        app.enqueue(name, args)
    with pytest.raises(WrongArguments, match="args must be a list"):
        asyncio.run(app.aenqueue(name, args))
    assert server.snapshot() == {}


@pytest.mark.parametrize("kwargs", ["ab", "", 7, [], [("a", 1)], {1: 2}])
@pytest.mark.parametrize("name", ["loose", "Hard::Worker"])
def test_what_is_no_dict_of_arguments_by_name_is_refused(app, server, name, kwargs):
    app.job(name="loose")(lambda a=1, b=2, **more: None)

    with pytest.raises(WrongArguments, match="kwargs must be a dict"):
        app.enqueue(name, [], kwargs)
    assert server.snapshot() == {}


@pytest.mark.parametrize("options", [{"args": "ab"}, {"args": 7}, {"args": None}, {"kwargs": "ab"}, {"kwargs": {1: 2}}])
def test_arguments_of_an_entry_that_are_none_are_refused_when_it_is_defined(app, options):
    job = app.job(name="loose")(lambda a=1, b=2, **more: None)

    with pytest.raises(WrongArguments):
        app.every("1h", job, **options)

    assert not app.schedule


@pytest.mark.parametrize("args", ["text", 7, None, [object()], [float("nan")], ["\ud800"], {"a": 1}])
def test_arguments_of_a_foreign_job_must_be_json(app, server, args):
    with pytest.raises(WrongArguments):
        app.enqueue("Hard::Worker", args)

    assert server.snapshot() == {}


@pytest.mark.parametrize("name", ["", " x", "a\nb", None, 7])
def test_a_name_that_no_job_can_have_is_refused(app, server, name):
    with pytest.raises(InvalidName):
        app.enqueue(name)

    assert server.snapshot() == {}


def test_an_ambiguous_name_is_refused(app, add, server):
    app.job(name="crm.add")(lambda: None)

    with pytest.raises(UnknownJob, match="ambiguous"):
        app.enqueue("add", [1])
    assert server.snapshot() == {}


@pytest.mark.parametrize(
    ("options", "error"),
    [({"queue": "a b"}, InvalidName), ({"retry": "x"}, InvalidOption), ({"at": "soon"}, InvalidOption)],
)
def test_options_of_one_push_are_checked(app, server, options, error):
    with pytest.raises(error):
        app.enqueue("x", **options)

    assert server.snapshot() == {}


# --- what is around ------------------------------------------------------------------


def test_a_middleware_that_is_none_is_refused_on_either_side(app):
    async def async_generator(push):
        yield

    for wrong in ({"enqueue": print}, {"perform": print}, {"enqueue": async_generator}):
        with pytest.raises(InvalidOption, match="is no middleware"):
            app.use(**wrong)
    app.use(perform=async_generator)

    assert app.performers == (async_generator,)


def test_middlewares_stand_in_the_order_in_which_they_came(app):
    seen = []

    def link(name):
        def middleware(push):
            seen.append(name)
            yield

        return middleware

    for name in "abc":
        app.use(enqueue=link(name))
    app.enqueue("x")

    assert seen == ["a", "b", "c"]


def test_a_periodic_job_may_be_declared_where_it_is_written(app):
    @app.every("1m", name="hello")
    def hello() -> None: ...

    @app.cron("0 4 * * *")
    @app.job
    def nightly() -> None: ...

    assert {hello.name, nightly.name} <= set(app.jobs)
    with pytest.raises(UnknownJob):
        app.every("1m", "no such job")
    with pytest.raises((InvalidDuration, ValueError)):
        app.every("soon", hello)


# --- what lies in the store -----------------------------------------------------------


def test_what_was_enqueued_is_found_and_counted(app, add):
    enqueued, due = add.enqueue(1), add.enqueue_in("1m", 2)

    assert app.find(enqueued.jid).args == [1]
    assert app.find(due.jid).args == [2]
    assert (app.queue("low").size, app.scheduled.size, app.retries.size, app.dead.size) == (1, 1, 0, 0)
    assert app.stats().enqueued == 1
    assert app.store.run(queues.size("low")) == 1
    assert app.find("0" * 24) is None


def test_the_keys_are_sidekiqs(app, add, server):
    add.enqueue(1)
    add.enqueue_in("1m", 2)

    assert server.lasting() == {keys.QUEUES, "queue:low", "schedule"}


def test_the_url_cannot_be_changed_once_the_app_is_made():
    app = App("redis://localhost:1/0")

    with pytest.raises(AttributeError):
        app.url = "redis://elsewhere"  # type: ignore[misc]  # that is the point

    assert app.url == "redis://localhost:1/0"
