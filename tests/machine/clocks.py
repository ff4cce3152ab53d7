"""The steps of clocks and of those who look after periodic entries: deploys, changes from elsewhere, ticks.

Code that was deployed ever may start again, and do each step of a start at any time, as a process does that was frozen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from machine.base import FAR, Base
from machine.model import QUEUES, Model
from machine.timetable import JUST_BEFORE, NOW, NS, Timetable
from mainspring.base import codec
from mainspring.store import entries, keys, periodic
from mainspring.store.command import Command
from mainspring.store.entries import ANY, CODE, Definition
from mainspring.store.periodic import Attempt, Claim, Standing, TickJob

T = TypeVar("T")

#: The last never stands in code.
NAMES = ("daily", "hourly", "weekly", "guest")
ORIGINS = ("api", "sync:staff")

names = st.sampled_from(NAMES)
in_code = st.sets(st.sampled_from(NAMES[:3]), min_size=1)
#: Which code of the last that were deployed: 0 is the newest.
which = st.sampled_from((0, 0, 1, 2))
#: Two of these are due by the same rule, and two are otherwise the same.
variants = st.integers(0, 3)


def definition(name: str, variant: int, *, paused: bool = False) -> Definition:
    """Return one of four entries of the same name."""
    return Definition(name, f"stamp {variant}", f"when {variant // 2}", b'{"n":%d}' % variant, paused)


class Clocks(Base):
    """What is done to the schedule."""

    def __init__(self, server) -> None:
        """Begin with no code."""
        super().__init__(server)
        self.codes: list[str] = []
        self.schedules: dict[str, list[Definition]] = {}
        self.numbers: dict[str, list[int]] = {}
        self.seen = ""

    @property
    def table(self) -> Timetable:
        """The part of the model that is looked at here."""
        return self.model.table

    # --- time ------------------------------------------------------------------------

    def timed(self, command: Command[T], promise: Callable[[Model], T], *, fills: bool = False) -> T | None:
        """Make a call that writes the server's time, and note which it was."""
        begin = self._server_time()
        answer = self.write(command, promise) if fills else self.call(command, promise)
        self._adopt(begin - 0.001, self._server_time())
        self._adopt_version(begin - 0.001)
        return answer

    def _server_time(self) -> float:
        seconds, microseconds = self.server.client.time()
        return seconds + microseconds / 1e6

    def _adopt(self, begin: float, end: float) -> None:
        for name, fields in self.table.entries.items():
            found = self.server.client.hgetall(keys.periodic_entry(NS, name))
            for written in [each for each, value in fields.items() if value == NOW]:
                fields[written] = found[written.encode()].decode()
                assert begin <= float(fields[written]) <= end, f"{name} has {written} {fields[written]}"
            if fields["since"] == JUST_BEFORE:
                fields["since"] = f"{float(fields['anchor']) - 0.001:.3f}"

    def _adopt_version(self, begin: float) -> None:
        table = self.table
        if table.version not in table.given:
            found = int(self.server.client.get(keys.periodic_version(NS)))
            assert found >= begin * 1000, f"after a loss of data {found} could have been given before"
            assert found > max(table.given.values()), f"{found} was given before"
            table.given[table.version] = found

    # --- code ------------------------------------------------------------------------

    @initialize()
    def begin(self):
        """Deploy for the first time."""
        self.deploy({"daily", "hourly"}, 0)

    @rule(chosen=in_code, variant=variants, is_slow=st.sampled_from((False, False, True)))
    def deploy(self, chosen, variant, is_slow=False):
        """New code starts, with other entries; if it is slow, others may overtake it."""
        self.count += 1
        digest = f"code {self.count}"
        self.codes.insert(0, digest)
        self.schedules[digest] = [definition(name, variant) for name in sorted(chosen)]
        if is_slow:
            self.enter(0)
        else:
            self.start(0)

    @rule(first=in_code, second=in_code, variant=variants)
    def deploy_twice(self, first, second, variant):
        """New code is overtaken by newer between two steps of its start."""
        self.deploy(first, variant, is_slow=True)
        self.deploy(second, variant, is_slow=True)
        self.clean(1, is_late=False)
        self.define(1)

    @rule(which=which)
    def start(self, which):
        """A process starts that has some code."""
        self.enter(which)
        self.define(which)
        self.clean(which, is_late=False)

    def code(self, which: int) -> str:
        """Return one of the codes that were deployed last."""
        return self.codes[which % len(self.codes)]

    @rule(which=which)
    def enter(self, which):
        """A clock takes part; what it takes for the current code may be long past."""
        digest = self.code(which)
        entered = self._enter(digest)
        if entered.status is Standing.AGAIN:
            self.seen = entered.current
            entered = self._enter(digest)
        if entered.status is Standing.COUNTS:
            self.numbers.setdefault(digest, []).append(entered.number)

    def _enter(self, digest):
        return self.call(periodic.enter(NS, digest, self.seen), lambda model: model.table.enter(digest, self.seen))

    @rule(which=which)
    def define(self, which):
        """A clock defines its code's entries, perhaps later than it should; the answer may be lost."""
        digest = self.code(which)
        self._define(self.schedules[digest], origin=CODE, digest=digest)

    def _define(self, definitions, **options):
        command = entries.define(NS, definitions, **options)
        results = replace(command, decode=lambda reply: command.decode(reply).results)
        for _ in range(2):
            self.timed(results, lambda model: model.table.define(definitions, **options), fills=True)

    @rule(which=which, is_late=st.booleans())
    def clean(self, which, is_late):
        """A clock removes what its code has no more; if it is late, it entered when its code counted for the first time."""
        digest = self.code(which)
        number = self.numbers.get(digest, [0])[0 if is_late else -1]
        mine = {each.name for each in self.schedules[digest]}
        self._remove([name for name in NAMES if name not in mine], CODE, digest, number)

    @rule(which=which)
    def die(self, which):
        """The last clock with some code is gone for long."""
        digest = self.code(which)
        self.server.client.delete(keys.periodic_alive(NS, digest))
        self.table.alive.discard(digest)

    @rule(which=st.integers(1, 2), is_late=st.booleans())
    def roll_back(self, which, is_late):
        """All clocks of the code that counts are gone, and older code starts; perhaps a clock of its first time still acts."""
        if self.table.current in self.codes:
            self.die(self.codes.index(self.table.current))
        self.enter(which)
        if is_late:
            self.clean(which, is_late=True)
        self.start(which)

    @rule(which=which)
    def poll(self, which):
        """A clock shows that it lives, and asks what is new."""
        digest, begin = self.code(which), self._server_time()
        command = periodic.poll(NS, digest)
        found: list[float] = []

        def decode(reply):
            now, *rest = command.decode(reply)
            found.append(now)
            return tuple(rest)

        self.call(replace(command, decode=decode), lambda model: model.table.poll(digest))
        assert begin - 0.001 <= found[0] <= self._server_time()

    # --- entries from elsewhere --------------------------------------------------------

    @rule(
        chosen=st.lists(names, min_size=1, unique=True),
        variant=variants,
        origin=st.sampled_from(ORIGINS),
        new=st.booleans(),
    )
    def put(self, chosen, variant, origin, new):
        """Somebody puts entries, who may have at most two in all, or as many as he likes."""
        made = [definition(name, variant, paused=new) for name in chosen]
        self._define(made, origin=origin, limit=2 * new)

    @rule(chosen=st.lists(names, min_size=1, unique=True), origin=st.sampled_from((*ORIGINS, ANY)))
    def delete(self, chosen, origin):
        """Somebody deletes entries, in two tabs."""
        for _ in range(2):
            self._remove(chosen, origin, "", 0)

    def _remove(self, chosen, origin, digest, number):
        self.timed(
            entries.remove(NS, chosen, origin=origin, digest=digest, number=number),
            lambda model: model.table.remove(chosen, origin, digest, number),
        )

    @rule(name=names, on=st.booleans(), times=st.integers(1, 2))
    def pause(self, name, on, times):
        """Somebody pauses an entry or resumes it, perhaps in two tabs."""
        verb = entries.pause if on else entries.resume
        for _ in range(times):
            self.timed(verb(NS, name), lambda model: model.table.pause(name, on=on))

    @rule(version=st.integers(0, 20))
    def look(self, version):
        """A clock reads what has changed, and all there is."""
        table = self.table
        assert self.store.run(entries.count(NS)) == len(table.entries)
        assert set(self.store.run(entries.changed(NS, table.given.get(version, table.given[table.version])))) == {
            name for name, changed in table.versions.items() if changed > min(version, table.version)
        }
        _, found = self.store.run(entries.read(NS, NAMES))
        assert [each is not None for each in found] == [name in table.entries for name in NAMES]
        assert all(f"{each.since:.3f}" == table.entries[each.name]["since"] for each in found if each)

    # --- ticks -------------------------------------------------------------------------

    @rule(
        name=names,
        tick=st.sampled_from(("next", "next", "next", "newest", "since", "after the last")),
        slip=st.sampled_from(("", "", "", "early", "stamp", "runs")),
        notes=st.booleans(),
        job=st.booleans(),
        queue=st.sampled_from(QUEUES),
    )
    def tick(self, name, tick, slip, notes, job, queue):
        """Clocks claim a tick, of which some know the entry as it was, or the time as it is elsewhere; the answer is lost."""
        fields = self.table.entries.get(name, {})
        runs = tuple(fields.get("runs", "").split())
        payload, jid = self._job(queue, name, job=job)
        attempt = Attempt(
            name,
            stamp="of long ago" if slip == "stamp" else fields.get("stamp", "stamp 0"),
            tick=f"{self._tick(name, tick):.3f}",
            due=FAR if slip == "early" else 0.0,
            job=TickJob(queue, payload),
            record=codec.encode({"jid": jid}),
            expected=("ffff",) if slip == "runs" else runs,
            runs=(*runs, jid) if notes else (),
        )
        for _ in range(2):
            self._claim(attempt, early=slip == "early")

    def _tick(self, name, tick):
        fields = self.table.entries.get(name, {})
        return {
            "next": self.table.latest(name) + 0.001,
            "newest": self.table.latest(name),
            "since": float(fields.get("since", 1)),
            "after the last": float(fields.get("last", 1)) + 0.001,
        }[tick]

    def _claim(self, attempt, *, early):
        won = self.write(periodic.claim_tick(NS, attempt), lambda model: model.claim(attempt, early=early))
        if won is Claim.WON and attempt.job.payload:
            self.accept([attempt.job.payload])

    @rule(name=names, queue=st.sampled_from(QUEUES), times=st.integers(1, 2))
    def run_now(self, name, queue, times):
        """Somebody runs an entry now; the answer may be lost, and the push be sent again."""
        payload, jid = self._job(queue, name)
        record, token = codec.encode({"jid": jid}), jid if times > 1 else ""
        command = periodic.push_run(NS, name, TickJob(queue, payload), record=record, run=jid, token=token)
        for _ in range(times):
            if self.write(command, lambda model: model.run_now(name, queue, payload, record, jid, token)):
                self.accept([payload])

    def _job(self, queue, name, *, job=True):
        self.count += 1
        jid = f"{self.count:024x}"
        payload = codec.encode({"class": name, "args": [], "jid": jid, "queue": queue})
        return payload if job else b"", jid
