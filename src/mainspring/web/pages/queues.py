"""Queues: what waits, for how long, who takes it and how fast; pause, clear, and what is promised of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mainspring.api import standings
from mainspring.api.overview import Snapshot
from mainspring.api.processes import Process
from mainspring.api.queues import Queue, QueueState
from mainspring.api.standings import Standing
from mainspring.base import durations
from mainspring.base.errors import InvalidDuration, InvalidName
from mainspring.metrics import questions
from mainspring.metrics.series import Series
from mainspring.web import traffic, words
from mainspring.web.languages import counted, say, told
from mainspring.web.rendering import segment
from mainspring.web.traffic import Rate
from mainspring.web.view import Act, Action, Ask, Context, Done, Gone, Page, Unable, whole

#: Rows of a page.
ROWS: Final = 100
#: More jobs than these are cleared only by whoever types the queue's name.
MANY: Final = 100


@dataclass(frozen=True, slots=True)
class Row:
    """A queue as it is shown.

    Attributes:
        queue: Size, age and pause.
        standing: What is set for it.
        listeners: The processes that take jobs of it.
        rate: How fast it fills and empties; None if it was not looked at before.
        series: What ran in the last hour; None if nothing did.
    """

    queue: QueueState
    standing: Standing
    listeners: Sequence[Process]
    rate: Rate | None
    series: Series | None

    @property
    def busy(self) -> int:
        """Jobs that run in the processes that listen, those of other queues included."""
        return sum(process.busy for process in self.listeners)

    @property
    def capacity(self) -> int:
        """Jobs that they can run."""
        return sum(process.concurrency for process in self.listeners)

    @property
    def state(self) -> str:
        """``paused``, ``no workers``, ``overdue``, ``busy`` or ``healthy``."""
        if self.queue.is_paused:
            return "paused"
        if not any(not process.is_quiet for process in self.listeners) and self.queue.size:
            return "no workers"
        if self.standing.target is not None and self.queue.size and self.queue.latency > self.standing.target:
            return "overdue"
        return "busy" if self.queue.size and self.busy >= self.capacity else "healthy"

    @property
    def drains(self) -> float | None:
        """In how many seconds it will be empty; None if it will not, or nobody can tell."""
        return None if self.rate is None else self.rate.drains(self.queue.size)


@dataclass(frozen=True, slots=True)
class Rows:
    """Makes rows, once the snapshot is there."""

    standings: Mapping[str, Standing]
    rates: Mapping[str, Rate]
    series: Mapping[str, Series]

    def __call__(self, snapshot: Snapshot) -> list[Row]:
        """Return the rows of those queues that were chosen."""
        return [self.row(queue, snapshot) for queue in snapshot.queues if queue.name in self.standings]

    def only(self, otherwise: QueueState, snapshot: Snapshot) -> Row:
        """Return the one row; that of *otherwise* if the snapshot has no such queue."""
        return next(iter(self(snapshot)), self.row(otherwise, snapshot))

    def row(self, queue: QueueState, snapshot: Snapshot) -> Row:
        """Return the row of one queue."""
        name = queue.name
        listeners = [process for process in snapshot.processes if name in process.queues]
        return Row(queue, self.standings[name], listeners, self.rates.get(name), self.series.get(name))


# --- pages -----------------------------------------------------------------------------


def listed(ask: Ask) -> Context:
    """Read a page of the queues, by name."""
    wanted, start = ask.text("q").lower(), ask.whole("from", 0, 0, 10**6)

    def choose(names: Sequence[str]) -> Sequence[str]:
        return [name for name in names if wanted in name.lower()][start : start + ROWS]

    ran = questions.queues("1h", ask.now)
    found = standings.look(ask.app.store, ask.guesses.get("queues", ()), choose, ran.commands)
    ask.guesses["queues"] = found.names
    matching = sum(wanted in name.lower() for name in found.names)
    return {
        "rows": Rows(
            found.standings, _rates(ask, f"queues {start} {wanted}", found.standings), ran.answer(found.others)
        ),
        "total": len(found.names),
        "matching": matching,
        "start": start,
        "more": start + ROWS if start + ROWS < matching else 0,
        "less": max(0, start - ROWS),
        "q": ask.text("q"),
    }


def one(ask: Ask) -> Context:
    """Read one queue, and the jobs at one of its ends."""
    name, newest = ask.path["name"], ask.choice("order", ("newest", "next")) == "newest"
    page = standings.page(name, 0, ROWS, newest=newest)
    ran = questions.series("1h", ask.now, queue=name)
    waited = questions.oldest(name, "1h", ask.now)
    found = standings.look(ask.app.store, [name], lambda _: [name], [*page, *ran.commands, *waited.commands])
    held = standings.paged(ask.app.store, ask.app.time, name, found.others[: len(page)])
    rest = found.others[len(page) :]
    series = ran.answer(rest[: len(ran.commands)])
    return {
        "name": name,
        "rows": Rows(found.standings, _rates(ask, f"only {name}", found.standings), {name: series}),
        # One that was cleared is no longer among the queues, and may be listened to all the same.
        "otherwise": QueueState(name, 0, 0.0, held.is_paused, sum(held.lanes.values())),
        "is_there": name in found.names,
        "jobs": held.jobs,
        "lanes": held.lanes,
        "ages": _ages(series.times, waited.answer(rest[len(ran.commands) :])),
        "newest": newest,
        "shown": ROWS,
    }


def clearing(ask: Ask) -> Context:
    """Read how much would be cleared."""
    try:
        queue = ask.app.queues[ask.text("name")]
    except InvalidName as error:
        raise Gone(say("Which queue? {why}", why=told(error))) from error
    return {"state": queue.state(), "many": MANY}


def _rates(ask: Ask, key: str, known: Mapping[str, Standing]) -> dict[str, Rate]:
    counts = {name: (standing.taken, standing.size) for name, standing in known.items()}
    return traffic.rates(ask.guesses, key, ask.now, counts)


def _ages(times: Iterable[int], sampled: Sequence[tuple[int, float]]) -> list[float | None]:
    known = dict(sampled)
    return [known.get(at) for at in times]


# --- actions ---------------------------------------------------------------------------


def pause(act: Act) -> Done:
    """Start no more of its jobs."""
    queue = _queue(act)
    queue.pause()
    return Done(say("{queue} is paused: what runs goes on, and what is pushed waits.", queue=queue.name))


def resume(act: Act) -> Done:
    """Let its jobs start again."""
    queue = _queue(act)
    queue.resume()
    return Done(say("{queue} is resumed.", queue=queue.name))


def clear(act: Act) -> Done:
    """Drop all that waits in it."""
    queue = _queue(act)
    if queue.size > MANY and act.form.get("word", "") != queue.name:
        text = say("Nothing was cleared: more than {n} jobs are dropped only if the queue's name is typed.", n=MANY)
        raise Unable(text)
    count = queue.clear()
    return Done(
        counted("{n} job of {queue} dropped.", "{n} jobs of {queue} dropped.", count, queue=queue.name),
        has_effect=count > 0,
        facts={"count": str(count)},
    )


def aim(act: Act) -> Done:
    """Say for how long its jobs may wait."""
    queue, said = _queue(act), act.form.get("target", "").strip()
    if not said:
        queue.target = None
        return Done(say("{queue} has no target any more.", queue=queue.name), facts={"target": ""})
    try:
        seconds = durations.seconds(said)
    except InvalidDuration as error:
        raise Unable(say("Nothing was changed: {why}", why=told(error))) from error
    queue.target = seconds
    text = say("Jobs of {queue} may wait for {span}.", queue=queue.name, span=words.span(seconds))
    return Done(text, facts={"target": said})


def limit(act: Act) -> Done:
    """Say how many of its jobs run at once."""
    queue, said = _queue(act), act.form.get("concurrency", "").strip()
    most = whole(said, 0, 0, 10**6)
    if said and not most:
        raise Unable(say("Nothing was changed: {text} is no number from 1 on.", text=f"{said!r:.50}"))
    queue.concurrency = most or None
    if not most:
        return Done(say("{queue} has no limit any more.", queue=queue.name), facts={"concurrency": said})
    text = counted(
        "At most {n} job of {queue} runs at once.", "At most {n} jobs of {queue} run at once.", most, queue=queue.name
    )
    return Done(text, facts={"concurrency": said})


def _queue(act: Act) -> Queue:
    return act.app.queues[act.resource]


def path_of(name: str) -> str:
    """Return where the page of the queue *name* is."""
    return f"/queues/{segment(name)}"


PAGES: Final = (
    Page("/queues", "queues.html", listed, area="/queues", every=5.0),
    Page("/queues/{name:path}", "queue.html", one, area="/queues", every=5.0),
    Page("/queue-clear", "queue_clear.html", clearing, area="/queues"),
)
ACTIONS: Final = (
    Action("queue.pause", pause),
    Action("queue.resume", resume),
    Action("queue.clear", clear, role="admin"),
    Action("queue.target", aim),
    Action("queue.concurrency", limit),
)
