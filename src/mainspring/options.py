"""How a job wants to be run: the options of `App.job`, checked and in plain units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias, TypedDict, TypeVar, get_args

from mainspring.base import durations
from mainspring.base.durations import Duration
from mainspring.base.errors import InvalidDuration, InvalidOption
from mainspring.base.flow import LONGEST
from mainspring.base.payload import check_queue
from mainspring.base.retry import Retry

RetryOption: TypeAlias = Retry | int | bool
#: True for a day; False for not at all.
HistoryOption: TypeAlias = Duration | bool
UniqueUntil: TypeAlias = Literal["success", "start"]
RunsIn: TypeAlias = Literal["thread", "async", "process"]
#: Chooses by a call's arguments, which are attributes of what it is given, under the names of the parameters.
ByArguments: TypeAlias = Callable[[Any], object]

W = TypeVar("W")

#: How long what is done is kept where nobody says otherwise, in seconds.
DAY: Final = 86400.0
_UNTIL: Final[tuple[str, ...]] = get_args(UniqueUntil)
_RUNS_IN: Final[tuple[str, ...]] = get_args(RunsIn)


class JobOptions(TypedDict, total=False):
    """What `App.job` takes, besides the job's name.

    Attributes:
        queue: The queue that it is pushed to.
        retry: A `Retry`, a number of retries, True for the App's, False for none.
        tags: Words for people, shown with the job.
        unique_for: How long no other job of the same arguments is taken, at most.
        unique_until: Until it has succeeded (or died, or was dropped), or until it starts.
        unique_by: Chooses what two calls have in common that are the same; all arguments without it.
        expires_in: It is dropped if it has not been started by then; a delay comes on top.
        timeout: How long a run may take.
        result_ttl: How long its result is kept; without it, none is.
        runs_in: Where it runs; by ``def`` or ``async def`` without it.
        limits: Limiters that it passes before it runs; see `App.limiter`.
        concurrency: How many of it run at once, in the whole cluster.
        concurrency_key: Chooses which of them count together; all without it.
        fair_by: Chooses whose job it is; those of each take turns.
        encrypt: True for all arguments, or the names of those that nobody may read in the store.
        history: How long it is kept when it is done, with its runs, to be looked at: True for a day, False for not.
    """

    queue: str | None
    retry: RetryOption | None
    tags: Sequence[str]
    unique_for: Duration | None
    unique_until: UniqueUntil
    unique_by: ByArguments | None
    expires_in: Duration | None
    timeout: Duration | None
    result_ttl: Duration | None
    runs_in: RunsIn | None
    limits: Sequence[Any]
    concurrency: int | None
    concurrency_key: ByArguments | None
    fair_by: ByArguments | None
    encrypt: bool | Sequence[str]
    history: HistoryOption | None


class CallOptions(TypedDict, total=False):
    """What `Job.using` takes: options of one enqueueing. None leaves the job's own.

    Attributes:
        queue: The queue that it is pushed to.
        retry: How many retries it has, True for the App's, False for none.
        tags: Words for people, shown with the job.
        at: When it is due: a datetime with a time zone, or unix seconds.
        unique_for: How long no other job of the same arguments is taken, at most; 0 for as many as there are.
        unique_until: Until when its lock holds.
        expires_in: It is dropped if it has not been started by then.
        timeout: How long a run may take.
        result_ttl: How long its result is kept.
        history: How long it is kept when it is done, to be looked at.
    """

    queue: str | None
    retry: int | bool | None
    tags: Sequence[str] | None
    at: datetime | float | None
    unique_for: Duration | None
    unique_until: UniqueUntil | None
    expires_in: Duration | None
    timeout: Duration | None
    result_ttl: Duration | None
    history: HistoryOption | None


@dataclass(frozen=True, slots=True)
class Options:
    """How a job wants to be run; durations in seconds, None for what nobody asked for.

    Attributes:
        queue: The queue that it is pushed to.
        retry: What happens when it fails.
        tags: Words for people, shown with the job.
        at: When it is due, in unix seconds; None for now.
    """

    queue: str
    retry: Retry
    tags: tuple[str, ...] = ()
    at: float | None = None
    unique_for: float | None = None
    unique_until: UniqueUntil = "success"
    unique_by: ByArguments | None = None
    expires_in: float | None = None
    timeout: float | None = None
    result_ttl: float | None = None
    runs_in: RunsIn | None = None
    limits: tuple[Any, ...] = ()
    concurrency: int | None = None
    concurrency_key: ByArguments | None = None
    fair_by: ByArguments | None = None
    encrypt: bool | tuple[str, ...] = False
    history: float | None = None
    iterable: bool = False

    @property
    def is_plain(self) -> bool:
        """True if a job with these options carries nothing of flow control."""
        return self._asked == _NOTHING

    @property
    def _asked(self) -> tuple[object, ...]:
        return (
            self.unique_for,
            self.expires_in,
            self.timeout,
            self.result_ttl,
            self.limits,
            self.concurrency,
            self.fair_by,
            self.encrypt,
            self.history,
        )

    @classmethod
    def of(cls, defaults: Options, given: JobOptions, *, iterable: bool = False) -> Options:
        """Return the options *given* to a job, over *defaults*; *iterable* if it goes on where it was stopped.

        Raises:
            InvalidName: If the queue can be none.
            InvalidOption: If an option cannot mean anything, or does without another.
        """
        unknown = sorted(set(given) - JobOptions.__annotations__.keys())
        if unknown:
            raise InvalidOption(f"a job has no option {unknown[0]!r}; it has {', '.join(JobOptions.__annotations__)}")
        queue, retry = given.get("queue"), given.get("retry")
        found = cls(
            queue=defaults.queue if queue is None else check_queue(queue),
            retry=defaults.retry if retry is None or retry is True else Retry.of(retry),
            tags=check_tags(given.get("tags", ())),
            unique_for=_seconds("unique_for", given.get("unique_for")),
            unique_until=_one_of("unique_until", given.get("unique_until", "success"), _UNTIL),
            unique_by=_chooser("unique_by", given.get("unique_by")),
            expires_in=_seconds("expires_in", given.get("expires_in")),
            timeout=_seconds("timeout", given.get("timeout")),
            result_ttl=_seconds("result_ttl", given.get("result_ttl")),
            runs_in=_one_of("runs_in", given.get("runs_in"), (*_RUNS_IN, None)),
            limits=_sequence("limits", given.get("limits", ())),
            concurrency=_count("concurrency", given.get("concurrency")),
            concurrency_key=_chooser("concurrency_key", given.get("concurrency_key")),
            fair_by=_chooser("fair_by", given.get("fair_by")),
            encrypt=_encrypt(given.get("encrypt", False)),
            history=defaults.history if given.get("history") is None else kept_for(given.get("history")),
            iterable=_flag("iterable", iterable),
        )
        return _whole(found)

    def changed(
        self,
        *,
        queue: str | None = None,
        retry: int | bool | None = None,
        tags: Sequence[str] | None = None,
        at: datetime | float | None = None,
        unique_for: Duration | None = None,
        unique_until: UniqueUntil | None = None,
        expires_in: Duration | None = None,
        timeout: Duration | None = None,
        result_ttl: Duration | None = None,
        history: HistoryOption | None = None,
    ) -> Options:
        """Return these options with some of them replaced.

        Raises:
            InvalidName: If *queue* cannot name a queue.
            InvalidOption: If *retry* is a whole policy, *tags* a text, or *at* has no time zone.
        """
        found = self
        if queue is not None:
            found = replace(found, queue=check_queue(queue))
        if retry is not None:
            found = replace(found, retry=_retries(found.retry, retry))
        if tags is not None:
            found = replace(found, tags=check_tags(tags))
        if at is not None:
            found = replace(found, at=moment(at))
        if unique_for is not None:
            found = replace(found, unique_for=_seconds("unique_for", unique_for, least=0.0) or None)
        if unique_until is not None:
            found = replace(found, unique_until=_one_of("unique_until", unique_until, _UNTIL))
        if expires_in is not None:
            found = replace(found, expires_in=_seconds("expires_in", expires_in))
        if timeout is not None:
            found = replace(found, timeout=_seconds("timeout", timeout))
        if result_ttl is not None:
            found = replace(found, result_ttl=_seconds("result_ttl", result_ttl))
        if history is not None:
            found = replace(found, history=kept_for(history))
        return found


def _whole(found: Options) -> Options:
    """Return *found* if each option has those that it needs."""
    for name, value, needed, has in (
        ("unique_by", found.unique_by, "unique_for", found.unique_for),
        ("concurrency_key", found.concurrency_key, "concurrency", found.concurrency),
    ):
        if value is not None and has is None:
            raise InvalidOption(f"{name}= does nothing without {needed}=")
    if found.iterable and found.runs_in == "process":
        raise InvalidOption('an iterable job cannot run in a process of its own: leave out runs_in="process"')
    return found


def _seconds(option: str, value: Duration | None, *, least: float = 0.001) -> float | None:
    if value is None:
        return None
    try:
        found = durations.seconds(value)
    except InvalidDuration as error:
        raise InvalidOption(f"{option}={value!r}: {error}") from error
    if found < least:
        raise InvalidOption(f"{option}={value!r}: must be longer than nothing")
    if found > LONGEST / 2:
        raise InvalidOption(f"{option}={value!r}: must be shorter than {LONGEST / 2:.0f} seconds")
    return found


def kept_for(value: HistoryOption | None) -> float | None:
    """Return for how many seconds ``history=`` keeps what is done; None for not at all.

    Raises:
        InvalidOption: If *value* is no duration, True or False.
    """
    if value is None or isinstance(value, bool):
        return DAY if value else None
    return _seconds("history", value)


def _one_of(option: str, value: W, known: tuple[object, ...]) -> W:
    if value not in known:
        words = ", ".join(repr(one) for one in known if one is not None)
        raise InvalidOption(f"{option}={value!r}: must be one of {words}")
    return value


def _chooser(option: str, value: ByArguments | None) -> ByArguments | None:
    if value is not None and not callable(value):
        raise InvalidOption(f"{option}={value!r}: must be a function, such as lambda a: a.customer_id")
    return value


def _sequence(option: str, value: object) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise InvalidOption(f"{option}={value!r}: must be a list")
    return tuple(value)


def _count(option: str, value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidOption(f"{option}={value!r}: must be a whole number from 1")
    return value


def _flag(option: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidOption(f"{option}={value!r}: must be True or False")
    return value


def _encrypt(value: object) -> bool | tuple[str, ...]:
    if isinstance(value, bool):
        return value
    if not isinstance(value, list | tuple | set | frozenset) or not value:
        raise InvalidOption(f"encrypt={value!r}: must be True, or a list of names of arguments")
    return tuple(text("encrypt", name) for name in value)


def _retries(policy: Retry, value: object) -> Retry:
    if isinstance(value, int):
        return policy.limited(value)
    raise InvalidOption(
        f"retry={value!r}: one enqueueing may change how many retries there are, True, False or a number;"
        " a whole policy belongs to the job: @app.job(retry=Retry(...))"
    )


def check_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Return *tags* as a tuple.

    Raises:
        InvalidOption: If it is one text, or holds what is no text.
    """
    if not isinstance(tags, list | tuple | set | frozenset):
        raise InvalidOption(f"tags={tags!r}: must be a list of texts")
    return tuple(text("tags", tag) for tag in tags)


def text(option: str, value: object) -> str:
    """Return *value* if it is a text that can be stored and shown.

    Raises:
        InvalidOption: If it is another thing, or has half a surrogate pair or a control character in it.
    """
    if not isinstance(value, str):
        raise InvalidOption(f"{option}={value!r}: must be a text")
    if not value.isprintable():
        raise InvalidOption(f"{option}={value!r}: must be printable text, without line breaks or control characters")
    return value


def moment(when: datetime | float) -> float:
    """Return *when* in unix seconds.

    Raises:
        InvalidOption: If it is a datetime without a time zone, of which nobody knows when it is, or no time.
    """
    if isinstance(when, datetime):
        if when.tzinfo is None:
            raise InvalidOption(
                f"{when!r} has no time zone, so nobody knows when it is; write"
                ' when.replace(tzinfo=ZoneInfo("Europe/Paris")), or datetime.now(UTC) + ...'
            )
        return when.timestamp()
    if isinstance(when, bool) or not isinstance(when, int | float) or not abs(when) < 1e11:
        raise InvalidOption(f"{when!r} is no time: give a datetime with a time zone, or unix seconds")
    return float(when)


_NOTHING: Final[tuple[object, ...]] = (None, None, None, None, (), None, None, False, None)
