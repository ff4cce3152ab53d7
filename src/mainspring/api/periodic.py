"""All periodic entries of an App: those in its code, and those that come from elsewhere."""

from __future__ import annotations

import inspect
from collections.abc import Callable, ItemsView, Iterator, Mapping, Sequence, ValuesView
from datetime import datetime
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Any, Final, TypeVar, Unpack, cast, overload

from mainspring.api.entries import PeriodicEntry
from mainspring.api.outside import TOO_MANY, Host, PutOptions, checked, resolved, taken
from mainspring.base.durations import Duration, seconds
from mainspring.base.errors import InvalidOption, InvalidSchedule, MainspringError, StoreError, UnknownEntry
from mainspring.job import Enqueued, Job
from mainspring.schedule import catalog, options
from mainspring.schedule.entry import Entry, EntryOptions
from mainspring.schedule.row import Row, of
from mainspring.schedule.source import LEAST_LOOK, MOST_ENTRIES, Rows, Source
from mainspring.store import entries
from mainspring.store.entries import Outcome

R = TypeVar("R", bound=Rows)

#: The origin of entries that `Periodic.put` defines.
API: Final = "api"


class Periodic(Mapping[str, PeriodicEntry]):
    """The periodic entries by name: those that the store has, and those in code that no clock has registered yet.

    Each access reads the store. What is got is as it was then.
    """

    def __init__(self, app: Host) -> None:
        """Look at the entries of *app*; nothing is asked yet."""
        self._app = app
        self._ns = app.namespace

    # --- reading -----------------------------------------------------------------------

    def __getitem__(self, name: str) -> PeriodicEntry:
        """Return the entry *name*.

        Raises:
            UnknownEntry: If there is none.
        """
        found = self._read([name]).get(name)
        if found is None:
            close = get_close_matches(str(name), self._names(), 3)
            raise UnknownEntry(name, close)
        return found

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names, in order."""
        return iter(self._names())

    def __len__(self) -> int:
        """Count the entries."""
        return len(self._names())

    def __bool__(self) -> bool:
        """Be true though there may be none."""
        return True

    def __contains__(self, name: object) -> bool:
        """Return whether there is an entry *name*."""
        return isinstance(name, str) and name in self._read([name])

    def items(self) -> ItemsView[str, PeriodicEntry]:
        """Return names and entries, read 500 at a time."""
        return self._read(self._names()).items()

    def values(self) -> ValuesView[PeriodicEntry]:
        """Return the entries, read 500 at a time."""
        return self._read(self._names()).values()

    # --- defining ----------------------------------------------------------------------

    def put(
        self,
        name: str,
        job: Job[..., Any] | str,
        *,
        every: Duration | None = None,
        cron: str | None = None,
        at: str | Sequence[str] | None = None,
        tz: str | None = None,
        **options: Unpack[PutOptions],
    ) -> PeriodicEntry:
        """Define the entry *name*, or change it; every clock serves it within a second.

        It is checked as one in code is, and bounded besides; see `schedule.source`. What is not
        said is as usual again. A changed entry keeps its phase, its past and its pause.

        Args:
            name: Its name.
            job: A job, or the name of one; of one whose code lives elsewhere only together with *queue*.
            every: A period; or else
            cron: A cron expression.
            at: Times of day, with *every*.
            tz: The IANA zone of its times; the App's if None.
            options: See `schedule.entry.EntryOptions`.

        Raises:
            InvalidSchedule: Whatever cannot be meant, or is too much; or if the entry belongs to code or a source.
            InvalidName: If its name or queue is none.
            UnknownJob: If there is no such job.
            WrongArguments: If its arguments do not fit the job.
        """
        own = {"name": name, "job": job.name if isinstance(job, Job) else job}
        return self.put_row(of({**own, "every": every, "cron": cron, "at": at, "tz": tz, **options}))

    def put_row(self, row: Row | Mapping[str, object]) -> PeriodicEntry:
        """Define the entry that a row says, or what `schedule.row.of` makes one of; as `put` does."""
        entry = checked(self._app, row)
        owner = self._owner(entry.name)
        if owner not in {None, API}:
            raise taken(entry.name, str(owner))
        call = entries.define(self._ns, [self._app.definition(entry)], origin=API, limit=MOST_ENTRIES)
        (outcome,) = self._app.store.run(call).results
        if outcome is Outcome.OF_CODE:
            raise taken(entry.name, entries.CODE)
        if outcome is Outcome.TOO_MANY:
            raise InvalidSchedule(entry.name, TOO_MANY)
        return self[entry.name]

    def load(self, path: str | PathLike[str]) -> list[Entry]:
        """Add the entries of a file to those in code: TOML, or YAML, also that of sidekiq-cron or sidekiq-scheduler.

        Args:
            path: A file that ends with ``.toml``, ``.yml`` or ``.yaml``; see `schedule.files`.

        Returns:
            The entries, in the order of the file.

        Raises:
            InvalidOption: If the file cannot be read.
            InvalidSchedule: Which entry cannot be meant, and why.
            BootError: If PyYAML is needed and not installed.
            UnknownJob: If there is no such job.
            WrongArguments: If arguments do not fit their job.
        """
        from mainspring.schedule import files

        file = Path(path)
        try:
            rows = files.read(file.read_text("utf-8"), file.suffix, str(file))
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidOption(f"the schedule {str(file)!r} cannot be read: {error}") from error
        return [entry for row in rows if (entry := self._add(row, file)) is not None]

    # --- from a source -----------------------------------------------------------------

    @overload
    def sync(self, source: R, every: Duration = "1m", *, name: str | None = None) -> R: ...

    @overload
    def sync(self, source: None = None, every: Duration = "1m", *, name: str | None = None) -> Callable[[R], R]: ...

    def sync(self, source: R | None = None, every: Duration = "1m", *, name: str | None = None) -> R | Callable[[R], R]:
        """Let clocks ask *source* for entries, each period: what it names is defined, what it names no more is deleted.

        A row keeps its phase when it is changed. A row that is wrong leaves its entry as it is; a source that
        fails leaves all. Both are reported once, to the log and to the error handlers. Without a source, a decorator.

        Example:
            .. code-block:: python

                @app.periodic.sync(every="30s")
                def reports():
                    with engine.connect() as connection:
                        yield from connection.execute(text("SELECT name, job, cron, tz FROM report")).mappings()

        Args:
            source: Returns rows: mappings with ``name``, ``job``, one of ``every`` and ``cron``, and any options
                of an entry; see `schedule.row`. Called by each clock, in a thread of its own.
            every: A duration of at least 0.1 s.
            name: A name unique in the App; that of the function if None.

        Raises:
            InvalidOption: If *source* cannot be called so, or another source has its name.
            InvalidName: If the name cannot be stored or shown.
        """
        period = seconds(every)
        if period < LEAST_LOOK:
            raise InvalidOption(f"every={every!r}: a source is asked every {LEAST_LOOK:g} s at most")

        def add(found: R) -> R:
            self._app.sources.append(Source(self._source_name(found, name), _check(found), period))
            return found

        return add if source is None else add(source)

    # --- steering ------------------------------------------------------------------------

    def pause(self, name: str) -> bool:
        """Pause the entry *name*; see `PeriodicEntry.pause`."""
        return self[name].pause()

    def resume(self, name: str) -> bool:
        """Resume the entry *name*; see `PeriodicEntry.resume`."""
        return self[name].resume()

    def delete(self, name: str) -> None:
        """Delete the entry *name*; see `PeriodicEntry.delete`."""
        self[name].delete()

    def trigger(self, name: str, args: Sequence[Any] | None = None) -> Enqueued:
        """Run the entry *name* now; see `PeriodicEntry.trigger`."""
        return self[name].trigger(args)

    def backfill(
        self,
        name: str,
        start: datetime | str | float,
        end: datetime | str | float,
        *,
        spread: Duration | None = None,
    ) -> list[Enqueued]:
        """Run the entry *name* for ticks that have passed; see `PeriodicEntry.backfill`."""
        return self[name].backfill(start, end, spread=spread)

    def backfill_ticks(self, name: str, start: datetime | str | float, end: datetime | str | float) -> list[datetime]:
        """Return the ticks that `backfill` would run."""
        return self[name].backfill_ticks(start, end)

    # --- within --------------------------------------------------------------------------

    def _names(self) -> list[str]:
        return sorted({*self._app.store.run(entries.names(self._ns)), *self._app.schedule})

    def _read(self, names: Sequence[str]) -> dict[str, PeriodicEntry]:
        parts = [names[i : i + entries.MOST] for i in range(0, len(names), entries.MOST)]
        found: dict[str, PeriodicEntry] = {}
        for part, answer in zip(
            parts, self._app.store.pipeline([entries.read(self._ns, part) for part in parts]), strict=True
        ):
            if isinstance(answer, StoreError):
                raise answer
            now, rows = answer
            for name, row in zip(part, rows, strict=True):
                if row is not None:
                    found[name] = PeriodicEntry.stored(self._app, row, now)
                elif name in self._app.schedule:
                    found[name] = PeriodicEntry.unregistered(self._app, self._app.schedule[name], now)
        return found

    def _add(self, row: Row, file: Path) -> Entry | None:
        """Add the entry of a *file*'s row to those in code; None if what is wrong with it is collected."""
        try:
            found = resolved(self._app, row)
            given = cast("EntryOptions", {**found.options, "name": found.name})
            if found.cron is not None:
                return self._app.schedule.cron(found.cron, found.job, tz=found.tz, **given)
            return self._app.schedule.every(found.every or 0, found.job, at=found.at, tz=found.tz, **given)
        except MainspringError as error:
            error.add_note(f"in the schedule {str(file)!r}")
            if not catalog.note(str(file), error):
                raise
            return None

    def _owner(self, name: str) -> str | None:
        """Return the origin of the entry *name*; None if there is none."""
        if name in self._app.schedule:
            return entries.CODE
        _, (found,) = self._app.store.run(entries.read(self._ns, [name]))
        return None if found is None else found.origin

    def _source_name(self, source: Rows, name: str | None) -> str:
        found = options.name(getattr(source, "__name__", "") if name is None else name)
        if any(known.name == found for known in self._app.sources):
            raise InvalidOption(f"two sources are named {found!r}; give one of them sync(..., name=...)")
        return found


def _check(source: R) -> R:
    """Return *source* if it can be called without arguments, and not only awaited."""
    if not callable(source) or inspect.iscoroutinefunction(source):
        raise InvalidOption(f"{source!r} is no source: write a plain function that returns rows")
    try:
        inspect.signature(source).bind()
    except TypeError as error:
        raise InvalidOption(f"{source!r} is no source: it is called without arguments, and {error}") from error
    return source
