"""The dashboard speaks the reader's language, says nothing in half of one, and programs hear English whatever happens."""

from __future__ import annotations

import gettext
import json
import re
import subprocess
import sys

import pytest

from mainspring.base.errors import InvalidOption
from mainspring.base.phrases import duration, joined, phrase, phrases
from mainspring.schedule.words import cron_in_words
from mainspring.web import Dashboard, languages, words
from mainspring.web.assets import Assets
from mainspring.web.languages import NAMES, Language, Languages, negotiated, speaking, told
from mainspring.web.routes import PAGES
from web import stock
from web.client import Client

GERMAN = {"accept-language": "de-AT,de;q=0.9,en;q=0.5"}


@pytest.fixture(scope="module")
def german():
    return Languages().all["de"]


@pytest.fixture
def shop(app, server):
    """Return an App with something of everything in its store, and a path of each page."""
    names = {state: stock.put(server, state, stock.failed(number)) for number, state in enumerate(("retrying", "dead"))}
    stock.put(server, "queued", stock.job(7))
    stock.put(server, "scheduled", stock.job(8), at=-300)

    @app.job
    def add(x: int = 1) -> int:
        return x

    with app.batch("sums") as batch:
        add.enqueue(1)
    app.every("10m", add, name="sums")
    app.limiter.window("partner", 10, "1s").acquire()
    app.enqueue("shop.add", [1])
    some = {
        "/jobs/{jid:path}": f"/jobs/{names['retrying']}",
        "/job-edit": f"/job-edit?jid={names['dead']}",
        "/queues/{name:path}": "/queues/default",
        "/queue-clear": "/queue-clear?name=default",
        "/batches/{bid}": f"/batches/{batch.bid}",
        "/limits/{name:path}": "/limits/partner",
        "/operations/new": "/operations/new?action=retry&state=retrying",
    }
    paths = [some.get(page.path, page.path) for page in PAGES]
    return app, [path for path in paths if "{" not in path and path != "/backfill"]


# --- pages --------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", NAMES)
def test_every_page_is_whole_in_every_language(shop, tag):
    app, paths = shop
    client = Client(app, language=tag)
    wrong = {}

    for path in paths:
        tree = client.follow(client.get(path)).page
        shown = [node.text for node in tree.all("main *") if node.tag not in {"script", "code", "pre", "textarea"}]
        left = [text for text in shown if re.search(r"\{\w+\}", text)]
        html = tree.one("html")
        if left or (html["lang"], html["dir"]) != (tag, "ltr"):
            wrong[path] = (html["lang"], left)

    assert wrong == {}


class Bracketed(gettext.NullTranslations):
    """Translates each text into itself, in brackets."""

    def gettext(self, message):
        return f"⟦{message}⟧"

    def ngettext(self, one, many, n):
        return f"⟦{one if n == 1 else many}⟧"


def outside(node):
    """Return the words that stand in no brackets, without code."""
    depth, found = 0, []
    for part in re.split("([⟦⟧])", texts(node)):
        depth += {"⟦": 1, "⟧": -1}.get(part, 0)
        found += re.findall(r"[A-Za-z.]{3,}", part) if depth == 0 else []
    return set(found)


def texts(node):
    if isinstance(node, str):
        return node
    skipped = {"code", "pre", "script", "style", "textarea", "form"}
    return "" if node.tag in skipped else " ".join(texts(child) for child in node.children)


def test_every_word_of_every_page_can_be_translated(shop, monkeypatch):
    app, paths = shop
    monkeypatch.setattr(Languages, "of", lambda *_: Language("de", "Deutsch", Bracketed()))
    client = Client(app)
    # What jobs, people and servers are called, and what errors say; p95 is p95.
    data = "mainspring worker tests.web.test shop add shop.add test languages.shop.add crm.sync crm.HTTPError HTTPError from https crm.example contacts"
    data += " default sums partner window Deutsch Ada ada Valkey Redis UTC NDJSON CSV JSON Enter English"

    left = {path: outside(client.follow(client.get(path)).page.one("body")) - set(data.split()) for path in paths}

    assert {path: found for path, found in left.items() if found} == {}


def test_a_page_is_in_the_language_that_the_browser_asks_for(app):
    client = Client(app)

    answer = client.get("/", GERMAN)

    assert answer.page.one("h1").text == "Übersicht"
    assert answer.headers["content-language"] == "de"
    assert {"Accept-Language", "Cookie"} <= set(answer.headers["vary"].split(", "))
    assert client.get("/").page.one("h1").text == "Overview"


def test_two_people_see_their_own_language_within_the_same_second(shop):
    app, paths = shop
    now = app.time.now()
    app.time.monotonic, app.time.now = lambda: 1e6, lambda: now
    english = Client(app)
    ours = Client(english.dashboard)
    ours.cookies["mainspring_language"] = "de"

    for path in paths:
        answers = [client.follow(client.get(path)) for client in (english, ours, english)]

        assert [answer.page.one("html")["lang"] for answer in answers] == ["en", "de", "en"]
        assert answers[0].page.one("main").text == answers[2].page.one("main").text


def test_a_fragment_has_another_tag_in_another_language(app):
    client = Client(app)
    app.time.now = lambda: 1_790_000_000.0
    live = {"x-mainspring-live": "1"}
    tag = client.get("/", live).headers["etag"]

    answer = client.get("/", live | GERMAN | {"if-none-match": tag})

    assert answer.status == 200
    assert answer.headers["etag"] != tag
    assert client.get("/", live | {"if-none-match": tag}).status == 304


def test_numbers_keep_their_form_and_times_get_words_of_the_language(german):
    with speaking(german):
        assert words.ago(100, 160) == "vor 1 min"
        assert words.ago(160, 100) == "in 1 min"
        assert words.number(1284) == "1,284"
        assert words.span(130) == "2 min 10 s"

    assert words.ago(100, 160) == "1 min ago"


def test_scripts_say_what_they_say_in_the_language_of_their_page(app):
    texts = Assets().texts
    assert {"Cancel", "{n} changed · refresh", "deploy {label}"} <= set(texts)

    page = Client(app, language="de").get("/").page
    said = json.loads(page.one("body")["data-texts"])

    assert said["Cancel"] == "Abbrechen"
    assert set(said) <= set(texts)
    assert "data-texts" not in Client(app).get("/").page.one("body").attributes


def test_a_translation_cannot_bring_markup_into_a_page(app, monkeypatch):
    class Hostile(gettext.NullTranslations):
        def gettext(self, message):
            return f'<b title="x">{message}'

    hostile = Language("de", "Deutsch", Hostile())
    monkeypatch.setattr(Languages, "of", lambda *_: hostile)

    text = Client(app).get("/").text

    assert "&lt;b title=&#34;x&#34;&gt;Overview" in text
    assert '<b title="x">' not in text


def test_a_text_that_is_not_translated_stays_english(german):
    with speaking(german):
        assert languages.say("Nobody has translated {this}.", this="that") == "Nobody has translated that."
        assert languages.counted("{n} yak", "{n} yaks", 2) == "2 yaks"


def test_what_is_written_from_right_to_left_says_so():
    assert Language("ar", "العربية", gettext.NullTranslations()).direction == "rtl"
    assert Language("de", "Deutsch", gettext.NullTranslations()).direction == "ltr"


# --- which language ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepted", "tag"),
    [
        ("", "en"),
        ("*", "en"),
        ("de", "de"),
        ("DE-at", "de"),
        ("en-GB,en;q=0.9,de;q=0.8", "en"),
        ("nl,fr;q=0.4,es;q=0.6", "es"),
        ("fr;q=0.5,de;q=0.5", "fr"),
        ("pt", "pt-BR"),
        ("pt-PT,pt;q=0.9", "pt-BR"),
        ("zh-CN,zh;q=0.9", "zh-CN"),
        ("zh-Hans-SG", "zh-CN"),
        ("zh-TW,ja;q=0.5", "ja"),
        ("zh-Hant-HK", "en"),
        ("de;q=0,es;q=0.1", "es"),
        ("de;q=nonsense,ja;q=0.1", "ja"),
        ("de;q=nan, fr;q=inf, es;q=-1", "en"),
        ("tlh, x-klingon;q=1, ;;, ,", "en"),
        ("ja;Q=0.9, de;q=0.8", "ja"),
        (",".join(["xx"] * 5000), "en"),
    ],
)
def test_the_best_of_what_a_browser_accepts_is_spoken(accepted, tag):
    assert negotiated(accepted) == tag


def test_a_choice_is_kept_and_counts_more_than_the_browser(app):
    client = Client(app)
    form = client.get("/queues?q=x").page.one("nav.side .tongue form")

    answer = client.submit(form, language="de")

    assert answer.path == "/queues?q=x"
    assert answer.page.one("html")["lang"] == "de"
    assert client.get("/", {"accept-language": "ja"}).page.one("html")["lang"] == "de"
    assert [button.text for button in answer.page.all("nav.side .tongue button[aria-current]")] == ["Deutsch"]

    back = client.submit(answer.page.one("nav.side .tongue form"), language="")

    assert back.page.one("html")["lang"] == "en"


def test_a_choice_from_another_site_is_refused(app):
    client = Client(app)

    for headers in ({"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "none", "origin": "https://evil.example"}):
        answer = client.post("/actions/language", {"language": "de"}, headers)

        assert answer.status == 403
        assert "set-cookie" not in answer.headers
    assert client.get("/actions/language").status in {404, 405}


@pytest.mark.parametrize("options", [{"role": "viewer"}, {"read_only": True}])
def test_whoever_may_see_may_choose(app, options):
    client = Client(app, **options)

    client.post("/actions/language", {"language": "de", "back": "/queues"})

    assert client.get("/").page.one("html")["lang"] == "de"


def test_who_is_not_let_in_chooses_nothing(app):
    client = Client(app, auth=lambda _: None)

    answer = client.post("/actions/language", {"language": "de"})

    assert answer.status == 403
    assert "set-cookie" not in answer.headers


def test_the_cookie_holds_no_more_than_a_language_and_leads_nowhere_else(app):
    client = Client(app, root="/jobs-admin")

    answer = client.post("/actions/language", {"language": "de", "back": "//evil.example"})
    cookie = answer.headers["set-cookie"]

    assert answer.location == "/jobs-admin/"
    assert cookie.startswith("mainspring_language=de;")
    assert {"HttpOnly", "Path=/jobs-admin", "SameSite=lax"} <= set(cookie.split("; "))
    assert "nonsense" not in client.post("/actions/language", {"language": "nonsense"}).headers.get("set-cookie", "")
    client.cookies["mainspring_language"] = "../../etc"
    assert client.get("/").page.one("html")["lang"] == "en"


def test_a_dashboard_of_one_language_offers_no_other(app):
    client = Client(app, language="de")
    client.cookies["mainspring_language"] = "ja"

    page = client.get("/", {"accept-language": "fr"}).page

    assert page.one("html")["lang"] == "de"
    assert page.find(".tongue") is None
    with pytest.raises(InvalidOption, match="none of en, de"):
        Dashboard(app, language="tlh")


# --- who hears what -------------------------------------------------------------------------


def test_an_action_answers_in_the_language_of_the_page_and_is_noted_in_none(app):
    app.enqueue("shop.add", [1])
    client = Client(app, language="de")

    said = client.act("queue.pause", {"name": "default"}).said
    refused = client.act("queue.target", {"name": "default", "target": "soon"}).said

    assert said == "default ist pausiert: Was läuft, läuft weiter, und was eingereiht wird, wartet."
    assert refused.startswith("Nichts wurde geändert: ")
    (entry,) = app.audit.page().items
    assert (entry.action, entry.resource, dict(entry.facts)) == ("queue.pause", "default", {})


def test_programs_hear_english(app):
    app.enqueue("shop.add", [1])
    client = Client(app, language="de")
    asks = {"content-type": "application/json", "sec-fetch-site": "same-origin"} | GERMAN

    paused = client.ask("POST", "/api/v1/queues/pause", asks, b'{"name": "default"}')
    nowhere = client.get("/api/v1/nowhere", GERMAN)
    table = client.get("/jobs/export?format=csv", GERMAN)

    assert nowhere.json()["title"] == "Not found"
    assert paused.json()["said"].startswith("default is paused")
    assert table.text.startswith("jid,")


def test_a_refusal_is_in_the_language_of_whom_it_refuses(app):
    stranger = Client(app, auth=lambda _: None)

    page = stranger.get("/", GERMAN).tree

    assert page.one("html")["lang"] == "de"
    assert page.one("h1").text in {"Nur von diesem Rechner", "Nicht für Sie"}


def test_what_is_wrong_with_a_filter_is_said_in_the_language_of_the_page(app):
    client = Client(app, language="de")

    page = client.get("/jobs?q=colour:red").page

    assert "es gibt keinen Schlüssel 'colour'" in page.one("#filter-error").text


# --- phrases --------------------------------------------------------------------------------


def test_a_phrase_is_the_english_text_and_can_be_said_otherwise(german):
    found = phrase("{jobs} and {names} and {n} more", jobs=phrases("{n} job", "{n} jobs", 1200), names="a", n=3)
    age = phrase("{time} ago", time=duration(7200))

    assert found == "1,200 jobs and a and 3 more"
    assert json.dumps({"text": age}) == '{"text": "2 h ago"}'
    with speaking(german):
        assert told(age) == "vor 2 h"
        assert told(phrases("{n} job", "{n} jobs", 1)) == "1 Job"
        assert told(joined(" · ", ["{braces} stay", age])) == "{braces} stay · vor 2 h"
        assert told("plain {text}") == "plain {text}"
        assert told(ValueError(age)) == "vor 2 h"


def test_a_schedule_is_said_with_its_pieces_in_the_order_of_the_language():
    every = cron_in_words("*/10 8-18 * * mon-fri")
    spoken = {tag: Languages().all[tag] for tag in ("de", "ja")}

    assert every == "every 10 minutes from 08:00 to 18:59, monday to friday"
    with speaking(spoken["de"]):
        assert told(every) == "alle 10 Minuten von 08:00 bis 18:59, Montag bis Freitag"
    with speaking(spoken["ja"]):
        assert told(every).index("18:59") < told(every).index("10分ごと")


def test_importing_the_package_imports_no_language():
    code = "import sys, mainspring; sys.exit(any(name.endswith(('phrases', 'languages', 'gettext')) for name in sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
