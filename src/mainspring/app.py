"""The App: the one object that a user makes.

It holds what there is one of (the store's address, the jobs, the schedule, the
middleware, the handlers) and gives each part its share. What runs or shows an
App takes it as an argument; the App never reaches up to them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from typing import Any, Literal, ParamSpec, TypeVar, Unpack, overload

from mainspring import config
from mainspring.base.payload import check_queue
from mainspring.base.retry import Retry
from mainspring.base.timesource import TimeSource
from mainspring.client import Client
from mainspring.events import Handlers, Listening
from mainspring.features import iteration
from mainspring.features.encryption import Keyring
from mainspring.features.limits import Limiting
from mainspring.features.once import Once
from mainspring.features.outbox import Outboxes, Relayed
from mainspring.features.results import Answering
from mainspring.features.unique import Unlocking
from mainspring.features.workflows import Flowing
from mainspring.job import Enqueued, Job
from mainspring.looking import Looking
from mainspring.middleware import Middleware, check
from mainspring.options import HistoryOption, JobOptions, Options, RetryOption, kept_for, text
from mainspring.push import check_json, check_shape
from mainspring.registry import Registry
from mainspring.schedule.catalog import Catalog
from mainspring.schedule.hooks import Hooks
from mainspring.schedule.namespace import check_namespace
from mainspring.scheduling import Scheduling
from mainspring.store.connection import AsyncStore, Store
from mainspring.store.opening import Stores
from mainspring.store.url import masked
from mainspring.weave import weave

P = ParamSpec("P")
R = TypeVar("R")


class App(Looking, Scheduling, Listening, Outboxes, Once, Limiting, Flowing, Answering, Unlocking):
    """Jobs, their schedule, and the store they live in.

    Example:
        .. code-block:: python

            app = App()


            @app.job(queue="mailers", retry=5)
            def send_invoice(invoice_id: int) -> None: ...


            send_invoice.enqueue(42)

    Attributes:
        name: A name for people, shown with processes and logs.
        time: The clocks that everything of this App reads.
        client: What takes its jobs to the store.
        handlers: What to call on events, errors and deaths.
        keyring: What the arguments of its jobs are encrypted with.
        relayed: The databases whose outboxes its workers relay.
        rng: What all jitter is drawn from.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        queue: str = "default",
        retry: RetryOption = True,
        tz: str = "UTC",
        prefix: str = "",
        namespace: str = "",
        name: str = "",
        time: TimeSource | None = None,
        keys: Mapping[int, bytes | str] | None = None,
        active_key: int | None = None,
        history: HistoryOption = False,
    ) -> None:
        """Make an App; nothing is connected yet.

        Args:
            url: ``redis://``, ``rediss://``, ``valkey://``, ``unix://`` or ``embedded://DIR``. Without
                it MAINSPRING_URL counts, then REDIS_URL, else an embedded server in ``./.mainspring``.
            queue: The queue of jobs that name none.
            retry: What happens to failed jobs that say nothing of it: 25 retries over three weeks.
            tz: The IANA zone of periodic entries that name none.
            prefix: Put in front of every key in the store; gives up Ruby interoperability.
            namespace: Keeps the schedule apart from those of other Apps on the same store.
            name: A name for people.
            time: Clocks to read in place of the machine's; for tests.
            keys: What ``encrypt=`` encrypts with: 32 bytes or their base64, by number; MAINSPRING_KEYS without it.
            active_key: The number of the key that encrypts; without it, MAINSPRING_ACTIVE_KEY, then the greatest.
            history: How long jobs that say nothing of it are kept when they are done, to be looked at: True for a day.

        Raises:
            InvalidOption: If the URL is none, or another option cannot mean anything.
            InvalidName: If *queue* cannot name a queue.
            InvalidSchedule: If there is no zone *tz*.
        """
        self._url = config.store_url() if url is None else text("url", url)
        self.name = text("name", name)
        self.time = TimeSource() if time is None else time
        self.schedule = Catalog(tz)
        self.sources = []
        self.hooks = Hooks()
        self.namespace = check_namespace(namespace)
        self.handlers = Handlers()
        self.performers: tuple[Middleware, ...] = ()
        self.relayed = Relayed()
        self.rng = random.Random()
        self.client = Client(
            store=lambda: self.store,
            async_store=lambda: self.async_store,
            time=self.time,
            rng=self.rng,
            limit=config.payload_limit(),
        )
        self._defaults = Options(check_queue(queue), Retry.of(retry), history=kept_for(history))
        self.keyring: Keyring = _keyring(keys, active_key)
        self.client.results = self
        self._registry = Registry(partial(weave, self.keyring))
        self._stores = Stores(self._url, text("prefix", prefix))

    @property
    def url(self) -> str:
        """The store's URL, which is chosen when the App is made."""
        return self._url

    def __repr__(self) -> str:
        """Show the App's name and store, without the password."""
        return f"<App {self.name or 'mainspring'} {masked(self.url)}>"

    # --- jobs --------------------------------------------------------------------

    @property
    def jobs(self) -> Mapping[str, Job[Any, Any]]:
        """The App's jobs by name."""
        return self._registry.jobs

    @overload
    def job(self, function: Callable[P, R], /) -> Job[P, R]: ...

    @overload
    def job(
        self,
        function: None = None,
        /,
        *,
        name: str | None = None,
        iterable: Literal[True],
        **options: Unpack[JobOptions],
    ) -> iteration.Decorator: ...

    @overload
    def job(
        self,
        function: None = None,
        /,
        *,
        name: str | None = None,
        iterable: Literal[False] = False,
        **options: Unpack[JobOptions],
    ) -> Callable[[Callable[P, R]], Job[P, R]]: ...

    def job(
        self,
        function: Callable[..., Any] | None = None,
        /,
        *,
        name: str | None = None,
        iterable: bool = False,
        **options: Unpack[JobOptions],
    ) -> Any:
        """Make a function a job; with or without options, as a decorator.

        Args:
            function: The function, ``def`` or ``async def``.
            name: Its name on the wire; without it ``module.function``.
            iterable: Whether it is a generator that goes on where it was stopped; see `mainspring.features.iteration`.
            options: How it wants to be run; see `JobOptions`.

        Raises:
            InvalidName: If the name or queue is none, or another job has the name.
            InvalidOption: If it is no function, or an option cannot mean anything.
        """
        wanted = Options.of(self._defaults, options, iterable=iterable)

        def make(function: Callable[P, R]) -> Job[P, R]:
            whole = iteration.whole(function) if iterable else function
            return self._registry.add(whole, name, wanted, self.client)

        return make if function is None else make(function)

    def job_named(self, name: str) -> Job[Any, Any]:
        """Return the job *name*, which may be short (``function``) where that is unambiguous.

        Raises:
            UnknownJob: If there is none, or several.
        """
        return self._registry.named(name)

    def _made_job(self, function: Callable[P, R]) -> Job[P, R]:
        return self.job(function)

    # --- enqueueing by name --------------------------------------------------------

    def enqueue(
        self,
        name: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        queue: str | None = None,
        retry: int | bool | None = None,
        at: datetime | float | None = None,
    ) -> Enqueued:
        """Push a job by its name, also one whose code lives elsewhere, such as in Ruby.

        If the App knows the job, its options and its signature count.

        Raises:
            WrongArguments: If *args* is no list or tuple, does not fit, or is not JSON where the job is unknown here.
            PushFailed: If it is certainly not stored.
            PushAmbiguous: If nobody can tell.
        """
        job, options = self._named(name, queue=queue, retry=retry, at=at)
        if job is not None:
            return self.client.enqueue(job, *check_shape(name, args, kwargs), options)
        return self.client.enqueue_raw(self.client.record(name, *check_json(name, args, kwargs), options))

    async def aenqueue(
        self,
        name: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        queue: str | None = None,
        retry: int | bool | None = None,
        at: datetime | float | None = None,
    ) -> Enqueued:
        """Push a job by its name from a coroutine; as `enqueue`."""
        job, options = self._named(name, queue=queue, retry=retry, at=at)
        if job is not None:
            return await self.client.aenqueue(job, *check_shape(name, args, kwargs), options)
        return await self.client.aenqueue_raw(self.client.record(name, *check_json(name, args, kwargs), options))

    def _named(
        self, name: str, *, queue: str | None, retry: int | bool | None, at: datetime | float | None
    ) -> tuple[Job[Any, Any] | None, Options]:
        """Return the job *name*, None if its code lives elsewhere, and how it wants to be run."""
        job = self._registry.known(name)
        options = self._defaults if job is None else job.options
        return job, options.changed(queue=queue, retry=retry, at=at)

    # --- what happens around -----------------------------------------------------------

    def use(self, *, enqueue: Middleware | None = None, perform: Middleware | None = None) -> None:
        """Put a middleware around enqueueing or around performing, inside those that are there.

        Raises:
            InvalidOption: If it is not a generator function.
        """
        if enqueue is not None:
            self.client.use(check(enqueue, asynchronous=False))
        if perform is not None:
            self.performers += (check(perform, asynchronous=True),)

    def carry(self, variable: ContextVar[Any]) -> None:
        """Let *variable* travel with each job: what it holds at enqueueing, it holds while the job runs.

        Its value must be JSON.

        Raises:
            InvalidOption: If it is no context variable, or another of its name travels already.
        """
        self.client.carry(variable)

    # --- the store -----------------------------------------------------------------------

    @property
    def store(self) -> Store:
        """The store, for calls that block; connected when first used."""
        return self._stores.blocking

    @property
    def async_store(self) -> AsyncStore:
        """The store, for calls that are awaited."""
        return self._stores.awaited

    def close(self) -> None:
        """Close connections that are not in use, and give back the share in an embedded server.

        It may be used again. Connections of an event loop are closed by `aclose` there, or when their loop ends.
        """
        self._stores.close()

    async def aclose(self) -> None:
        """Close as `close`, and this event loop's connections as well."""
        await self._stores.aclose()


def _keyring(given: Mapping[int, bytes | str] | None, active: int | None) -> Keyring:
    """Return the keys that were *given*, or else those of the environment."""
    return Keyring(
        config.encryption_keys() if given is None else given,
        active=config.active_key() if active is None and given is None else active,
    )
