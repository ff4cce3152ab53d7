"""An error of the wire says whether the call can have had an effect, and what a person can do about it."""

from __future__ import annotations

import pytest

from mainspring.base.errors import StoreRefused, StoreUnavailable
from mainspring.store import replies

URL = "redis://:secret@db:1"


class Answer(Exception):
    """An error as the client library raises it."""

    def __init__(self, text="", status_code=None):
        super().__init__(text)
        self.status_code = status_code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Answer("command not allowed", "OOM"), "OOM"),
        (Answer("NOREPLICAS Not enough good replicas"), "NOREPLICAS"),
        (Answer("unknown command 'X'"), ""),
        (Answer(""), ""),
        # Inside a script, in the words of Valkey 9 and of Redis 7.
        (Answer("ACL failure in script: User u has no permissions to run the 'hset' command script: on @user_script:1.", "ERR"), "NOPERM"),
        (Answer("The user executing the script can't run this command or subcommand script: 08be, on @user_script:1."), "NOPERM"),
    ],
)  # fmt: skip
def test_the_first_word_of_an_answer_is_its_code(error, code):
    assert replies.code_of(error) == code


@pytest.mark.parametrize(
    ("code", "way_out"),
    [
        ("OOM", "raise maxmemory"),
        ("READONLY", "point the URL at the primary"),
        ("WRONGPASS", "check the URL"),
        ("NOAUTH", "redis://:PASSWORD@HOST"),
        ("NOPERM", "extend its ACL"),
        ("MISCONF", "see its log"),
        ("NOREPLICAS", "too few replicas"),
    ],
)
def test_a_refusal_names_the_server_the_code_and_the_way_out(code, way_out):
    error = replies.refused(Answer("whatever", code), URL)

    assert isinstance(error, StoreRefused)
    assert (error.code, error.applied) == (code, False)
    assert "redis://:***@db:1" in str(error)
    assert code in str(error)
    assert way_out in str(error)
    assert "secret" not in str(error)


def test_what_is_forbidden_is_named():
    error = replies.refused(Answer("User u has no permissions to run the 'hset' command", "NOPERM"), URL)

    assert "'hset'" in str(error)
    assert "docs/store.md" in str(error)


def test_a_refusal_without_advice_says_what_the_server_said():
    assert "wrong kind of value" in str(
        replies.refused(Answer("Operation against a wrong kind of value", "WRONGTYPE"), URL)
    )


@pytest.mark.parametrize("code", ["LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN"])
def test_a_server_that_is_not_ready_is_unavailable_and_did_nothing(code):
    error = replies.refused(Answer("not now", code), URL)

    assert isinstance(error, StoreUnavailable)
    assert error.applied is False


def test_no_connection_means_that_nothing_was_done():
    error = replies.no_connection(OSError("refused"), URL)

    assert isinstance(error, StoreUnavailable)
    assert isinstance(error, ConnectionError)
    assert error.applied is False
    assert "MAINSPRING_URL" in str(error)


def test_a_handshake_that_was_refused_keeps_its_code():
    error = replies.no_connection(Answer("invalid username-password pair", "WRONGPASS"), URL)

    assert isinstance(error, StoreRefused)
    assert error.code == "WRONGPASS"


def test_a_call_that_was_cut_off_may_have_had_its_effect():
    for cause in (OSError("reset"), TimeoutError()):
        error = replies.cut_off(cause, URL)
        assert error.applied is None
        assert (str(cause) or "TimeoutError") in str(error)
