"""T18: ciphertexts that were changed, cut, moved between jobs, or whose key is gone are dead, and never run."""

from __future__ import annotations

import base64
import binascii
import json
import random
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

import pytest

from mainspring import App
from mainspring.base import codec
from mainspring.base.sealed import MARK
from mainspring.features import encryption
from mainspring.store import keys
from mainspring.worker import Worker
from scenarios.record import at_length, record
from servers import Server
from support import until

BASE64 = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
SECRETS = ("hunter2", "correct horse battery staple", "\N{SNOWMAN}" * 40)


@dataclass
class Trial:
    """A store that somebody can write to who has no key, and a worker that has one."""

    server: Server
    keys: dict[int, bytes]
    rng: random.Random
    # Jobs append, in two threads.
    ran: list[str] = field(default_factory=list)
    tried: int = 0

    def app(self, given: dict[int, bytes]) -> App:
        """Return an App with the keys *given* and the two jobs of the trial."""
        app = App(self.server.url, keys=given)

        @app.job(name="whole", encrypt=True, retry=0)
        def whole(user: int, token: str) -> None:
            self.ran.append(token)

        @app.job(name="named", encrypt=["token"], retry=0)
        def named(user: int, token: str) -> None:
            self.ran.append(token)

        return app

    def stored(self, name: str, secret: str) -> dict[str, Any]:
        """Enqueue one job, and take it out of the queue again."""
        app = self.app(self.keys)
        app.enqueue(name, [7, secret])
        app.close()
        found: dict[str, Any] = json.loads(self.server.client.lpop("queue:default"))
        return found

    def run(self, records: Iterable[dict[str, Any]], given: dict[int, bytes] | None = None) -> tuple[int, int]:
        """Let a worker have *records*; return how many ran, and how many died undecrypted."""
        client, before = self.server.client, len(self.ran)
        payloads = [codec.encode(each) for each in records]
        self.tried += len(payloads)
        client.sadd("queues", "default")
        for start in range(0, len(payloads), 1000):
            client.lpush("queue:default", *payloads[start : start + 1000])
        app = self.app(self.keys if given is None else given)
        died: list[str] = []
        app.on_error(lambda error, job: died.append(type(error).__name__))
        worker = Worker(app, concurrency=2, timeout=1.0)
        worker.start()
        try:
            until(lambda: len(self.ran) - before + len(died) >= len(payloads), timeout=120)
        finally:
            worker.stop()
            app.close()
        client.delete(keys.DEAD)
        return len(self.ran) - before, died.count("DecryptFailed")


@pytest.fixture
def trial(server: Server) -> Trial:
    """Give a trial with two keys."""
    rng = random.Random(18)
    return Trial(server, {1: rng.randbytes(32), 2: rng.randbytes(32)}, rng)


def places_of(found: dict[str, Any]) -> list[int]:
    return [place for place, value in enumerate(found["args"]) if isinstance(value, dict)]


def with_token(found: dict[str, Any], text: object) -> dict[str, Any]:
    (place,) = places_of(found)
    args = [{MARK: text} if number == place else value for number, value in enumerate(found["args"])]
    return found | {"args": args}


def token_of(found: dict[str, Any]) -> str:
    (place,) = places_of(found)
    return str(found["args"][place][MARK])


def changed(found: dict[str, Any], values: int, rng: random.Random) -> Iterator[dict[str, Any]]:
    """Yield *found* with each character of its ciphertext, and each byte of what that stands for, changed and taken away."""
    text = token_of(found)
    head, _, body = text.rpartition(":")
    data = base64.b64decode(body)
    for index, char in enumerate(text):
        yield with_token(found, text[:index] + text[index + 1 :])
        # The neighbour of the last one may stand for the same bytes.
        neighbour = BASE64[BASE64.index(char) ^ 1] if char in BASE64 else "A"
        for other in {chr(rng.randrange(33, 127)), chr(ord(char) ^ 1), neighbour, "="} - {char}:
            yield with_token(found, text[:index] + other + text[index + 1 :])
    for index, byte in enumerate(data):
        for other in {byte ^ 1, byte ^ 0x80, *rng.sample(range(256), values)} - {byte}:
            other_data = data[:index] + bytes([other]) + data[index + 1 :]
            yield with_token(found, f"{head}:{base64.b64encode(other_data).decode()}")


def try_changes(trial: Trial) -> None:
    """Change all of a ciphertext, one thing at a time; none may run."""
    for name in ("whole", "named"):
        for secret in SECRETS[: at_length(2, 3)]:
            found = trial.stored(name, secret)
            variants = list(changed(found, at_length(0, 8), trial.rng))

            ran, died = trial.run(variants)

            assert (ran, died) == (0, len(variants))
            assert trial.run([found]) == (1, 0)


def try_moves(trial: Trial) -> None:
    """Let each of some jobs have the ciphertext of each other; none may run."""
    found = [trial.stored(name, f"of {number}") for number in range(at_length(4, 30)) for name in ("whole", "named")]
    moved = [with_token(one, token_of(other)) for one, other in permutations(found, 2)]
    moved += [one | {"jid": other["jid"]} for one, other in permutations(found, 2)]
    moved += [one | {"class": "named" if one["class"] == "whole" else "whole"} for one in found]

    assert trial.run(moved) == (0, len(moved))
    assert trial.run(found) == (len(found), 0)


def try_keys(trial: Trial) -> None:
    """Give the worker all keys, the old one, another of the same number, and none that fits."""
    old = Trial(trial.server, {1: trial.keys[1]}, trial.rng).stored("whole", "old")
    new = trial.stored("whole", "new")

    assert trial.run([old, new]) == (2, 0)
    assert trial.run([old, new], {1: trial.keys[1]}) == (1, 1)
    assert trial.run([old, new], {1: trial.keys[2], 2: trial.keys[1]}) == (0, 2)
    assert trial.run([old, new], {3: trial.keys[1]}) == (0, 2)


def test_what_was_changed_moved_or_has_no_key_is_never_run(trial):
    try_changes(trial)
    try_moves(trial)
    try_keys(trial)

    record(
        "T18",
        "each character and byte of ciphertexts changed or taken away, ciphertexts, ids and names moved between jobs, keys"
        " taken away and confused",
        "none is run; each is dead with the reason decrypt_failed",
        payloads=trial.tried,
        run_as_enqueued=len(trial.ran),
        run_otherwise=0,
    )
    assert set(trial.ran) <= {*SECRETS, "old", "new"} | {f"of {n}" for n in range(30)}


def decoded_loosely(text: str) -> bytes | None:
    """Read base64 as its library does: many texts are the same bytes."""
    try:
        return binascii.a2b_base64(text)
    except ValueError:
        return None


@pytest.mark.parametrize(
    ("name", "instead", "tries"),
    [
        ("_bound", lambda *_: b"", try_moves),
        ("_opened", lambda cipher, data, bound: codec.encode([[7, data[:4].hex()], {}]), try_changes),
        ("_decoded", decoded_loosely, try_changes),
    ],
    ids=["unbound", "unauthenticated", "loose"],
)
def test_the_checker_finds_an_encryption_that_is_weaker(trial, monkeypatch, name, instead, tries):
    monkeypatch.setattr(encryption, name, instead)

    with pytest.raises((AssertionError, ValueError)):
        tries(trial)
