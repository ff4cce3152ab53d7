"""A URL says which server, and how to get in; one that is wrong says what is wrong, and never the password."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.base.errors import InvalidOption
from mainspring.store.url import masked, redis_options

SECRET = "hun:ter@2"


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("redis://", {"kind": "tcp", "host": "localhost", "port": 6379}),
        ("redis://db.example", {"kind": "tcp", "host": "db.example", "port": 6379}),
        ("valkey://db:7000/3", {"kind": "tcp", "host": "db", "port": 7000, "db": 3}),
        ("redis://db/0/", {"kind": "tcp", "host": "db", "port": 6379, "db": 0}),
        ("redis://[::1]:7000?db=2", {"kind": "tcp", "host": "::1", "port": 7000, "db": 2}),
        ("rediss://:pw@db", {"kind": "tls", "host": "db", "port": 6379, "password": "pw"}),
        (
            "valkeys://u@db?ssl_ca_certs=/ca",
            {"kind": "tls", "host": "db", "port": 6379, "username": "u", "ssl_ca_certs": "/ca"},
        ),
        (
            "redis://us%65r:p%40%2Fs%25@db",
            {"kind": "tcp", "host": "db", "port": 6379, "username": "user", "password": "p@/s%"},
        ),
        ("unix:///run/store.sock", {"kind": "unix", "path": "/run/store.sock"}),
        ("unix://:pw@/run/a%20b?db=4", {"kind": "unix", "path": "/run/a b", "password": "pw", "db": 4}),
        ("unix://./here.sock", {"kind": "unix", "path": "./here.sock"}),
    ],
)
def test_a_url_is_read(url, options):
    assert redis_options(url) == options


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://db", ["http://db", "redis://", "embedded://"]),
        ("localhost:6379", ["localhost:6379", "redis://"]),
        ("", ["redis://"]),
        ("redis+sentinel://db", ["not supported yet", "primary"]),
        ("redis+cluster://db", ["not supported yet"]),
        ("redis://db:http", ["port", "65535"]),
        ("redis://db:70000", ["port", "65535"]),
        ("redis://db/zero", ["database", "redis://localhost:6379/0"]),
        ("redis://db/-1", ["database"]),
        ("redis://db?db=x", ["database"]),
        ("unix://", ["path"]),
        ("redis://db?sssl=1", ["sssl", "ssl_ca_certs"]),
        ("redis://[::1", ["no URL"]),
    ],
)
def test_a_url_that_is_wrong_says_what_is_wrong(url, words):
    with pytest.raises(InvalidOption) as caught:
        redis_options(url)

    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://user:secret@db:1/0", "redis://user:***@db:1/0"),
        ("redis://:secret@db", "redis://:***@db"),
        ("unix://:secret@/run/s", "unix://:***@/run/s"),
        ("redis://db/0?password=secret&db=1", "redis://db/0?password=***&db=1"),
        ("redis://db:6379/0", "redis://db:6379/0"),
        ("unix:///run/a@b.sock", "unix:///run/a@b.sock"),
    ],
)
def test_a_url_is_shown_without_its_password(url, shown):
    assert masked(url) == shown


@pytest.mark.parametrize("secret", [SECRET, "a/b", "a?b", "a#b", "a:b", "a/b@c:d"])
def test_a_password_that_nobody_quoted_does_not_come_to_light(secret):
    url = f"redis://user:{secret}@db:6379/x"

    assert secret not in masked(url)
    with pytest.raises(InvalidOption) as caught:
        redis_options(url)
    assert secret not in str(caught.value)
    assert caught.value.__cause__ is None


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=3, max_size=20))
def test_no_part_of_any_password_is_shown(secret):
    shown = masked(f"redis://user:{secret}@db")

    assert shown == "redis://user:***@db"
