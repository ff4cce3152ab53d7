"""The same error is one error, whatever ids it names and wherever a release lies; and no text takes long to read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainspring.base.signature import ANY, KEPT, READ, Frame, normalised, own_frame, place, sign

HERE = Frame("/srv/shop/crm/client.py", 88, "post")


def signed(message="no", job="sync", kind="ValueError", frame=HERE, roots=("/srv/shop",)):
    return sign(job, kind, message, [frame], roots=roots)


# --- what varies -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("contact 50008 not found", "contact {n} not found"),
        ("price is -12.50, not 13", "price is {n}, not {n}"),
        ("[Errno 2] No such file: '/tmp/up-8f2/a.pdf'", "[Errno {n}] No such file: '{path}'"),
        ("cannot open /var/lib/shop/7.db!", "cannot open {path}!"),
        ("503 for url: https://al:pw@api.crm.example:8443/v1/9?x=1,2", "{n} for url: https://api.crm.example/{path}"),
        ("no order 5f2e41c0-9a7b-4d68-9a7b-5f2e41c09a7b", "no order {uuid}"),
        ("no answer of https://api.example/.", "no answer of https://api.example"),
        ("no answer of https://api.example//", "no answer of https://api.example/{path}"),
        ("job 50e0c1d2a3b4c5d6e7f80910 is gone", "job {hex} is gone"),
        ("<Order object at 0x7f00aa12bc>", "<Order object at {hex}>"),
        ("since 2026-11-22 11:00:00.123 +00:00 it waits", "since {time} it waits"),
        ("due 2026-11-22T11:00:00Z.", "due {time}."),
        ("bob@example.org has no account", "{email} has no account"),
        ("10.0.0.7:6379 refused", "{ip} refused"),
        ("no customer cus_Nf3kd9QxYz12ab", "no customer cus_{id}"),
        ("ids [1, 2, 3] are unknown", "ids [{n}] are unknown"),
        ("'name'", "'name'"),
        ("'O12345'", "'{text}'"),
        ("no user 'Ann Lee 3'", "no user '{text}'"),
        ("it's not what users don't want", "it's not what users don't want"),
        ("two\n lines\tand  more", "two lines and more"),
        ("either/or, TCP/IP", "either/or, TCP/IP"),
        ("", ""),
    ],
)
def test_what_varies_is_replaced_by_what_it_is(message, shown):
    assert normalised(message) == shown


IDS = {
    "number": st.integers(0, 10**12).map(str),
    "hex": st.text("0123456789abcdef", min_size=24, max_size=24),
    "uuid": st.uuids().map(str),
    "path": st.from_regex(r"/var/[a-z]{1,9}/[a-z0-9]{1,9}\.pdf", fullmatch=True),
    "link": st.from_regex(r"https://api\.example/[a-z0-9/]{1,30}", fullmatch=True),
    "e-mail": st.from_regex(r"[a-z]{1,9}[0-9]{0,3}@[a-z]{1,9}\.org", fullmatch=True),
    "time": st.datetimes().map(lambda when: when.isoformat(" ", "seconds")),
    "text": st.from_regex(r"'[a-z]{1,9} [a-z0-9 ]{1,20}'", fullmatch=True),
    "list": st.lists(st.integers(), min_size=1, max_size=9).map(str),
}


@pytest.mark.parametrize("kind", IDS)
@settings(max_examples=25)
@given(data=st.data(), words=st.sampled_from(["{} not found", "cannot read {}: {} is locked", "({}) refused"]))
def test_the_same_error_with_other_ids_has_the_same_signature(kind, data, words):
    ids = st.lists(IDS[kind], min_size=2, max_size=2)
    one, other = (signed(words.format(*data.draw(ids))) for _ in range(2))

    assert one.signature == other.signature


@given(st.text(max_size=400))
def test_no_text_is_refused_and_all_are_short_and_stay_as_they_are_when_read_again(text):
    shown = normalised(text)

    assert len(shown) <= KEPT
    assert "\n" not in shown
    assert signed(text).signature == signed(text).signature


@pytest.mark.parametrize(
    "text",
    [
        *("a", "0", "'", "/", "(", "\u00e9", "\n", "\x00", "{"),
        *(
            "'a",
            "'\\x",
            "a@",
            "a.",
            "/a",
            "a://",
            "1:11",
            "1e1",
            "{n} ",
            "{n},",
            "a@a.",
            "ab=",
            "x'",
            "1.",
            "0x",
            '"\\',
        ),
    ],
)
def test_of_a_megabyte_only_the_beginning_is_read(text):
    # What grows with the square of its length, or worse, would not come to an end either.
    hostile = (text * 1_000_000)[:1_000_000]

    assert normalised(hostile) == normalised(hostile[:READ])


# --- what makes another error ------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        {"job": "other"},
        {"kind": "KeyError"},
        {"message": "yes"},
        {"frame": Frame("/srv/shop/crm/other.py", 88, "post")},
        {"frame": Frame("/srv/shop/crm/client.py", 88, "get")},
        {"message": ANY},
    ],
)
def test_another_job_class_text_file_or_function_is_another_error(other):
    assert signed(**other).signature != signed().signature


def test_a_deploy_that_moves_lines_or_folders_leaves_an_error_the_same():
    moved = signed(frame=Frame("/srv/releases/77/shop/crm/client.py", 91, "post"), roots=("/srv/releases/77/shop",))

    assert moved.signature == signed().signature
    assert (signed().frame, moved.frame) == ("crm/client.py:88 in post", "crm/client.py:91 in post")


# --- the app's own code -------------------------------------------------------------


SITE = "/srv/shop/.venv/lib/python3.11/site-packages/httpx/_client.py"
STDLIB = "/usr/lib/python3.12/json/decoder.py"


def test_the_frame_is_the_innermost_of_the_apps_own_code():
    frames = [Frame("/srv/shop/jobs.py", 3, "sync"), HERE, Frame(SITE, 1, "send"), Frame(STDLIB, 1, "decode")]

    assert own_frame(frames) == HERE


@pytest.mark.parametrize("foreign", [SITE, STDLIB, "<string>", "<frozen importlib._bootstrap>"])
def test_where_nothing_is_the_apps_own_the_innermost_stands_for_it(foreign):
    frame = Frame(foreign, 7, "raise_it")

    assert own_frame([frame]) == frame


def test_an_error_that_came_from_nowhere_has_no_frame():
    assert sign("sync", "ValueError", "no", []).frame == ""


@pytest.mark.parametrize(
    ("file", "roots", "shown"),
    [
        ("/srv/shop/crm/client.py", ["/srv", "/srv/shop/"], "crm/client.py"),
        ("/srv/shop/crm/client.py", ["/srv/sho", ""], "crm/client.py"),
        (SITE, ["/srv/shop"], "httpx/_client.py"),
        (STDLIB, [], "json/decoder.py"),
        ("client.py", ["/srv"], "client.py"),
    ],
)
def test_a_file_is_shown_as_all_machines_know_it(file, roots, shown):
    assert place(file, roots) == shown
