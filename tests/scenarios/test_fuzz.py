"""T27: whatever the dashboard and its API are asked, they answer, soon, and by no error of their own."""

from __future__ import annotations

import asyncio
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from mainspring import App
from mainspring.base.errors import StoreUnavailable
from mainspring.store.command import Command
from mainspring.web import actions, rest, serving, view
from mainspring.web.endpoint import Endpoint
from mainspring.web.routes import ACTIONS, PAGES
from mainspring.web.server import standing_alone
from mainspring.web.view import Act, Ask
from scenarios.fuzzed import Asked, Curious, requests
from scenarios.record import at_length, record
from servers import Server
from web import stock, test_hostile
from web.client import Answer, Client

#: How many requests; and the seconds after which one hangs.
REQUESTS = at_length(100, 12_000)
HANGS = 20.0
#: By their paths as regular expressions: what the API promises to return.
RETURNS = [
    (each.method, re.compile(rest.PREFIX + re.sub(r"\\\{.*?\\\}", "(?s:.+)", re.escape(each.path)) + r"\Z"), each)
    for each in rest.ENDPOINTS
]


@dataclass
class Trial:
    """A dashboard, what lies in its store, and what it has answered so far."""

    app: App
    server: Server
    rng: random.Random
    hangs: float = HANGS
    known: list[str] = field(default_factory=list)
    names: dict[str, set[str]] = field(default_factory=dict)
    answers: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    failed: int = 0

    def __post_init__(self) -> None:
        """Fill the store, and spoil it as strangers do."""

        @self.app.job(name="send", queue="mail", concurrency=2)
        def send(number: int, token: str = "") -> None: ...

        self.client = Client(self.app)
        self.document = self.client.get(f"{rest.PREFIX}/openapi.json").json()
        self.client.dashboard = standing_alone(self.client.dashboard)
        test_hostile.store(self.server, "<b>hostile")
        jids = [stock.put(self.server, state, stock.failed(n), 300) for n, state in enumerate(("queued", *stock.SETS))]
        with self.app.batch("letters") as batch:
            made = self.app.enqueue("send", [1]).jid
        self.app.periodic.put("nightly", "send", cron="0 3 * * *", args=[1])
        begun = self.app.operations.start("delete", state="dead", by="ada")
        with self.app.limiter.window("letters", 5, "1h"):
            pass
        names = ["default", "mail", "nightly", "letters", "send", "crm.sync", "abc123", test_hostile.PROCESS]
        if not self.names:
            self._learn()
        self.known = [*jids, made, batch.bid, begun.id, *names, *self.app.gates]

    def _learn(self) -> None:
        """Find out what pages read of queries, and actions of forms: what they look for."""
        with pytest.MonkeyPatch.context() as patch:
            sought: set[str] = set()
            patch.setattr(serving, "Ask", lambda app, path, query, *more: Ask(app, path, Curious(query, sought), *more))
            patch.setattr(
                actions,
                "Act",
                lambda app, what, form, many, *more: Act(
                    app, what, Curious(form, sought), Curious(many, sought), *more
                ),
            )
            for page in PAGES:
                self.names[page.path] = sought = set()
                self.client.get(re.sub(r"\{.*?\}", "nightly", page.path))
            for action in ACTIONS:
                self.names[action.name] = sought = set()
                # What is looked for once the first is there.
                for _ in range(3):
                    self.client.post(f"/actions/{action.name}", dict.fromkeys(sought, "1"))

    def ask(self, asked: Asked) -> None:
        """Ask, and fail if the answer is none, an error of the dashboard's, or not what was promised."""
        begun = time.monotonic()
        headers = dict(asked.headers)
        try:
            answer = asyncio.run(
                asyncio.wait_for(self.client._ask(asked.method, asked.path, headers, asked.body), self.hangs)
            )
        finally:
            took = time.monotonic() - begun
        self.slowest = max(self.slowest, took)
        self.answers[answer.status // 100 * 100] += 1
        assert took < self.hangs, asked
        self._judge(asked, answer, was_injected=self.failed > 0)

    def _judge(self, asked: Asked, answer: Answer, *, was_injected: bool) -> None:
        # That the store was gone is known for a second, where anybody may ask.
        is_error = answer.status >= 500
        assert not is_error or (was_injected and answer.status == 503), (asked, answer.status, answer.text[:2000])
        assert answer.status < 400 or "Traceback" not in answer.text, asked
        assert not answer.location or re.match(r"/(?![/\\])", answer.location), (asked, answer.location)
        endpoint = self._endpoint(asked)
        if endpoint is not None and answer.status == 200 and asked.method != "HEAD":
            assert _is(answer.body, endpoint.returns), (asked, answer.text[:2000])
        elif asked.path.startswith(rest.PREFIX + "/") and answer.status >= 400:
            assert answer.json()["status"] == answer.status

    def _endpoint(self, asked: Asked) -> Endpoint | None:
        path = asked.path.partition("?")[0]
        found = (each for method, shape, each in RETURNS if method == asked.method and shape.match(path))
        return next(found, None)

    def fuzz(self, count: int, number: int) -> None:
        """Ask *count* things, made by the seed *number*."""

        @seed(number)
        @settings(
            max_examples=count,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, *at_length((), (Phase.shrink,))],
        )
        @given(asked=requests(tuple(self.known), self.document, self.names))
        def try_it(asked: Asked) -> None:
            self.ask(asked)

        try_it()

    def fail_often(self, share: float) -> None:
        """Let the store fail in *share* of its calls, from now on."""
        begin = self.app.store._begin

        def unsure(commands: Sequence[Command[object]]) -> object:
            if self.rng.random() < share:
                self.failed += 1
                raise StoreUnavailable("as it was told", applied=None)
            return begin(commands)

        self.app.store._begin = unsure  # type: ignore[method-assign, assignment]


def _is(body: bytes, kind: type[msgspec.Struct]) -> bool:
    """Return whether *body* is what was described, field for field."""
    try:
        return isinstance(msgspec.json.decode(body, type=kind), kind)
    except msgspec.MsgspecError:
        return False


@pytest.fixture(scope="module")
def names() -> dict[str, set[str]]:
    """Keep what pages and actions look for, which is found out once."""
    return {}


@pytest.fixture
def trial(server: Server, names: dict[str, set[str]]) -> Iterator[Trial]:
    with closing(App(server.url, name="shop")) as app:
        yield Trial(app, server, random.Random(), names=names)
    server.flush()


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_no_request_is_too_strange(trial, share):
    number = random.randrange(10**6)
    trial.rng.seed(number)
    if share:
        trial.fail_often(share)

    trial.fuzz(REQUESTS, number)

    record(
        "T27",
        f"requests of any kind, by the tables of pages and actions and the API's description{', while every fifth call of the store fails' if share else ''}",
        "no 5xx but what was injected; no hang; the API's answers as described",
        requests=sum(trial.answers.values()),
        **{f"answers_{status}": count for status, count in sorted(trial.answers.items())},
        slowest_s=round(trial.slowest, 2),
        seed=number,
    )
    # Most is nonsense, but not all.
    assert min(trial.answers[200], trial.answers[300], trial.answers[400]) > 0


def trustingly(said: str, default: int, least: int, most: int) -> int:
    """Read a number as most would."""
    return max(least, min(most, int(said))) if said else default


def slowly(self: Ask, name: str, default: str = "") -> str:
    """Read a text, and take a second for a strange one."""
    said = self.query.get(name, default)
    if not said.isascii():
        threading.Event().wait(1.0)
    return said.strip()


@pytest.mark.parametrize(
    ("where", "name", "instead"),
    [
        (view, "whole", trustingly),
        (Ask, "text", slowly),
        (rest, "_WRONG", ()),
        (rest, "_written", lambda answer: b"{}"),
    ],
    ids=["trusting", "hanging", "uncaught", "undescribed"],
)
def test_the_fuzzer_finds_what_is_careless(trial, monkeypatch, where, name, instead):
    trial.hangs = 0.9
    monkeypatch.setattr(where, name, instead)

    # Hypothesis puts faults together that it cannot show twice.
    with pytest.raises((AssertionError, TimeoutError, ExceptionGroup)):
        trial.fuzz(at_length(600, 3_000), 27)
