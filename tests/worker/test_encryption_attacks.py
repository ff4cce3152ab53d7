"""T18: what was changed, moved or taken apart is never run; T14: a secret is in no log, no error and no page."""

from __future__ import annotations

import enum
import io
import json
import traceback

import pytest

from mainspring import WrongArguments
from mainspring.base import codec, logs
from mainspring.base.flow_errors import DecryptFailed
from mainspring.cli.main import run
from mainspring.cli.options import Session
from mainspring.features import encryption
from mainspring.store import keys
from sealing import CANARY, everything, give_keys


class Colour(enum.Enum):
    """A type of which the library that reads it quotes what does not fit."""

    RED = "red"


@pytest.fixture
def seen():
    """What jobs were called with."""
    return []


@pytest.fixture
def sealed(bench, seen):
    """A bench with keys and jobs whose arguments are encrypted."""
    give_keys(bench, seen)
    return bench


# --- it fails closed -----------------------------------------------------------------


def records(bench):
    """Return all jobs that wait, as they are stored, and take them out."""
    found = bench.client.lrange("queue:default", 0, -1)
    bench.client.delete("queue:default")
    return found


def tampered(raw):
    """Yield *raw* with each of its bytes changed: by one bit, and to what JSON reads otherwise."""
    for index, byte in enumerate(raw):
        for other in {byte ^ 1, byte ^ 0x20, ord("0"), ord('"')} - {byte}:
            yield raw[:index] + bytes([other]) + raw[index + 1 :]


def read_as(raw):
    """Return what a reader takes for the job's id, class and arguments; None if it takes it for no job."""
    try:
        found = codec.decode(raw)
        return found["jid"], found["class"], found.get("args"), found.get("kwargs"), found.get("flow")
    except (ValueError, LookupError, TypeError):
        return None


@pytest.mark.parametrize("name", ["login", "whole"])
def test_no_byte_of_a_stored_job_can_be_changed_so_that_it_runs_with_another_secret(sealed, seen, name):
    """All bytes of the record are tried. What runs, runs with the arguments that were enqueued."""
    job = getattr(sealed, name)
    job.enqueue(7, CANARY, note="n")
    (raw,) = records(sealed)
    changed = list(tampered(raw))
    sealed.push_raw(*changed)

    sealed.run(timeout=120.0, concurrency=1)

    # The rest of the record is not authenticated: another queue, another number of retries, another plain argument.
    assert {call[2] for call in seen} <= {CANARY}
    if name == "whole":
        assert set(seen) <= {("whole", 7, CANARY, "n")}
    original = read_as(raw)
    harmless = sum(read_as(one) == original for one in changed)
    assert len(seen) <= harmless if name == "whole" else len(seen) < len(changed) / 2
    assert sealed.client.zcard(keys.DEAD) + len(seen) + sealed.client.zcard(keys.RETRY) == len(changed)


def test_what_cannot_be_decrypted_is_dead_with_its_reason_and_never_run(sealed, seen, spoken):
    heard = []
    sealed.app.on_error(lambda error, job: heard.append(type(error)))
    sealed.whole.enqueue(7, CANARY)
    (raw,) = records(sealed)
    at = raw.index(b"v1:1:") + 20
    sealed.push_raw(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])

    sealed.run()

    assert seen == []
    assert sealed.only(keys.DEAD)["error_class"] == "mainspring.DecryptFailed"
    (facts,) = spoken("job.dead")
    assert facts["reason"] == "decrypt_failed"
    assert heard == [DecryptFailed]
    assert sealed.counted() == (1, 1)


def test_a_ciphertext_that_was_moved_to_another_job_is_not_read(sealed, seen):
    sealed.whole.enqueue(1, "mine")
    sealed.whole.enqueue(2, "yours")
    first, second = (json.loads(raw) for raw in records(sealed))
    first["args"], second["args"] = second["args"], first["args"]
    sealed.push_raw(json.dumps(first), json.dumps(second))

    sealed.run()

    assert seen == []
    assert len(sealed.found(keys.DEAD)) == 2


def test_a_ciphertext_that_was_moved_to_another_class_is_not_read(sealed, seen):
    sealed.whole.enqueue(1, CANARY)
    (raw,) = records(sealed)
    sealed.push_raw(raw.replace(b'"class":"whole"', b'"class":"login"'))

    sealed.run()

    assert seen == []
    assert "DecryptFailed" in sealed.only(keys.DEAD)["error_class"]


@pytest.mark.parametrize("flow", [None, {}, 7, "encrypt", {"encrypt": None}, {"encrypt": [0]}, {"encrypt": ["token"]}])
def test_a_job_whose_word_of_its_encryption_was_taken_away_does_not_run_on_the_ciphertext(sealed, seen, flow):
    sealed.whole.enqueue(1, CANARY)
    (raw,) = records(sealed)
    record = json.loads(raw) | {"flow": flow}
    sealed.push_raw(json.dumps({name: value for name, value in record.items() if value is not None}))

    sealed.run()

    assert seen == []
    assert "DecryptFailed" in sealed.only(keys.DEAD)["error_class"]


# --- a canary ------------------------------------------------------------------------


def told(error):
    """Return all that a log or an error tracker can find out about *error*, but for what the frames hold."""
    words = ""
    while error is not None:
        words += "".join(traceback.format_exception_only(error)) + repr(error.args)
        error = error.__cause__ or error.__context__
    return words


def test_a_secret_is_in_no_log_no_error_and_nowhere_in_the_store(sealed, monkeypatch, capsys):
    """T14, for encrypted arguments: through success, failure, retries, wrong types, death and the command line."""
    lines = io.StringIO()
    logs.configure(service="worker", fmt="json", level="debug", stream=lines)
    errors = []
    sealed.app.on_error(lambda error, job: errors.append(told(error)))
    sealed.app.on_death(lambda job, error: errors.append(told(error)))

    def fails(token: str) -> None:
        raise ValueError("no more than this")

    def paint(colour: Colour, more: dict[str, Colour]) -> None: ...

    jobs = [sealed.job(fails, encrypt=True, retry=3), sealed.job(paint, encrypt=["colour", "more"], retry=0)]
    jobs[0].enqueue(CANARY)
    sealed.whole.enqueue(1, CANARY)
    # As another release would have pushed it, whose annotation was another.
    jid = "c" * 24
    for args in ([CANARY, {}], ["red", {CANARY: CANARY}]):
        record = {"class": "paint", "jid": jid, "args": args, "retry": 0, "queue": "default"}
        cover = encryption.Cover.of("paint", jobs[1].arguments.parameters, ["colour", "more"])
        encryption.seal(record, cover, sealed.app.keyring)
        sealed.push_raw(codec.encode(record))
    with pytest.raises(WrongArguments) as refused:
        jobs[1].enqueue(CANARY, {})  # type: ignore[arg-type]
    errors.append(told(refused.value))
    sealed.run(log_starts=True)
    monkeypatch.setenv("MAINSPRING_URL", sealed.server.url)
    shown = ""
    for words in (["jobs"], ["jobs", "--json"], ["jobs", "show", jid], ["stats"], ["queues"]):
        run(words, Session())
        shown += "".join(capsys.readouterr())

    assert len(errors) >= 5
    assert lines.getvalue().count("job.") >= 4
    assert "paint(encrypted, encrypted)" in shown
    assert "fails(encrypted)" in shown
    for place in (lines.getvalue(), "".join(errors), shown, everything(sealed), repr(sealed.app), repr(jobs)):
        assert CANARY not in place


# --- tests of the tests --------------------------------------------------------------


def test_the_suite_finds_values_that_are_not_bound_to_their_job(sealed, seen, monkeypatch):
    monkeypatch.setattr(encryption, "_bound", lambda *_: b"")

    with pytest.raises(AssertionError):
        test_a_ciphertext_that_was_moved_to_another_job_is_not_read(sealed, seen)


def test_the_suite_finds_a_worker_that_believes_what_a_job_says_of_itself(sealed, seen, monkeypatch):
    monkeypatch.setattr(encryption, "_sealed_places", lambda *_: set())

    with pytest.raises(AssertionError):
        test_a_job_whose_word_of_its_encryption_was_taken_away_does_not_run_on_the_ciphertext(sealed, seen, {})


def test_the_suite_finds_a_cipher_that_authenticates_nothing(sealed, seen, monkeypatch):
    def careless(cipher, data, bound):
        return codec.encode([[7, data[:6].hex()], {}])

    monkeypatch.setattr(encryption, "_opened", careless)

    with pytest.raises(AssertionError):
        test_no_byte_of_a_stored_job_can_be_changed_so_that_it_runs_with_another_secret(sealed, seen, "whole")


def test_the_suite_finds_errors_that_quote_what_is_hidden(sealed, monkeypatch, capsys):
    sealed.app.jobs["whole"].arguments.__class__._hidden = property(lambda _: (), lambda *_: None)
    try:
        with pytest.raises(AssertionError):
            test_a_secret_is_in_no_log_no_error_and_nowhere_in_the_store(sealed, monkeypatch, capsys)
    finally:
        del sealed.app.jobs["whole"].arguments.__class__._hidden
