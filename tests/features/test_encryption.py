"""What is encrypted is opened by who has its key, in the job and at the place it was written for, or by nobody."""

from __future__ import annotations

import base64
import inspect
import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.base.errors import InvalidOption, WrongArguments
from mainspring.base.flow_errors import DecryptFailed, EncryptionUnavailable
from mainspring.base.sealed import MARK, is_sealed
from mainspring.features.encryption import Cover, Keyring, seal, unseal

ONE, TWO = bytes(range(32)), bytes(range(32, 64))
JID = "50e0c1d2a3b4c5d6e7f80910"
CANARY = "hunter2-canary"

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda parts: st.lists(parts) | st.dictionaries(st.text(), parts),
    max_leaves=8,
)


@dataclass
class Record:
    """A job on its way, as far as encryption sees it."""

    fields: dict[str, Any]

    def sealed(self, cover: Cover, keyring: Keyring) -> Record:
        seal(self.fields, cover, keyring)
        return self

    @property
    def said(self) -> Any:
        return self.fields.get("flow", {}).get("encrypt")

    def opened(self, keyring: Keyring, **instead: Any) -> tuple[list[Any], dict[str, Any]]:
        seen = {"name": self.fields["class"], "said": self.said, **self.fields} | instead
        return unseal(
            keyring, seen["jid"], seen["name"], said=seen["said"], args=seen["args"], kwargs=seen.get("kwargs", {})
        )


def sync(customer: int, token: str, *rest: str, note: str = "", **extra: str) -> None: ...


def cover(wanted: Any) -> Cover:
    return Cover.of("shop.sync", list(inspect.signature(sync).parameters.values()), wanted)


WHOLE = cover(True)
TOKEN = cover(["token"])


def record(*args: Any, **kwargs: Any) -> Record:
    return Record({"class": "shop.sync", "jid": JID, "args": list(args)} | ({"kwargs": kwargs} if kwargs else {}))


def token_of(sealed: Any) -> str:
    return sealed[MARK]


# --- there and back --------------------------------------------------------------------


@given(args=st.lists(VALUES, max_size=4), kwargs=st.dictionaries(st.text(min_size=1), VALUES, max_size=3))
def test_all_arguments_come_back_as_they_were(args, kwargs):
    keyring = Keyring({1: ONE})
    made = record(*args)
    made.fields |= {"kwargs": kwargs} if kwargs else {}

    assert made.sealed(WHOLE, keyring).opened(keyring) == (args, kwargs)


@pytest.mark.parametrize("call", [((7, CANARY), {}), ((7,), {"token": CANARY}), ((), {"customer": 7, "token": CANARY})])
def test_an_argument_is_encrypted_however_it_is_given(call):
    args, kwargs = call
    keyring = Keyring({1: ONE})

    made = record(*args, **kwargs).sealed(TOKEN, keyring)

    assert CANARY not in json.dumps(made.fields)
    assert "7" in json.dumps([made.fields["args"][:1], made.fields.get("kwargs", {}).get("customer")])
    assert made.opened(keyring) == ([*args], kwargs)


@pytest.mark.parametrize(
    ("names", "hidden"),
    [
        (["customer"], {0}),
        (["rest"], {2, 3}),
        (["note"], {"note"}),
        (["extra"], {"more"}),
        (["customer", "extra", "note"], {0, "note", "more"}),
    ],
)
def test_the_named_arguments_are_encrypted_and_no_others(names, hidden):
    made = record(1, "a", "b", "c", note="d", more="e").sealed(cover(names), Keyring({1: ONE}))

    places = [*enumerate(made.fields["args"]), *made.fields["kwargs"].items()]
    assert {place for place, value in places if is_sealed(value)} == hidden
    assert set(made.said) == hidden


def test_an_argument_that_was_not_given_is_not_there_either():
    keyring = Keyring({1: ONE})

    made = record(7, "open").sealed(cover(["note"]), keyring)

    assert made.fields == record(7, "open").fields
    assert made.opened(keyring) == ([7, "open"], {})


def test_of_a_job_that_is_encrypted_as_a_whole_not_even_the_number_of_arguments_shows():
    keyring = Keyring({1: ONE})

    made = record(CANARY, note=CANARY).sealed(WHOLE, keyring)

    assert "kwargs" not in made.fields
    assert len(made.fields["args"]) == 1
    assert record().sealed(WHOLE, keyring).opened(keyring) == ([], {})


def test_a_job_that_says_nothing_of_encryption_is_left_alone():
    assert record(1, {"a": 2}, note="b").opened(Keyring({})) == ([1, {"a": 2}], {"note": "b"})


# --- nothing but the very bytes, in the very place ----------------------------------------


def test_no_character_of_a_ciphertext_can_be_changed():
    keyring = Keyring({1: ONE, 2: TWO})
    made = record(7, CANARY).sealed(TOKEN, keyring)
    text = token_of(made.fields["args"][1])

    for index in range(len(text)):
        for other in {"A", "B", "/", "+", "=", "1", "2", ":", "v", "", "é", "\n", chr(ord(text[index]) ^ 1)} - {
            text[index]
        }:
            changed = f"{text[:index]}{other}{text[index + 1 :]}"
            with pytest.raises(DecryptFailed):
                made.opened(keyring, args=[7, {MARK: changed}])


def test_no_bit_of_what_is_encrypted_can_be_changed():
    keyring = Keyring({1: ONE})
    made = record(CANARY).sealed(WHOLE, keyring)
    head, _, body = token_of(made.fields["args"][0]).rpartition(":")
    data = base64.b64decode(body)

    for bit in range(len(data) * 8):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(DecryptFailed):
            made.opened(keyring, args=[{MARK: f"{head}:{base64.b64encode(changed).decode()}"}])


def test_a_ciphertext_cannot_be_cut_or_padded():
    keyring = Keyring({1: ONE})
    made = record(CANARY).sealed(WHOLE, keyring)
    text = token_of(made.fields["args"][0])

    for other in [text[:end] for end in range(len(text))] + [
        f"{text}=",
        f"{text}AAAA",
        f" {text}",
        f"{text}\n",
        f"{text}{text}",
    ]:
        with pytest.raises(DecryptFailed):
            made.opened(keyring, args=[{MARK: other}])


def test_a_text_of_base64_that_decodes_to_the_same_bytes_is_refused():
    keyring = Keyring({1: ONE})
    made = record("x").sealed(cover(["customer"]), keyring)
    text = token_of(made.fields["args"][0])
    twin = next(f"{text[:-2]}{char}=" for char in "ABCDEFGHIJ" if text[-1] == "=" and text[-2] != char)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = alphabet.index(text.rstrip("=")[-1])
    body = f"{text.rstrip('=')[:-1]}{alphabet[last ^ 1]}"
    same = f"{body}{'=' * (len(text) - len(body))}"

    assert base64.b64decode(same.split(":")[2]) == base64.b64decode(text.split(":")[2])
    for other in (twin, same):
        with pytest.raises(DecryptFailed):
            made.opened(keyring, args=[{MARK: other}])


@pytest.mark.parametrize("instead", [{"jid": "0" * 24}, {"name": "shop.other"}])
@pytest.mark.parametrize("covered", [WHOLE, TOKEN])
def test_a_ciphertext_cannot_be_moved_to_another_job(covered, instead):
    keyring = Keyring({1: ONE})
    made = record(7, CANARY).sealed(covered, keyring)

    with pytest.raises(DecryptFailed):
        made.opened(keyring, **instead)


def test_two_ciphertexts_of_one_job_cannot_change_places():
    keyring = Keyring({1: ONE})
    made = record(7, "a", note="b").sealed(cover(["customer", "token", "note"]), keyring)
    first, second = made.fields["args"]
    note = made.fields["kwargs"]["note"]

    with pytest.raises(DecryptFailed):
        made.opened(keyring, args=[second, first])
    with pytest.raises(DecryptFailed):
        made.opened(keyring, args=[first, note], kwargs={"note": second})


def test_a_part_cannot_stand_for_the_whole():
    keyring = Keyring({1: ONE})
    made = record([["evil"], {}]).sealed(cover(["customer"]), keyring)

    with pytest.raises(DecryptFailed):
        made.opened(keyring, said=1)


@pytest.mark.parametrize(
    "said",
    [None, 0, 2, "1", [], [0], [0, 1], [1, 1], [1, "note"], [-1], [True], {"1": 1}, [[1]], [None], ["1"], [1.0]],
)
def test_a_job_that_says_otherwise_what_is_encrypted_is_refused(said):
    keyring = Keyring({1: ONE})
    made = record(7, CANARY, note="x").sealed(TOKEN, keyring)

    with pytest.raises(DecryptFailed):
        made.opened(keyring, said=said)


@pytest.mark.parametrize("plain", ["evil", None, {}, {"$encrypteX": "v1:1:AAAA"}, {MARK: "v1:1:AAAA", "more": 1}])
def test_what_should_be_encrypted_and_is_not_is_refused(plain):
    keyring = Keyring({1: ONE})
    made = record(7, CANARY).sealed(TOKEN, keyring)

    with pytest.raises(DecryptFailed):
        made.opened(keyring, args=[7, plain])


@pytest.mark.parametrize("value", [None, 1, [], {}, "v1:1:AAAA"])
def test_a_mark_that_holds_anything_is_refused(value):
    with pytest.raises(DecryptFailed):
        record(7, {MARK: value}).opened(Keyring({1: ONE}))


def test_a_whole_has_nothing_beside_it():
    keyring = Keyring({1: ONE})
    made = record(7).sealed(WHOLE, keyring)

    with pytest.raises(DecryptFailed):
        made.opened(keyring, kwargs={"token": "evil"})
    with pytest.raises(DecryptFailed):
        made.opened(keyring, args=[*made.fields["args"], "evil"])


def test_an_argument_that_looks_encrypted_is_refused_where_it_is_enqueued():
    with pytest.raises(WrongArguments, match="stands for an encrypted one"):
        record({MARK: "x"}, "token").sealed(TOKEN, Keyring({1: ONE}))


# --- keys -------------------------------------------------------------------------------


def test_the_greatest_number_encrypts_and_every_key_decrypts():
    old = record(7, CANARY).sealed(WHOLE, Keyring({1: ONE}))
    both = Keyring({1: ONE, 2: TWO})
    new = record(7, CANARY).sealed(WHOLE, both)

    assert token_of(old.fields["args"][0]).startswith("v1:1:")
    assert token_of(new.fields["args"][0]).startswith("v1:2:")
    assert old.opened(both) == new.opened(both) == ([7, CANARY], {})


def test_a_new_key_can_be_given_to_all_before_any_encrypts_with_it():
    early = Keyring({1: ONE, 2: TWO}, active=1)

    made = record(CANARY).sealed(WHOLE, early)

    assert made.opened(Keyring({1: ONE})) == ([CANARY], {})
    assert record(CANARY).sealed(WHOLE, Keyring({2: TWO})).opened(early) == ([CANARY], {})


def test_without_its_key_a_job_stays_closed_and_says_which_key_it_wants():
    made = record(CANARY).sealed(WHOLE, Keyring({2: TWO}))

    for keyring, have in ((Keyring({1: ONE}), "1"), (Keyring({}), "no keys")):
        with pytest.raises(DecryptFailed, match=f"with key 2, and this App has {have}$") as caught:
            made.opened(keyring)
        assert caught.value.jid == JID


def test_another_key_of_the_same_number_opens_nothing():
    made = record(CANARY).sealed(WHOLE, Keyring({1: ONE}))

    with pytest.raises(DecryptFailed):
        made.opened(Keyring({1: TWO}))


def test_a_ciphertext_under_one_number_does_not_pass_for_one_under_another():
    keyring = Keyring({1: ONE, 2: ONE}, active=1)
    made = record(CANARY).sealed(WHOLE, keyring)
    text = token_of(made.fields["args"][0])

    with pytest.raises(DecryptFailed):
        made.opened(keyring, args=[{MARK: text.replace("v1:1:", "v1:2:")}])


def test_no_nonce_comes_twice():
    keyring = Keyring({1: ONE})
    wanted = cover(["customer", "token", "rest", "note"])
    texts = []
    for _ in range(500):
        made = record(1, "a", "b", note="c").sealed(wanted, keyring)
        texts += [token_of(value) for value in (*made.fields["args"], made.fields["kwargs"]["note"])]

    nonces = {base64.b64decode(text.rpartition(":")[2])[:12] for text in texts}

    assert len(nonces) == len(texts) == 2000


def test_each_value_asks_for_twelve_fresh_bytes():
    asked = []

    def chance(count: int) -> bytes:
        asked.append(count)
        return len(asked).to_bytes(12, "big")

    record(7, "a").sealed(cover(["customer", "token"]), Keyring({1: ONE}, random=chance))

    assert asked == [12, 12]


def test_keys_may_be_base64_and_are_never_shown():
    text = base64.b64encode(ONE).decode()
    keyring = Keyring({1: f" {text}\n"})

    assert record(1).sealed(WHOLE, Keyring({1: ONE})).opened(keyring) == ([1], {})
    assert repr(keyring) == "<Keyring 1>"


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({1: b"short"}, "key 1 is 5 bytes"),
        ({1: "not base64!"}, "key 1 is no base64"),
        ({1: base64.b64encode(b"hunter2").decode()}, "key 1 is 7 bytes"),
        ({1: 42}, "key 1 is no base64"),
        ({"1": ONE}, "no number of a key"),
        ({True: ONE}, "no number of a key"),
        ({-1: ONE}, "no number of a key"),
        ({10**9: ONE}, "no number of a key"),
        ("1:hunter2", "must be a dict from numbers to keys"),
    ],
)
def test_what_is_no_key_is_refused_and_not_shown(keys, says):
    with pytest.raises(InvalidOption, match=says) as caught:
        Keyring(keys)

    assert "hunter2" not in str(caught.value)
    assert "aHVudGVyMg" not in str(caught.value)


def test_the_key_that_encrypts_must_be_there():
    with pytest.raises(InvalidOption, match="no key has this number; there are 1, 2"):
        Keyring({1: ONE, 2: TWO}, active=3)


def test_without_keys_nothing_is_enqueued_in_plain_text():
    made = record(CANARY)

    with pytest.raises(EncryptionUnavailable, match=r"shop\.sync are encrypted, and the App has no keys"):
        made.sealed(WHOLE, Keyring({}))
    with pytest.raises(EncryptionUnavailable):
        Keyring({}).check("shop.sync")

    assert made.fields == record(CANARY).fields


def test_without_the_library_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cryptography.hazmat.primitives.ciphers.aead", None)

    with pytest.raises(EncryptionUnavailable, match=r'pip install "mainspring\[encryption\]"'):
        record(CANARY).sealed(WHOLE, Keyring({1: ONE}))


def test_an_option_that_names_no_parameter_is_refused():
    with pytest.raises(InvalidOption, match=r"shop\.sync: encrypt=.*no parameter 'tokn'; it has customer, token, rest"):
        cover(["token", "tokn"])
