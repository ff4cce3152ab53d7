"""What becomes of a job that failed: another try and when, the dead set, or nothing.

`Retry` is the user's policy; `after_failure` applies it and returns a record, which
someone else writes. Neither reads a clock or throws dice by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from random import Random
from typing import Literal, TypeAlias

from mainspring.base import backoff
from mainspring.base.durations import Duration, seconds
from mainspring.base.errors import Discard, InvalidDuration, InvalidOption, Kill, RetryIn

Backoff: TypeAlias = (
    Literal["polynomial", "exponential", "linear", "fixed"] | Sequence[Duration] | Callable[..., Duration]
)
"""How the waits grow: a curve's name, a list of waits, or a callable; see `Retry`."""

ErrorTypes: TypeAlias = type[BaseException] | tuple[type[BaseException], ...]

#: Sidekiq's number of retries, which ``retry: true`` means on the wire.
USUAL = 25

_CURVES = frozenset({"polynomial", "exponential", "linear", "fixed"})

# A century: enough for everyone, and a due time that every reader of the store can show.
_LONGEST_WAIT = 100 * 365.25 * 86_400


@dataclass(frozen=True, slots=True)
class Retry:
    """When a failed job is tried again, how often, and what happens in the end.

    ``Retry(max=3, backoff="exponential", base="2s", on=(IOError,))`` waits 2, 4 and 8
    seconds after an IOError; any other error sends the job to the dead set at once.

    Attributes:
        max: The number of retries after the first try; the count is over when so many failed.
        backoff: ``"polynomial"`` (Sidekiq's, over three weeks), ``"exponential"`` (base, twice
            that, four times ...), ``"linear"`` (base, twice, three times ...), ``"fixed"``
            (base); or a list of waits, of which the last one repeats; or a callable
            ``(count, error, job)`` that returns a duration, ``"discard"`` or ``"kill"``, where
            *count* is 0 at the first failure. What a callable returns is taken as it is,
            without cap or jitter; if it raises, or returns anything else, the polynomial
            curve is used.
        base: The first wait of the named curves; the polynomial one has its own.
        cap: The longest wait of a curve or list.
        jitter: The share of each wait that is left to chance, 0 to 1. It shortens the wait.
        on: Retry on these errors only.
        unless: Do not retry on these, even if *on* has them.
        for_: Retry for so long after the first failure, instead of *max* times. The last
            try is made when the time is over, however long the curve would wait.
        dead: False if a job without retries left shall be dropped rather than kept in the dead set.

    Raises:
        InvalidOption: If a value cannot mean anything.
    """

    max: int = USUAL
    _: KW_ONLY
    backoff: Backoff = "polynomial"
    base: Duration = 15.0
    cap: Duration | None = None
    jitter: float = 0.0
    on: ErrorTypes = (BaseException,)
    unless: ErrorTypes = ()
    for_: Duration | None = None
    dead: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot mean anything, where it is written and not when a job fails."""
        _check_count(self.max)
        _check_backoff(self.backoff)
        for name, duration in (("base", self.base), ("cap", self.cap), ("for_", self.for_)):
            if duration is not None and _wait(name, duration) == 0:
                raise InvalidOption(f"Retry({name}={duration!r}): must be longer than nothing")
        if not _is_share(self.jitter):
            raise InvalidOption(f"Retry(jitter={self.jitter!r}): must be a number from 0 to 1")
        _check_errors("on", self.on)
        _check_errors("unless", self.unless)
        if self.for_ is not None and self.max != USUAL:
            raise InvalidOption(f"Retry(max={self.max}, for_={self.for_!r}): give a number or a time, not both")

    @classmethod
    def of(cls, value: int | Retry) -> Retry:
        """Return the policy that ``retry=value`` means.

        Args:
            value: True for 25 retries; False for none, and the job is dropped; a number, of
                which 0 sends a failed job to the dead set at once; or a policy.

        Raises:
            InvalidOption: If *value* is negative or none of these.
        """
        return value if isinstance(value, Retry) else cls().limited(value)

    def limited(self, value: int) -> Retry:
        """Return this policy with another number of retries: what one payload's ``retry`` says.

        Args:
            value: As in `of`. True changes nothing if this policy retries 25 times or for a time.

        Raises:
            InvalidOption: If *value* is negative or no number.
        """
        if type(value) is type(self.wire) and value == self.wire:
            return self
        if value is False:
            return replace(self, max=0, for_=None, dead=False)
        count = USUAL if value is True else value
        _check_count(count)
        return replace(self, max=count, for_=None, dead=self.dead or self.wire is False)

    @property
    def wire(self) -> int | bool:
        """The ``retry`` field of a payload: True, False or a number, as Sidekiq reads it."""
        if self.max == USUAL:
            return True
        return self.max if self.max or self.dead else False

    def accepts(self, error: BaseException) -> bool:
        """Tell whether *error* is one that this policy retries on."""
        return isinstance(error, self.on) and not isinstance(error, self.unless)

    def deadline(self, failed_at: float) -> float:
        """Return until when, in unix seconds, a job that first failed at *failed_at* is retried."""
        return float("inf") if self.for_ is None else failed_at + seconds(self.for_)

    def wait(self, attempt: int, *, rng: Random) -> float:
        """Return the wait of the curve or list, in seconds; of the polynomial curve if a callable decides.

        Args:
            attempt: Retries made so far; 0 for the first failure.
            rng: The source of jitter.
        """
        longest = _LONGEST_WAIT if self.cap is None else seconds(self.cap)
        return backoff.jittered(min(self._curve(attempt, rng), longest), self.jitter, rng=rng)

    def _curve(self, attempt: int, rng: Random) -> float:
        if self.backoff == "exponential":
            return backoff.exponential(attempt, base=seconds(self.base))
        if self.backoff == "linear":
            return backoff.linear(attempt, base=seconds(self.base))
        if self.backoff == "fixed":
            return backoff.fixed(attempt, base=seconds(self.base))
        if callable(self.backoff) or self.backoff == "polynomial":
            return backoff.polynomial(attempt, rng=rng)
        return seconds(self.backoff[min(attempt, len(self.backoff) - 1)])


@dataclass(frozen=True, slots=True)
class Retried:
    """The job is tried again.

    Attributes:
        at: When, in unix seconds.
        trouble: The error of a backoff callable, or of a delay, that was passed over for
            the polynomial curve; to be reported. None if all went well.
    """

    at: float
    trouble: Exception | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Dead:
    """The job goes to the dead set, where people find it."""


@dataclass(frozen=True, slots=True)
class Discarded:
    """The job is dropped."""


def after_failure(
    policy: Retry,
    *,
    attempt: int,
    failed_at: float | None,
    error: BaseException,
    job: object,
    now: float,
    rng: Random,
) -> Retried | Dead | Discarded:
    """Decide what a failed job becomes.

    `Discard`, `Kill` and `RetryIn` are obeyed; a `RetryIn` needs a retry that is left.

    Args:
        policy: The job's policy.
        attempt: Retries made so far; 0 at the first failure. On the wire, ``retry_count``
            is absent then and 0 at the second failure.
        failed_at: When it failed first, in unix seconds; None if this is the first failure.
        error: What it failed with.
        job: Handed to a backoff callable.
        now: Unix seconds.
        rng: The source of jitter.
    """
    if isinstance(error, Discard):
        return Discarded()
    if isinstance(error, Kill):
        return Dead()
    deadline = policy.deadline(now if failed_at is None else failed_at)
    over = now >= deadline if policy.for_ is not None else attempt >= policy.max
    if over or not (isinstance(error, RetryIn) or policy.accepts(error)):
        return Dead() if policy.dead else Discarded()
    answer, trouble = _answer(policy, attempt, error=error, job=job, rng=rng)
    if isinstance(answer, str):
        return Discarded() if answer == "discard" else Dead()
    return Retried(min(now + answer, deadline), trouble)


def _answer(
    policy: Retry, attempt: int, *, error: BaseException, job: object, rng: Random
) -> tuple[float | str, Exception | None]:
    """Return the wait or a verdict in one word, and what was wrong with the wait that was asked for."""
    if not isinstance(error, RetryIn) and not callable(policy.backoff):
        return policy.wait(attempt, rng=rng), None
    try:
        asked = error.delay if isinstance(error, RetryIn) else policy.backoff(attempt, error, job)  # type: ignore[operator]
        return str(asked) if asked in {"discard", "kill"} else min(seconds(asked), _LONGEST_WAIT), None
    # The callable is the user's: whatever it does, the job that failed must not be lost.
    except Exception as trouble:  # noqa: BLE001
        return backoff.polynomial(attempt, rng=rng), trouble


def _check_count(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidOption(f"retry={value!r}: must be a number of retries, True, False or a Retry(...)")


def _check_backoff(value: object) -> None:
    if callable(value) or (isinstance(value, str) and value in _CURVES):
        return
    if isinstance(value, str) or not isinstance(value, Sequence) or not value:
        curves = ", ".join(sorted(_CURVES))
        raise InvalidOption(f"Retry(backoff={value!r}): must be one of {curves}, a list of waits or a callable")
    for duration in value:
        _wait("backoff", duration)


def _wait(name: str, value: Duration) -> float:
    try:
        return seconds(value)
    except InvalidDuration as error:
        raise InvalidOption(f"Retry({name}=...): {error}") from error


def _is_share(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1


def _check_errors(name: str, value: object) -> None:
    kinds = value if isinstance(value, tuple) else (value,)
    if not all(isinstance(kind, type) and issubclass(kind, BaseException) for kind in kinds):
        raise InvalidOption(f"Retry({name}={value!r}): must be an exception class or a tuple of them")
