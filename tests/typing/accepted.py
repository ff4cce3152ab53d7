"""What a user may write: neither mypy nor pyright has anything to say. Checked, never run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from typing import assert_type
from uuid import UUID

from sqlalchemy import Connection, Engine
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import Session, scoped_session

from mainspring import (
    App,
    Batch,
    BatchStatus,
    Enqueued,
    Job,
    Retry,
    Snooze,
    chain,
    chord,
    current_job,
    group,
    iterate,
    previous,
)
from mainspring.api.entries import PeriodicEntry
from mainspring.features.limits import Permit
from mainspring.features.outbox import AsyncOutbox, Outbox

app = App("redis://localhost:6379/0", queue="default", tz="Europe/London")
tenant: ContextVar[str] = ContextVar("tenant")
app.carry(tenant)


@app.job
def add(x: int, y: int) -> int:
    return x + y


@app.job(queue="mailers", retry=5, tags=["billing"])
async def send_invoice(invoice_id: int, *, due: date) -> None:
    current_job().log.info("sent")


@app.job(retry=Retry(max=3, backoff="exponential", base="2s", on=(OSError,)))
def sync_contact(contact: UUID, force: bool = False) -> str:
    raise Snooze("30s")


@app.job
def sweep() -> None: ...


@app.job
def tag(name: str, *labels: str, **fields: int) -> None: ...


# --- a job is the function that it was made from ---------------------------------------

assert_type(add(1, 2), int)
assert_type(add(x=1, y=2), int)
assert_type(sync_contact(UUID(int=1)), str)
as_function: Callable[[int, int], int] = add


async def call_it() -> None:
    assert_type(await send_invoice(1, due=date(2026, 1, 1)), None)


# --- now, later, at a time --------------------------------------------------------------

assert_type(add.enqueue(1, 2), Enqueued)
assert_type(add.enqueue(1, y=2).jid, str)
add.enqueue_in("5m", 1, 2)
add.enqueue_in(timedelta(minutes=5), 1, y=2)
add.enqueue_in(1.5, 1, 2)
add.enqueue_at(datetime(2026, 1, 1, tzinfo=UTC), 1, 2)
add.enqueue_at(1767225600, 1, 2)
send_invoice.enqueue(1, due=date(2026, 1, 1))
sync_contact.enqueue(UUID(int=1))
sync_contact.enqueue(UUID(int=1), force=True)
sweep.enqueue()
sweep.enqueue_in("1h")
tag.enqueue("a", "b", "c", size=3)


async def enqueue_it() -> None:
    assert_type(await add.aenqueue(1, 2), Enqueued)
    await add.aenqueue_in("5m", 1, 2)
    await add.aenqueue_at(datetime(2026, 1, 1, tzinfo=UTC), 1, 2)
    await add.aenqueue_many([(1, 2), (3, 4)])
    await send_invoice.aenqueue(1, due=date(2026, 1, 1))


# --- many -------------------------------------------------------------------------------


def pairs() -> Iterator[tuple[int, int]]:
    yield 1, 2


assert_type(add.enqueue_many([(1, 2), (3, 4)], spread="1m"), list[Enqueued])
add.enqueue_many(pairs(), spread=timedelta(minutes=1))
add.enqueue_many((number, number) for number in range(10))
sync_contact.enqueue_many([(UUID(int=1),)])
send_invoice.enqueue_many([send_invoice.call(1, due=date(2026, 1, 1))])

# --- with other options -----------------------------------------------------------------

assert_type(add.using(queue="low")(1, 2), int)
add.using(queue="low", retry=0).enqueue(1, 2)
add.using(at=datetime(2026, 1, 1, tzinfo=UTC)).enqueue(1, y=2)
add.using(tags=["a"], retry=False).enqueue_in("1m", 1, 2)
add.using(queue="low").enqueue_many([(1, 2)])

# --- how it ended -----------------------------------------------------------------------


@app.job(result_ttl="1h", expires_in=timedelta(minutes=30), encrypt=["token"], history=True)
async def fetch(url: str, token: str) -> bytes:
    return token.encode()


async def ask() -> None:
    assert_type(await fetch.aresult("50e0c1d2a3b4c5d6e7f80910"), bytes)
    assert_type(await add.aresult("50e0c1d2a3b4c5d6e7f80910", timeout=5), int)
    assert_type(await app.aresult("50e0c1d2a3b4c5d6e7f80910"), object)


assert_type(add.result("50e0c1d2a3b4c5d6e7f80910", timeout="5s"), int)
assert_type(fetch.result("50e0c1d2a3b4c5d6e7f80910"), bytes)
assert_type(add.using(result_ttl="5m", history="2h").result("50e0c1d2a3b4c5d6e7f80910"), int)
assert_type(app.result("50e0c1d2a3b4c5d6e7f80910", timeout=timedelta(seconds=5)), object)
App(keys={1: "b3BlbnNzbCByYW5kIC1iYXNlNjQgMzIgcHJpbnRzIDE=", 2: b"0" * 32}, active_key=1)

# --- by name, and by time ---------------------------------------------------------------

app.enqueue("HardWorker", [1, "two"], queue="ruby")
app.enqueue("add", [1], {"y": 2}, retry=3)
app.every("10m", sweep)
app.every(timedelta(days=1), add, at=["06:00", "18:00"], tz="Europe/London", args=[1, 2])
app.cron("0 */4 * * *", add, args=[1], kwargs={"y": 2})


@app.every("1m", name="hello")
def hello() -> None: ...


# --- entries from elsewhere ---------------------------------------------------------------

entry = app.periodic.put("sweep", sweep, every="10m", jitter="30s", overlap="skip")
assert_type(entry, PeriodicEntry)
app.periodic.put("add", "add", cron="0 9 * * *", tz="Asia/Tokyo", args=[1, 2], exclude=[date(2026, 12, 25)])
app.periodic.put("add", add, every=timedelta(days=1), at=["06:00", "18:00"], kwargs={"x": 1, "y": 2})
assert_type(app.periodic["sweep"].next, datetime | None)
assert_type(entry.upcoming(3), list[datetime])
assert_type([line.kind for line in entry.history()], list[str])
assert_type(app.periodic.trigger("add", [3, 4]), Enqueued)
assert_type(entry.backfill("2026-01-01", datetime(2026, 2, 1, tzinfo=UTC), spread="1h"), list[Enqueued])
assert_type(app.periodic.get("sweep"), PeriodicEntry | None)
app.periodic.pause("sweep")
app.periodic.delete("sweep")
app.periodic.load("schedule.toml")


@app.periodic.sync(every="30s")
def shifts() -> Iterator[Mapping[str, object]]:
    yield {"name": "shift", "job": "add", "cron": "0 6 * * *", "args": [1, 2]}


@app.periodic.sync
def nights() -> list[dict[str, object]]:
    return []


app.periodic.sync(lambda: [{"name": "x", "job": "sweep", "every": "1h"}], "1m", name="fixed")
assert_type(shifts(), Iterator[Mapping[str, object]])


@app.job
def charge() -> None:
    run = current_job().periodic
    if run is not None:
        assert_type(run.tick, datetime)
        assert_type(run.late, float)


# --- in a transaction -------------------------------------------------------------------


def order(session: Session, connection: Connection, scoped: scoped_session[Session]) -> None:
    assert_type(app.outbox(session), Outbox)
    assert_type(app.outbox(connection), Outbox)
    assert_type(app.outbox(scoped), Outbox)
    assert_type(app.outbox(), Outbox)
    assert_type(app.outbox(using="stock").enqueue(add, 1, y=2), Enqueued)
    app.outbox(session).enqueue(send_invoice, 1, due=date(2026, 1, 1))
    app.outbox(session).enqueue_in(add, timedelta(hours=1), 1, 2)
    app.outbox(session).enqueue_at(add, datetime.now(UTC), 1, 2)
    with app.outbox(session) as outbox:
        add.enqueue_many([(1, 2)])
        outbox.enqueue(add.using(queue="low"), 1, 2)


async def aorder(session: AsyncSession, connection: AsyncConnection) -> None:
    assert_type(app.outbox(session), AsyncOutbox)
    assert_type(app.outbox(connection), AsyncOutbox)
    assert_type(await app.outbox(session).aenqueue(add, 1, 2), Enqueued)
    await app.outbox(session).aenqueue_in(add, "1h", 1, 2)
    async with app.outbox(session):
        await add.aenqueue(1, 2)


def relay_all(engine: Engine) -> None:
    app.relay(engine)
    app.relay("postgresql+psycopg:///shop")
    app.relay(using="default")


# --- limits -----------------------------------------------------------------------------

partner = app.limiter.window("partner", 10, "1s", wait=timedelta(seconds=2))
licence = app.limiter.concurrent("licence", 3, ttl="1m")


def call_partner() -> None:
    with partner, licence(cost=2) as permit:
        assert_type(permit, Permit)
        assert_type(permit.renew(), bool)
    with app.limiter.all(partner, licence(cost=2), wait=0):
        pass
    found = app.limiter.points("shop", 1000, 2.5)(cost=0.5, wait="1s").acquire()
    if found:
        found.points_used(1.5)
        found.release()
    assert_type(found.retry_after, float)
    assert_type([state.used for state in app.limiters], list[float])


async def acall_partner() -> None:
    async with partner as permit:
        assert_type(await permit.arenew(), bool)
    assert_type(await app.limiter.leaky("leaky", 5, "1m").aacquire(), Permit)


@app.job(limits=[partner.by(lambda a: a.customer_id), licence, app.limiter.unlimited()])
def limited(customer_id: int) -> None: ...


# --- long jobs, and once ------------------------------------------------------------------


@app.job(iterable=True, queue="low")
def import_rows(cursor: int | None, path: str, *, skip: int = 0) -> Iterator[int]:
    for row, reached in iterate.csv(path, cursor):
        assert_type(row, dict[str, str])
        yield reached


@app.job(iterable=True)
async def crawl(cursor: tuple[str, int] | None, site: str) -> AsyncIterator[tuple[str, int]]:
    assert_type(current_job().cursor, object)
    yield site, 2


class Remind:
    def steps(self, cursor: int | None, season: str) -> Iterator[tuple[str, int]]:
        return iterate.sequence(["a", "b"], cursor)

    def each(self, item: str, season: str) -> None: ...


# As a decorator too, but mypy does not look at decorators of classes.
remind = app.job(iterable=True)(Remind)
import_rows.enqueue("rows.csv", skip=1)
import_rows("rows.csv")
crawl.enqueue_in("5m", "mail.example")
remind.enqueue("spring")
import_rows.enqueue_many([("a.csv",), ("b.csv",)])


def once() -> None:
    assert_type(app.throttle("stock", "12h"), bool)
    assert_type(app.run_once("import", timedelta(days=1)), bool)
    with app.once("import", 60) as mine:
        assert_type(mine, bool)


async def aonce() -> None:
    assert_type(await app.athrottle("stock", "12h"), bool)
    async with app.once("import", 60) as mine:
        assert_type(mine, bool)


# --- batches and workflows ----------------------------------------------------------------


@app.job
async def count(question: str) -> list[int]:
    return []


@app.job
def total(numbers: list[int]) -> int:
    return sum(numbers)


with app.batch("import", on_success=sweep, on_death=[sweep, add.step(1, y=2)], linger="1h") as batch:
    add.enqueue(1, 2)
assert_type(batch, Batch)
assert_type(batch.join("1m").pending, int)
assert_type(batch.cancel(), int)
assert_type(app.find_batch("b1"), Batch)
assert_type(app.current_batch(), Batch | None)
assert_type(app.batches.find("b1"), BatchStatus | None)

with app.flow("sums", on_complete=sweep) as flow:
    answer = flow.add(count.step("how many?"))
    assert_type(answer.result, list[int])
    flow.add(total.step(answer.result), after=[answer])
    flow.add(chain(count.step("which?"), total.step(previous()), group(sweep.step(), chord([], sweep.step()))))
assert_type(flow.batch, Batch)


async def alate() -> None:
    async with app.batch() as batch, app.flow() as flow:
        await add.aenqueue(1, 2)
        flow.add(sweep.step())
    assert_type((await batch.ajoin(5)).is_success, bool)


# --- what is around ---------------------------------------------------------------------


@app.on("startup")
def prepare() -> None: ...


@app.on_error
def report(error: BaseException, job: object) -> None: ...


hello.enqueue()
prepare()
report(ValueError(), None)
every_job: list[Job[..., object]] = [add, sync_contact, sweep]

for name, job in app.jobs.items():
    assert_type(name, str)
    job.options.queue.upper()
