"""What is secret by its name is never shown, in values and in texts, and looking for it takes no long time."""

from __future__ import annotations

import pytest

from mainspring.web.redaction import HIDDEN, Redactor
from mainspring.web.settings import SECRETS

CANARY = "hunter2-canary"


@pytest.fixture
def redactor():
    return Redactor(SECRETS)


@pytest.mark.parametrize(
    "value",
    [
        {"password": CANARY},
        {"user": {"Api-Key": CANARY}},
        [{"deep": [{"access_token": [CANARY]}]}],
        {"headers": {"Authorization": f"Bearer {CANARY}"}},
        {"url": f"https://ada:{CANARY}@example/path"},
        {"query": f"https://example/?token={CANARY}&page=2"},
    ],
)
def test_a_secret_value_is_hidden_and_the_rest_is_not(redactor, value):
    shown = str(redactor.value({"kept": "seen", "inner": value}))

    assert CANARY not in shown
    assert "seen" in shown


@pytest.mark.parametrize(
    "text",
    [
        f"login failed: password={CANARY}",
        f"{{'password': '{CANARY}', 'user': 'ada'}}",
        f'{{"api_key": "{CANARY}"}}',
        f"postgresql://ada:{CANARY}@db/shop",
        f"secret-key : {CANARY}",
    ],
)
def test_a_secret_in_a_text_is_hidden(redactor, text):
    assert CANARY not in redactor.text(text)
    assert HIDDEN in redactor.text(text)


def test_who_hides_nothing_sees_all():
    assert Redactor(()).value({"password": CANARY}) == {"password": CANARY}


@pytest.mark.parametrize(
    "text", ["password" * 20_000, "=" * 100_000, "://" * 50_000, "token=" * 20_000, "a://" + "b" * 100_000]
)
def test_a_hostile_text_comes_through(redactor, text):
    assert isinstance(redactor.text(text), str)
