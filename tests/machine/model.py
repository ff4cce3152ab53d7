"""What the scripts of the store promise, said once more in Python: no server, no clock, no key.

A method stands for a verb and returns the answer that the verb must give. The whole
state is plain values, so two moments can be compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from machine.timetable import Timetable
from mainspring.base import payload
from mainspring.store import keys
from mainspring.store.periodic import Attempt, Claim
from mainspring.store.queues import Fetched, Settlement

#: A queue and the identity of a process: what a lease, a tomb and an in-flight hash belong to.
Holding: TypeAlias = tuple[str, str]

QUEUES = ("mail", "reports")
#: What unique jobs have in common.
DIGESTS = ("a", "b", "c")
SETS = (keys.SCHEDULE, keys.RETRY, keys.DEAD)


def digest_of(job: bytes) -> str:
    """Return the digest of a job's lock; empty if it is not unique."""
    flow = payload.fields(job).get("flow")
    return str(flow["lock"]) if isinstance(flow, dict) else ""


@dataclass
class Model:
    """All that lies in the store.

    Attributes:
        waiting: Payloads by queue, the one that runs next first.
        sets: Payloads and their scores by set.
        held: Deliveries in flight.
        marked: Deliveries that were marked as running.
        asked: The last request of a holder that brought jobs: its id and deliveries.
        fence: Deliveries of each queue so far.
        pushed: Queues and tokens of the pushes that may be sent again, and what the first was told.
        locks: Unique locks: digest -> jid.
        cleared: What was cleared and is not dropped yet, by queue or set, as it lay there.
        known: Names of queues ever pushed to.
        table: The periodic entries.
    """

    waiting: dict[str, list[bytes]] = field(default_factory=lambda: {name: [] for name in QUEUES})
    sets: dict[str, dict[bytes, float]] = field(default_factory=lambda: {name: {} for name in SETS})
    held: dict[Holding, dict[int, bytes]] = field(default_factory=dict)
    marked: dict[Holding, set[int]] = field(default_factory=dict)
    asked: dict[Holding, tuple[str, list[int]]] = field(default_factory=dict)
    fence: dict[str, int] = field(default_factory=lambda: dict.fromkeys(QUEUES, 0))
    leases: set[Holding] = field(default_factory=set)
    suspects: set[Holding] = field(default_factory=set)
    tombs: set[Holding] = field(default_factory=set)
    owners: set[Holding] = field(default_factory=set)
    paused: set[str] = field(default_factory=set)
    pushed: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    locks: dict[str, str] = field(default_factory=dict)
    cleared: dict[str, dict[bytes, float]] = field(default_factory=lambda: {name: {} for name in (*QUEUES, *SETS)})
    known: set[str] = field(default_factory=set)
    table: Timetable = field(default_factory=Timetable)
    processed: int = 0
    failed: int = 0

    # --- queues --------------------------------------------------------------------

    def push(self, queue: str, jobs: Sequence[bytes], token: str = "") -> int:
        if self._is_pushed(queue, token):
            return 0
        self.known.add(queue)
        self.waiting[queue] += jobs
        return len(self.waiting[queue])

    def _is_pushed(self, queue: str, token: str) -> bool:
        was = (queue, token) in self.pushed
        if token:
            self.pushed.setdefault((queue, token), [])
        return was

    def enter(self, queue: str, jobs: Sequence[bytes], at: float | None, token: str) -> list[str]:
        if (queue, token) in self.pushed:
            return self.pushed[queue, token]
        answers = []
        for job in jobs:
            jid = payload.read(job).jid
            holder = self.locks.setdefault(digest_of(job), jid)
            answers.append("" if holder == jid else holder)
            if holder == jid and at is None:
                self.waiting[queue].append(job)
            elif holder == jid:
                self.sets[keys.SCHEDULE][job] = at
        self.known.add(queue)
        if token:
            self.pushed[queue, token] = answers
        return answers

    # --- locks ---------------------------------------------------------------------

    def _let_go(self, job: bytes, what: str = "dropped") -> None:
        digest = digest_of(job)
        if digest and what not in {"failed", "later"} and self.locks.get(digest) == payload.read(job).jid:
            del self.locks[digest]

    def _take_again(self, job: bytes) -> None:
        if digest_of(job):
            self.locks.setdefault(digest_of(job), payload.read(job).jid)

    def start(self, holding: Holding, seq: int, job: bytes) -> int:
        if seq not in self.held.get(holding, {}):
            return 0
        self._let_go(job)
        return 1

    def unlock(self, digest: str) -> bool:
        return self.locks.pop(digest, None) is not None

    # --- what becomes of jobs --------------------------------------------------------

    def fetch(self, holding: Holding, n: int, reqid: str) -> Fetched:
        queue, _ = holding
        if holding in self.tombs:
            return Fetched(fenced=True)
        last, seqs = self.asked.get(holding, ("", []))
        if last == reqid:
            return Fetched(self._of(holding, seqs))
        if queue in self.paused:
            return Fetched(paused=True)
        taken, self.waiting[queue] = self.waiting[queue][:n], self.waiting[queue][n:]
        if not taken:
            return Fetched([])
        seqs = [self.fence[queue] + number for number in range(1, len(taken) + 1)]
        self.fence[queue] = seqs[-1]
        self.owners.add(holding)
        self.asked[holding] = reqid, seqs
        self.held.setdefault(holding, {}).update(zip(seqs, taken, strict=True))
        return Fetched(self._of(holding, seqs))

    def _of(self, holding: Holding, seqs: Iterable[int]) -> list[tuple[int, bytes]]:
        held = self.held.get(holding, {})
        return [(seq, held[seq]) for seq in seqs if seq in held]

    def _take(self, holding: Holding, seq: int) -> bytes | None:
        self.marked.get(holding, set()).discard(seq)
        return self.held.get(holding, {}).pop(seq, None)

    def done(self, holding: Holding, seqs: Sequence[int]) -> list[int]:
        answer = [int(self._take(holding, seq) is not None) for seq in seqs]
        self.processed += sum(answer)
        return answer

    def finish(self, holding: Holding, seqs: Sequence[int]) -> list[int]:
        for job in [self.held.get(holding, {}).get(seq) for seq in seqs]:
            if job is not None:
                self._let_go(job)
        return self.done(holding, seqs)

    def settle(self, holding: Holding, seq: int, what: Settlement) -> int:
        job = self._take(holding, seq)
        if job is None:
            return 0
        if what.place:
            self.sets[what.place][what.payload or job] = what.score
        self._let_go(job, what.what)
        self.processed += what.runs
        self.failed += what.fails
        return 1

    def mark(self, holding: Holding, seq: int) -> int:
        if seq not in self.held.get(holding, {}):
            return 0
        self.marked.setdefault(holding, set()).add(seq)
        return 1

    def give_back(self, holding: Holding, seqs: Sequence[int]) -> list[int]:
        answer = []
        for seq in sorted(seqs, reverse=True):
            job = self._take(holding, seq)
            answer.append(int(job is not None))
            if job is not None:
                self.waiting[holding[0]].insert(0, job)
                self.known.add(holding[0])
        return answer

    def delete(self, place: str, job: bytes, what: str = "dropped") -> int:
        if place in self.sets and self.sets[place].pop(job, None) is None:
            return 0
        if place in self.waiting and job not in self.waiting[place]:
            return 0
        if place in self.waiting:
            self.waiting[place].remove(job)
        self._let_go(job, what)
        return 1

    def drop(self, queue: str, jobs: Sequence[tuple[int, bytes]], died: float | None) -> int:
        waiting = self.waiting[queue]
        found = {place: job for place, job in jobs if waiting[place - 1 : place] == [job]}
        self.waiting[queue] = [job for place, job in enumerate(waiting, start=1) if place not in found]
        if died is not None:
            self.sets[keys.DEAD].update(dict.fromkeys(found.values(), died))
        for job in found.values():
            self._let_go(job)
        return len(found)

    def clear(self, place: str) -> int:
        there = self.sets[place] if place in self.sets else dict.fromkeys(self.waiting[place], 0.0)
        if there and self.cleared[place]:
            return -1
        if place in self.sets:
            self.sets[place] = {}
        else:
            self.waiting[place] = []
            self.known -= set() if there else {place}
        self.cleared[place] |= there
        return len(there)

    def sweep(self, place: str) -> int:
        there, self.cleared[place] = self.cleared[place], {}
        for job in there:
            self._let_go(job)
        if there and place in self.waiting and not self.waiting[place]:
            self.known.discard(place)
        return len(there)

    # --- processes -----------------------------------------------------------------

    def register(self, holding: Holding) -> int:
        self.suspects.discard(holding)
        self.owners.add(holding)
        self.leases.add(holding)
        return 1

    def beat(self, holding: Holding) -> int:
        if holding in self.tombs:
            return -1
        had = holding in self.leases
        self.register(holding)
        return 1 if had else 2

    def suspect(self, holding: Holding) -> int:
        if holding in self.leases or holding not in self.owners:
            return 0
        self.suspects.add(holding)
        return 1

    def reclaim(
        self,
        holding: Holding,
        *,
        early: bool,
        certain: bool,
        now: float,
        changes: Sequence[tuple[bytes, str, bytes]],
    ) -> int:
        if not certain:
            if holding in self.leases:
                return -1
            if holding not in self.suspects:
                return -2
            if early:
                return -3
        changed = {int(seq): (fate, job) for seq, fate, job in changes}
        count = self._release(holding, changed, now)
        self.tombs.add(holding)
        return count

    def leave(self, holding: Holding) -> int:
        return self._release(holding, {}, 0.0)

    def _release(self, holding: Holding, changed: dict[int, tuple[str, bytes]], now: float) -> int:
        back, held = [], self.held.pop(holding, {})
        for seq, job in sorted(held.items()):
            fate, new = changed.get(seq, ("queue", job))
            if fate == "dead":
                self.sets[keys.DEAD][new] = now
                self._let_go(job, "dead")
            else:
                back.append(new)
        if back:
            self.known.add(holding[0])
        self.waiting[holding[0]][:0] = back
        self.marked.pop(holding, None)
        self.asked.pop(holding, None)
        for holdings in (self.owners, self.leases, self.suspects):
            holdings.discard(holding)
        return len(held)

    # --- sets ----------------------------------------------------------------------

    def add(self, queue: str, pairs: Sequence[tuple[float, bytes]], token: str) -> int:
        if self._is_pushed(queue, token):
            return 0
        self.sets[keys.SCHEDULE].update((job, score) for score, job in pairs)
        return len(pairs)

    def forward(self, source: str, queue: str, jobs: Sequence[tuple[bytes, bytes]]) -> int:
        mine = [new for old, new in jobs if self.sets[source].pop(old, None) is not None]
        for job in mine if source == keys.DEAD else ():
            self._take_again(job)
        if mine:
            self.push(queue, mine)
        return len(mine)

    def move(self, source: str, target: str, old: bytes, new: bytes, score: float) -> int:
        if self.sets[source].pop(old, None) is None:
            return 0
        self.sets[target][new] = score
        if target == keys.DEAD:
            self._let_go(old)
        elif source == keys.DEAD:
            self._take_again(old)
        return 1

    def bury(self, queue: str, target: str, job: bytes, score: float) -> int:
        if not self.delete(queue, job, "dead" if target == keys.DEAD else "later"):
            return 0
        self.sets[target][job] = score
        return 1

    # --- clock ---------------------------------------------------------------------

    def claim(self, attempt: Attempt, *, early: bool) -> Claim:
        answer = self.table.claim(attempt, early=early)
        if answer is Claim.WON and attempt.job.payload:
            self.push(attempt.job.queue, [attempt.job.payload])
        return answer

    def run_now(self, name: str, queue: str, job: bytes, record: bytes, run: str, token: str) -> bool:
        if token and (queue, token) in self.pushed:
            return True
        made = self.table.run(name, record, run)
        if made:
            self.push(queue, [job], token)
        return made
