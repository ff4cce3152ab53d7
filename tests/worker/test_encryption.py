"""T18: what is encrypted is read by the job it was encrypted for, and by nothing and nobody else; in doubt it is not run."""

from __future__ import annotations

import enum
import io
import json
import re
import time
import traceback

import pytest

from mainspring import App, InvalidOption, Snooze, WrongArguments
from mainspring.base import codec, logs
from mainspring.base.flow_errors import DecryptFailed, EncryptionUnavailable, JobFailed, NoResult
from mainspring.base.sealed import MARK
from mainspring.cli.main import run
from mainspring.cli.options import Session
from mainspring.features import encryption
from mainspring.store import keys
from mainspring.worker import Worker

ONE, TWO, THREE = bytes(range(32)), bytes(range(32, 64)), bytes(range(64, 96))
CANARY = "hunter2-canary"


class Colour(enum.Enum):
    """A type of which the library that reads it quotes what does not fit."""

    RED = "red"


@pytest.fixture
def seen():
    """What jobs were called with."""
    return []


@pytest.fixture
def sealed(bench, seen, monkeypatch):
    """Give the bench keys and two jobs whose arguments are encrypted, one as a whole and one by name."""
    bench.app = App(bench.server.url, keys={1: ONE})

    def login(user: int, token: str, *, note: str = "") -> int:
        seen.append(("login", user, token, note))
        return user

    def whole(user: int, token: str = "", *, note: str = "") -> int:
        seen.append(("whole", user, token, note))
        return user

    bench.login = bench.job(login, encrypt=["token"], retry=0)
    bench.whole = bench.job(whole, encrypt=True, retry=0)
    return bench


def with_keys(bench, **keys_):
    """Return a bench like this one whose App has other keys."""
    other = type(bench)(bench.server)
    other.app = App(bench.server.url, **keys_)
    for job in bench.app.jobs.values():
        options = {"encrypt": job.options.encrypt, "retry": 0}
        other.app.job(name=job.name, **options)(job.function)
    return other


def everything(bench):
    """Return all that lies in the store, as text."""
    found = []
    for key in bench.client.scan_iter("*"):
        kind = bench.client.type(key)
        if kind == b"hash":
            found += [part for pair in bench.client.hgetall(key).items() for part in pair]
        elif kind == b"list":
            found += bench.client.lrange(key, 0, -1)
        elif kind == b"zset":
            found += bench.client.zrange(key, 0, -1)
        elif kind == b"set":
            found += bench.client.smembers(key)
        elif kind == b"string":
            found.append(bench.client.get(key))
        found.append(key)
    return b"\n".join(found).decode("utf-8", "replace")


# --- there and back ----------------------------------------------------------------------


def test_a_job_gets_what_it_was_enqueued_with_and_the_store_never_does(sealed, seen):
    sealed.login.enqueue(7, CANARY, note="open")
    sealed.whole.enqueue(8, CANARY, note=CANARY)
    sealed.login.enqueue_in("1h", 9, token=CANARY)
    sealed.login.enqueue_many([(user, CANARY) for user in range(20, 23)])

    assert CANARY not in everything(sealed)
    assert "open" in everything(sealed)
    sealed.run()

    assert seen[0] == ("login", 7, CANARY, "open")
    assert sorted(seen[1:]) == [("login", user, CANARY, "") for user in range(20, 23)] + [("whole", 8, CANARY, CANARY)]
    assert sealed.counted() == (5, 0)


async def test_a_coroutine_gets_it_too(sealed):
    seen = []

    async def later(token: str) -> None:
        seen.append(token)

    job = sealed.job(later, encrypt=True)
    await job.aenqueue(CANARY)
    assert CANARY not in everything(sealed)

    sealed.run()

    assert seen == [CANARY]


def test_types_come_back(sealed):
    seen = []

    def paint(colour: Colour, rest: tuple[int, ...]) -> None:
        seen.append((colour, rest))

    job = sealed.job(paint, encrypt=["colour", "rest"])
    job.enqueue(Colour.RED, (1, 2))
    sealed.run()

    assert seen == [(Colour.RED, (1, 2))]


def test_a_middleware_of_enqueueing_sees_the_ciphertext_only(sealed):
    seen = []

    def look(push):
        seen.append(json.dumps(push.fields))
        yield

    sealed.app.use(enqueue=look)
    sealed.whole.enqueue(7, CANARY)

    assert MARK in seen[0]
    assert CANARY not in seen[0]


def test_retries_keep_the_same_ciphertext_and_it_stays_readable(sealed, seen):
    tokens, runs = [], []

    def fails(token: str) -> None:
        runs.append(token)
        tokens.append(sealed.client.hgetall(next(sealed.client.scan_iter("{queue:default}:p:*"))))
        raise ValueError("again")

    job = sealed.job(fails, encrypt=True, retry=5)
    jid = job.enqueue(CANARY).jid
    for _ in range(5):
        sealed.run()
        assert sealed.app.find(jid).retry()
    sealed.run()

    assert runs == [CANARY] * 6
    found = {re.search(rb'"\$encrypted":"([^"]+)"', b"".join(held.values()))[1] for held in tokens}
    assert len(found) == 1
    assert sealed.only(keys.RETRY)["args"] == [{MARK: next(iter(found)).decode()}]
    assert CANARY not in everything(sealed)


def test_a_snoozed_job_is_as_secret_as_before(sealed):
    def later(token: str) -> None:
        raise Snooze("1h")

    sealed.job(later, encrypt=True).enqueue(CANARY)
    sealed.run()

    assert sealed.only(keys.SCHEDULE)["flow"] == {"encrypt": 1}
    assert CANARY not in everything(sealed)


# --- it fails closed ---------------------------------------------------------------------


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
    assert sealed.only(keys.DEAD)["error_class"] == "mainspring.base.flow_errors.DecryptFailed"
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


# --- keys --------------------------------------------------------------------------------


def test_keys_are_changed_while_jobs_wait(sealed, seen):
    sealed.whole.enqueue(1, "old")
    sealed.whole.enqueue_in("1h", 2, "old and later")
    early = with_keys(sealed, keys={1: ONE, 2: TWO}, active_key=1)
    early.app.jobs["whole"].enqueue(3, "still old")
    rotated = with_keys(sealed, keys={1: ONE, 2: TWO})
    rotated.app.jobs["whole"].enqueue(4, "new")
    versions = re.findall(r"v1:\d", everything(sealed))

    rotated.run()
    (later,) = rotated.app.scheduled.select()
    later.retry()
    rotated.run()

    assert sorted(versions) == ["v1:1", "v1:1", "v1:1", "v1:2"]
    assert [call[2] for call in seen] == ["old", "still old", "new", "old and later"]
    early.close(), rotated.close()


def test_a_job_whose_key_is_gone_is_dead_and_runs_when_the_key_is_back(sealed, seen):
    jid = sealed.whole.enqueue(1, CANARY).jid
    without = with_keys(sealed, keys={2: TWO})

    without.run()
    died = sealed.only(keys.DEAD)
    back = with_keys(sealed, keys={1: ONE, 2: TWO})
    back.app.find(jid).retry()
    back.run()

    assert died["error_message"] == f"job {jid} cannot be decrypted: it was encrypted with key 1, and this App has 2"
    assert seen == [("whole", 1, CANARY, "")]
    without.close(), back.close()


def test_another_key_of_the_same_number_reads_nothing(sealed, seen):
    sealed.whole.enqueue(1, CANARY)
    other = with_keys(sealed, keys={1: THREE})

    other.run()

    assert seen == []
    assert sealed.client.zcard(keys.DEAD) == 1
    other.close()


def test_without_keys_a_producer_is_told_and_nothing_is_stored(sealed):
    bare = with_keys(sealed)

    with pytest.raises(
        EncryptionUnavailable, match=r"the App has no keys: App\(keys=\{1: \.\.\.\}\), or MAINSPRING_KEYS"
    ):
        bare.app.jobs["whole"].enqueue(1, CANARY)

    assert not sealed.client.exists("queue:default")
    bare.close()


def test_without_keys_a_worker_does_not_boot_rather_than_bury_one_job_after_the_other(sealed):
    bare = with_keys(sealed)

    with pytest.raises(EncryptionUnavailable, match="the arguments of login are encrypted, and the App has no keys"):
        Worker(bare.app)
    bare.close()


def test_keys_come_from_the_environment(server, monkeypatch):
    monkeypatch.setenv(
        "MAINSPRING_KEYS",
        "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,2:BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    )
    assert repr(App(server.url).keyring) == "<Keyring 1, 2>"
    monkeypatch.setenv("MAINSPRING_ACTIVE_KEY", "3")
    with pytest.raises(InvalidOption, match="active_key=3: no key has this number"):
        App(server.url)


def test_a_job_from_before_it_was_encrypted_runs_and_is_mentioned_once(sealed, seen, spoken):
    sealed.push("whole", 1, "plain")
    sealed.push("whole", 2, "plain")

    sealed.run()

    assert len(seen) == 2
    assert [facts["class"] for facts in spoken("job.unencrypted")] == ["whole"]


def test_a_job_that_is_encrypted_no_more_reads_what_was_encrypted(sealed, seen):
    sealed.whole.enqueue(1, CANARY)
    later = type(sealed)(sealed.server)
    later.app = App(sealed.server.url, keys={1: ONE})
    later.app.job(name="whole")(sealed.whole.function)

    later.run()

    assert seen == [("whole", 1, CANARY, "")]
    later.close()


# --- a canary --------------------------------------------------------------------------


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


def test_an_entry_of_the_schedule_carries_no_secret(sealed):
    with pytest.raises(WrongArguments, match="it is encrypted, and what an entry"):
        sealed.app.every("1h", job=sealed.login, args=[1, CANARY])
    with pytest.raises(WrongArguments, match="it is encrypted, and what"):
        sealed.app.periodic.put("x", sealed.whole, every="1h", args=[1])

    assert not sealed.client.keys("mainspring:periodic:*")


def test_the_job_of_a_tick_is_encrypted_like_any_other(sealed, seen):
    def hourly() -> None:
        seen.append("hourly")

    job = sealed.job(hourly, encrypt=True)
    entry = sealed.app.every("1h", job=job, name="hourly")
    made = sealed.app.tick_payload(entry, 1_795_330_000.0, time.time())
    sealed.push_raw(made.payload)
    sealed.run()

    assert MARK in made.payload.decode()
    assert seen == ["hourly"]


# --- results ---------------------------------------------------------------------------


def test_the_result_of_a_job_that_is_encrypted_as_a_whole_is_encrypted_too(sealed):
    def secret() -> str:
        return CANARY

    job = sealed.job(secret, encrypt=True, result_ttl="1h")
    jid = job.enqueue().jid
    sealed.run()
    other = with_keys(sealed, keys={1: TWO})

    assert CANARY not in everything(sealed)
    assert job.result(jid) == CANARY
    with pytest.raises(NoResult, match="cannot be decrypted"):
        other.app.result(jid)
    other.close()


def test_who_waits_for_a_job_that_cannot_be_decrypted_is_told(sealed):
    job = sealed.whole.using(result_ttl="1h")
    jid = job.enqueue(1, CANARY).jid
    other = with_keys(sealed, keys={2: TWO})
    other.run()

    with pytest.raises(JobFailed, match=r"DecryptFailed: job .* cannot be decrypted"):
        job.result(jid)
    other.close()


# --- tests of the tests ------------------------------------------------------------------


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
