"""Processes of the cluster, Ruby's included, as they show themselves every few seconds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from mainspring.api.jobs import StoredJob
from mainspring.api.places import InFlight
from mainspring.base import codec, payload
from mainspring.base.errors import InvalidPayload, StoreRefused
from mainspring.base.timesource import TimeSource
from mainspring.store import processes
from mainspring.store.connection import Store


@dataclass(frozen=True, slots=True)
class Running:
    """A job that a process runs.

    Attributes:
        slot: The process's own name for what runs it.
        queue: The queue it was taken from.
        job: The job.
        run_at: When it was started, in unix seconds.
    """

    slot: str
    queue: str
    job: StoredJob
    run_at: float


@dataclass(frozen=True, slots=True)
class Process:
    """A process as it described itself at its last beat.

    Attributes:
        identity: Its name in the store, ``host:pid:nonce``.
        role: ``worker``, ``clock`` or ``outbox``.
        host: The host's name.
        pid: Its process id there.
        tag: A name for people, such as the App's.
        started_at: Unix seconds.
        queues: The queues it takes jobs from.
        labels: Words for people.
        busy: How many jobs it runs.
        concurrency: How many it can run.
        rss_kb: Its memory in kilobytes.
        rtt_us: How long the store took to answer, in microseconds.
        is_quiet: True if it starts no more jobs.
        beat: When it last showed itself, in unix seconds.
        version: Of the software that it runs.
        work: What it runs.
    """

    identity: str
    role: str
    host: str
    pid: int
    tag: str
    started_at: float
    queues: Sequence[str]
    labels: Sequence[str]
    busy: int
    concurrency: int
    rss_kb: int
    rtt_us: int
    is_quiet: bool
    beat: float
    version: str
    work: Sequence[Running] = field(repr=False)
    _store: Store = field(repr=False, compare=False)

    def quiet(self) -> None:
        """Let it start no more jobs, from its next beat on; this cannot be undone."""
        self._signal("TSTP")

    def stop(self) -> None:
        """Let it end, from its next beat on: what runs may finish, what is left goes back."""
        self._signal("TERM")

    def dump(self) -> None:
        """Let it write the stacks of its threads to its log, at its next beat."""
        self._signal("TTIN")

    def _signal(self, name: str) -> None:
        for answer in self._store.pipeline(processes.send_signal(self.identity, name)):
            if isinstance(answer, Exception):
                raise answer


class Processes:
    """All processes that show themselves."""

    def __init__(self, store: Store, time: TimeSource) -> None:
        """Look at the processes of *store*; nothing is asked yet."""
        self._store = store
        self._time = time

    def __iter__(self) -> Iterator[Process]:
        """Iterate over the processes that live, by identity.

        Those that have been silent for a minute are taken off the list, at most once a minute in the cluster.
        """
        identities = self._store.run(processes.identities())
        questions = (processes.description, processes.work, processes.workers)
        answers = self._store.pipeline([ask(identity) for identity in identities for ask in questions])
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        known = list(zip(identities, answers[::3], answers[1::3], answers[2::3], strict=True))
        self._prune([identity for identity, description, *_ in known if not description])
        return iter([self.described(name, facts, work or old) for name, facts, work, old in known if facts])

    def __len__(self) -> int:
        """Count the processes that live."""
        return len(list(iter(self)))

    def __bool__(self) -> bool:
        """Be true though there may be none."""
        return True

    def __getitem__(self, identity: str) -> Process:
        """Return the process *identity*.

        Raises:
            KeyError: If it does not show itself.
        """
        found = next((process for process in self if process.identity == identity), None)
        if found is None:
            raise KeyError(identity)
        return found

    def _prune(self, silent: Sequence[str]) -> None:
        if not silent:
            return
        # Who may only read, or reads a full server, leaves it to others.
        with suppress(StoreRefused):
            if self._store.run(processes.cleanup_turn()):
                self._store.run(processes.forget(silent))

    def described(self, identity: str, description: Mapping[bytes, bytes], work: Mapping[bytes, bytes]) -> Process:
        """Return a process by what it has written of itself and of its work."""
        info = _record(description.get(b"info", b""))
        return Process(
            identity=identity,
            role=str(info.get("role") or "worker"),
            host=str(info.get("hostname", "")),
            pid=_whole(info.get("pid")),
            tag=str(info.get("tag") or ""),
            started_at=payload.unix(info.get("started_at")) or 0.0,
            queues=_texts(info.get("queues")),
            labels=_texts(info.get("labels")),
            busy=_whole(description.get(b"busy")),
            # Sidekiq 7 writes it into the record only, 8 reads it from its own field.
            concurrency=_whole(description.get(b"concurrency") or info.get("concurrency")),
            rss_kb=_whole(description.get(b"rss")),
            rtt_us=_whole(description.get(b"rtt_us")),
            is_quiet=description.get(b"quiet") == b"true",
            beat=_number(description.get(b"beat")),
            version=str(info.get("version") or ""),
            work=[running for slot, data in sorted(work.items()) if (running := self.running(identity, slot, data))],
            _store=self._store,
        )

    def running(self, identity: str, slot: bytes, data: bytes) -> Running | None:
        """Return a job that a process runs, by what the process has written of it; None if that is no record."""
        record = _record(data)
        if not record:
            return None
        job = record.get("payload")
        # Sidekiq writes the job as a text within the text; others have written it as an object.
        raw = job.encode("utf-8", "surrogatepass") if isinstance(job, str) else codec.encode(job)
        return Running(
            slot.decode("utf-8", "replace"),
            str(record.get("queue", "")),
            StoredJob.read(self._store, self._time, raw, InFlight(identity)),
            payload.unix(record.get("run_at")) or 0.0,
        )


def _record(data: bytes) -> Mapping[str, object]:
    try:
        return payload.fields(data)
    except InvalidPayload:
        return {}


def _number(value: object) -> float:
    try:
        return float(value) if isinstance(value, bytes | str | int | float) else 0.0
    except ValueError:
        return 0.0


def _whole(value: object) -> int:
    number = _number(value)
    return int(number) if abs(number) < 1e18 else 0


def _texts(value: object) -> Sequence[str]:
    return [str(item) for item in value] if isinstance(value, list) else ()
