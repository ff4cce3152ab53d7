"""What is encrypted is read by the job it was encrypted for, whatever becomes of the job and of the keys; and by nobody else."""

from __future__ import annotations

import enum
import json
import re
import time

import pytest

from mainspring import App, InvalidOption, Snooze, WrongArguments
from mainspring.base.flow_errors import EncryptionUnavailable, JobFailed, NoResult
from mainspring.base.sealed import MARK
from mainspring.store import keys
from mainspring.worker import Worker
from sealing import CANARY, ONE, THREE, TWO, everything, give_keys, with_keys
from support import until


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


# --- there and back ------------------------------------------------------------------


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


# --- keys ----------------------------------------------------------------------------


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


def test_a_job_whose_encrypted_argument_was_not_given_is_nothing_to_mention(sealed, seen, spoken):
    def note(number: int, token: str = "") -> None:
        seen.append(number)

    sealed.job(note, encrypt=["token"]).enqueue(1)
    sealed.run()

    assert seen == [1]
    assert spoken("job.unencrypted") == []


def test_a_job_that_is_encrypted_no_more_reads_what_was_encrypted(sealed, seen):
    sealed.whole.enqueue(1, CANARY)
    later = type(sealed)(sealed.server)
    later.app = App(sealed.server.url, keys={1: ONE})
    later.app.job(name="whole")(sealed.whole.function)

    later.run()

    assert seen == [("whole", 1, CANARY, "")]
    later.close()


# --- the schedule --------------------------------------------------------------------


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


def test_a_tick_needs_no_argument_that_is_encrypted(sealed, seen):
    def hourly(token: str = "") -> None:
        seen.append(token)

    entry = sealed.app.every("1h", job=sealed.job(hourly, encrypt=["token"]), name="hourly")
    sealed.push_raw(sealed.app.tick_payload(entry, 1_795_330_000.0, time.time()).payload)
    sealed.run()

    assert seen == [""]


def test_the_callback_of_a_batch_is_encrypted_for_the_id_that_it_has(sealed, seen):
    def done(token: str) -> None:
        seen.append(token)

    with sealed.app.batch("logins", on_success=sealed.job(done, encrypt=True).step(CANARY)):
        sealed.login.enqueue(1, CANARY)
    assert CANARY not in everything(sealed)
    sealed.run()
    until(lambda: len(seen) == 2)

    assert seen == [("login", 1, CANARY, ""), CANARY]


# --- results -------------------------------------------------------------------------


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
