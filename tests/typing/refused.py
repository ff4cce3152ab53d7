"""What a user must be told while typing: each line marked E is an error in mypy and in pyright. Never run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from mainspring import App, Retry

app = App()


@app.job
def add(x: int, y: int) -> int:
    return x + y


@app.job(queue="mailers")
async def send_invoice(invoice_id: int, *, due: date) -> None: ...


@app.job
def sync_contact(contact: UUID, force: bool = False) -> str:
    return ""


# --- the plain call ---------------------------------------------------------------------

add("1", 2)  # E
add(1)  # E
add(1, 2, 3)  # E
add(1, z=2)  # E
text: str = add(1, 2)  # E

# --- now --------------------------------------------------------------------------------

add.enqueue("1", 2)  # E
add.enqueue(1, None)  # E
add.enqueue(1)  # E
add.enqueue()  # E
add.enqueue(1, 2, 3)  # E
add.enqueue(1, z=2)  # E
add.enqueue(x=1, y="2")  # E
send_invoice.enqueue(1)  # E
send_invoice.enqueue(1, date(2026, 1, 1))  # E
send_invoice.enqueue(1, due="2026-01-01")  # E
sync_contact.enqueue("not-a-uuid")  # E
sync_contact.enqueue(UUID(int=1), force="yes")  # E

# --- long jobs, and once ----------------------------------------------------------------


@app.job(iterable=True)
def import_rows(cursor: int | None, path: str) -> Iterator[int]:
    yield 1


import_rows.enqueue(None, "rows.csv")  # E
import_rows.enqueue(7)  # E
import_rows.enqueue()  # E
import_rows()  # E
app.job(iterable=True)(add)  # E
app.throttle("stock")  # E
app.run_once("import", [1])  # E

# --- later ------------------------------------------------------------------------------

add.enqueue_in("5m", "1", 2)  # E
add.enqueue_in("5m", 1)  # E
add.enqueue_in([5], 1, 2)  # E
add.enqueue_at(1767225600, "1", 2)  # E
add.enqueue_at("tomorrow", 1, 2)  # E
add.enqueue_at(date(2026, 1, 1), 1, 2)  # E


# --- from a coroutine -------------------------------------------------------------------


async def enqueue_it() -> None:
    await add.aenqueue("1", 2)  # E
    await add.aenqueue(1)  # E
    await add.aenqueue_in("5m", "1", 2)  # E
    await add.aenqueue_in([5], 1, 2)  # E
    await add.aenqueue_at(1767225600, "1", 2)  # E
    await add.aenqueue_at("tomorrow", 1, 2)  # E
    await add.aenqueue_many([("1", 2)])  # E
    await add.aenqueue_many([(1,)])  # E
    await send_invoice.aenqueue(1, due=None)  # E


# --- many -------------------------------------------------------------------------------


def texts() -> Iterator[tuple[str, str]]:
    yield "a", "b"


add.enqueue_many([("1", 2)])  # E
add.enqueue_many([(1, 2), (3, "4")])  # E
add.enqueue_many([(1,)])  # E
add.enqueue_many([(1, 2, 3)])  # E
add.enqueue_many([1, 2])  # E
add.enqueue_many(texts())  # E
add.enqueue_many([(1, 2)], spread=[1])  # E
add.enqueue_many([add.call(1, "2")])  # E
add.enqueue_many([sync_contact.call(UUID(int=1))])  # E
sync_contact.enqueue_many([("not-a-uuid",)])  # E

# --- with other options -----------------------------------------------------------------

add.using(queue="low").enqueue("1", 2)  # E
add.using(retry=0).enqueue(1)  # E
add.using(retry=0).enqueue_in("5m", 1, "2")  # E
add.using(retry=0).enqueue_at(0, 1, "2")  # E
add.using(retry=0).enqueue_many([(1, "2")])  # E
add.using(queue="low")("1", 2)  # E
add.using(queue=1)  # E
add.using(queues="low")  # E
add.using(at="tomorrow")  # E

# --- in a transaction -------------------------------------------------------------------


def order(session: Session) -> None:
    app.outbox(session).enqueue(add, 1)  # E
    app.outbox(session).enqueue(add, "1", 2)  # E
    app.outbox(session).enqueue_in(add, [5], 1, 2)  # E
    app.outbox(session).enqueue_at(add, "tomorrow", 1, 2)  # E
    app.outbox(session).enqueue(len, [])  # E
    app.outbox("a text")  # E
    app.outbox(using=1)  # E
    app.relay(session)  # E


async def aorder(session: AsyncSession) -> None:
    await app.outbox(session).aenqueue(add, "1", 2)  # E
    app.outbox(session).enqueue(add, 1, 2)  # E


# --- by name, by time, and when defining -------------------------------------------------

app.enqueue(add, [1, 2])  # E
app.enqueue("add", 1)  # E
app.every([10], add)  # E
app.every("1d", add, at=9)  # E
app.cron(5, add)  # E
app.on("starting")  # E
app.job(queue=1)  # E
app.job(retry="often")  # E
app.job(colour="red")  # E
App(5)  # E
Retry(max="3")  # E

add.result(5)  # E
text: str = add.result("50e0c1d2a3b4c5d6e7f80910")  # E
app.job(encrypt=5)  # E
app.job(result_ttl=None, expires_in=[1])  # E
App(keys={"1": b"0" * 32})  # E

# --- entries from elsewhere --------------------------------------------------------------

app.periodic.put("sweep", add, every=[10])  # E
app.periodic.put("sweep", add, cron=5)  # E
app.periodic.put("sweep", add, every="1h", missed="never")  # E
app.periodic.put("sweep", add, every="1h", if_=lambda t: True)  # E
app.periodic.put("sweep", add, every="1h", colour="red")  # E
app.periodic.put("sweep", add, "1h")  # E
app.periodic.trigger("sweep", 5)  # E
app.periodic.backfill("sweep", "2026-01-01")  # E
app.periodic.sync(5)  # E
app.periodic.sync(lambda: [5])  # E
app.periodic["sweep"].next = None  # E
day: int = app.periodic["sweep"].last  # E


@app.every("1m", name="hello")
def hello() -> None: ...


@app.on("startup")
def prepare() -> None: ...


@app.on_error
def report(error: BaseException, job: object) -> None: ...


hello.enqueue(1)  # E
prepare(1)  # E
report()  # E

# --- limits -----------------------------------------------------------------------------

app.limiter.window("partner", 10)  # E
app.limiter.window("partner", "10", "1s")  # E
app.limiter.window("partner", 10, "1s", ttl="1s")  # E
app.limiter.concurrent("licence", 3, [5])  # E
app.limiter.points("shop", 1000, "50")  # E
app.limiter.unlimited()(cost="3")  # E
app.limiter.all("partner")  # E
app.limiter.unlimited().by("customer_id")  # E

# --- batches and workflows ----------------------------------------------------------------

app.batch(on_success=add)  # E
app.batch(on_success="report")  # E
app.batch(on_success=add.step(1, "2"))  # E
app.batch(flush_every="10")  # E
app.batch(parent="b1")  # E
app.flow().add(add)  # E
app.flow().add(add.step(app.flow().add(hello.step()).result, 2))  # E
app.flow().add(add.step(1, 2), after=[1])  # E
