"""Whatever may lie in a store that strangers write to too: what is a job, what nearly is, and what is none.

Each case says how it may end. Chance comes from a `Source`: a seeded one for masses, or Hypothesis, which makes a
failure smaller.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")

#: Stands in a template where each case gets an id of its own.
JID: Final = "@jid"

#: A job as the Sidekiq of each version writes it, read off the real ones; `class` and the jid's place are ours.
GOLDEN: Final = (
    # 6.4: seconds with a fraction; Active Job's wrapper beside it.
    (
        '{"retry":true,"queue":"default","backtrace":true,"class":"take","args":[1,"a/b",null,{"x":[]}],"jid":"@jid",'
        '"created_at":1790000000.1234567,"enqueued_at":1790000001.25}'
    ),
    (
        '{"retry":true,"queue":"default","class":"take","wrapped":"SendMailJob","args":[{"job_class":"SendMailJob",'
        '"job_id":"2b6e","provider_job_id":null,"queue_name":"default","priority":null,"arguments":["x",{"_aj_symbol_keys":[]}],'
        '"executions":0,"exception_executions":{},"locale":"en","timezone":"UTC","enqueued_at":"2026-11-22T00:00:00Z"}],'
        '"jid":"@jid","created_at":1790000000.1,"enqueued_at":1790000000.2}'
    ),
    # 7: current attributes, tags, a deadline of retries, a failure with its deflated backtrace.
    (
        '{"retry":5,"queue":"default","retry_for":172800,"class":"take","args":["x"],"jid":"@jid","tags":["a","b"],'
        '"cattr":{"_aj_globalid":"gid://app/User/1"},"locale":"de","created_at":1790000000.5,"enqueued_at":1790000001.5}'
    ),
    (
        '{"retry":true,"queue":"default","class":"take","args":[],"jid":"@jid","created_at":1790000000.5,"enqueued_at":'
        '1790000001.5,"error_message":"no \\u2603","error_class":"ArgumentError","failed_at":1790000002.5,"retry_count":2,'
        '"retried_at":1790000003.5,"error_backtrace":"eJyLVkrLzElV0lHKKU1PVYoFACjEBNE="}'
    ),
    # 8: milliseconds as integers, and its newer fields.
    (
        '{"retry":true,"queue":"default","class":"take","args":[9007199254740993],"jid":"@jid","created_at":1790000000123,'
        '"enqueued_at":1790000001123,"profile":"me","expiry":1990000000123,"bid":"b-1"}'
    ),
    (
        '{"retry":false,"queue":"default","class":"take","args":[],"jid":"@jid","created_at":1790000000123,'
        '"enqueued_at":1790000001123,"failed_at":1790000002123,"retry_count":0,"discarded_at":null}'
    ),
)

_ODD: Final = ("retry", "retry_count", "retry_for", "retry_queue", "created_at", "enqueued_at", "failed_at", "tags",
               "carry", "recovered", "dead", "at", "bid", "wrapped", "display_class", "error_class", "error_message",
               "error_backtrace", "unknown", "", "\N{SNOWMAN}")  # fmt: skip

# All but the time after which a job is dropped, as most numbers are times that have passed.
_FLOW: Final = ("lock", "unique_for", "until", "bid", "n", "gates", "timeout", "result_ttl", "encrypt", "limited")

DONE, DEAD, RETRY, LEFT = "done", "dead", "retry", "left"
ANY: Final = frozenset({DONE, DEAD, RETRY, LEFT})


@dataclass(frozen=True)
class Case:
    """What lies somewhere.

    Attributes:
        kind: What it is an example of.
        raw: Its bytes.
        ends: How it may end: ``done``, ``dead``, ``retry``, or ``left`` in a queue that nobody works for.
        jid: The id by which it is found again; empty if it has none.
    """

    kind: str
    raw: bytes
    ends: frozenset[str]
    jid: str = ""


def made(number: int) -> str:
    """Return an id that no number or text of a case happens to hold."""
    return f"5eed{number:020x}"


class Source(Protocol):
    """Where chance comes from."""

    def value(self) -> Any:
        """Return any JSON."""

    def text(self) -> str:
        """Return any text."""

    def blob(self) -> bytes:
        """Return any bytes."""

    def number(self, low: int, high: int) -> int:
        """Return a whole number, bounds included."""


class Seeded:
    """Chance from a seed."""

    def __init__(self, rng: random.Random) -> None:
        """Draw from *rng*."""
        self._rng = rng

    def value(self, depth: int = 3) -> Any:
        """Return any JSON."""
        rng = self._rng
        match rng.randrange(11 if depth else 8):
            case 0 | 1:
                return rng.choice(
                    [None, True, False, 0, -1, 1.5, "", -0.0, 1e308, 5e-324, 1e16, 2**53 + 1, -(2**63) - 1]
                )
            case 2:
                return rng.randrange(-(10**6), 10**6)
            case 3:
                return 10 ** rng.randrange(20, 300) + rng.randrange(10)
            case 4:
                return rng.uniform(-1e9, 1e9)
            case 8:
                return [self.value(depth - 1) for _ in range(rng.randrange(5))]
            case 9 | 10:
                return {self.text(): self.value(depth - 1) for _ in range(rng.randrange(5))}
            case _:
                return self.text()

    def text(self) -> str:
        """Return any text."""
        letters = "ab \"\\/<>&'{}[]:,\n\t\0\x1b\x7f\N{SNOWMAN}\N{PILE OF POO}\u2028\u202e\ufeff\ufffe%$"
        return "".join(self._rng.choices(letters, k=self._rng.choice([0, 1, 3, 8, 40])))

    def blob(self) -> bytes:
        """Return any bytes."""
        return self._rng.randbytes(self._rng.choice([0, 1, 2, 8, 200]))

    def number(self, low: int, high: int) -> int:
        """Return a whole number."""
        return self._rng.randint(low, high)


class Drawn:
    """Chance from Hypothesis."""

    JSON: Final = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=8,
    )

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        """Draw with *draw*."""
        self._draw = draw

    def value(self) -> Any:
        """Return any JSON."""
        return self._draw(self.JSON)

    def text(self) -> str:
        """Return any text."""
        return self._draw(st.text())

    def blob(self) -> bytes:
        """Return any bytes."""
        return self._draw(st.binary(max_size=60))

    def number(self, low: int, high: int) -> int:
        """Return a whole number."""
        return self._draw(st.integers(low, high))


def one_of(source: Source, items: Sequence[T]) -> T:
    """Return one of *items*."""
    return items[source.number(0, len(items) - 1)]


# --- templates ---------------------------------------------------------------------------


def _good(source: Source, **fields: Any) -> dict[str, Any]:
    name = one_of(source, ("take", "atake"))
    return {"retry": True, "queue": "default", "class": name, "args": [source.value()], "jid": JID} | fields


def _written(source: Source, record: object) -> bytes:
    """Write JSON as one or the other language does."""
    compact = source.number(0, 1)
    text = json.dumps(record, ensure_ascii=bool(source.number(0, 1)), separators=(",", ":") if compact else None)
    return text.encode()


def good(source: Source) -> tuple[bytes, frozenset[str]]:
    kwargs = {f"k{number}": source.value() for number in range(source.number(0, 2))}
    return _written(source, _good(source, kwargs=kwargs)), frozenset({DONE})


def golden(source: Source) -> tuple[bytes, frozenset[str]]:
    return one_of(source, GOLDEN).encode(), frozenset({DONE})


def golden_unknown(source: Source) -> tuple[bytes, frozenset[str]]:
    return one_of(source, GOLDEN).replace('"class":"take"', '"class":"HardWorker"').encode(), frozenset({DEAD})


def no_json(source: Source) -> tuple[bytes, frozenset[str]]:
    return source.blob(), frozenset({DEAD})


def no_object(source: Source) -> tuple[bytes, frozenset[str]]:
    return _written(source, [source.value(), JID]), frozenset({DEAD})


def missing(source: Source) -> tuple[bytes, frozenset[str]]:
    record = _good(source, note=JID)
    gone = one_of(source, ("class", "jid", "args", "queue", "retry"))
    del record[gone]
    # Without arguments it is run from a queue, and is no job in a set, where Ruby would not have put it.
    ends = {"class": {DEAD}, "jid": {DEAD}, "args": {DONE, DEAD}}.get(gone, {DONE})
    return _written(source, record), frozenset(ends)


def wrong_field(source: Source) -> tuple[bytes, frozenset[str]]:
    field = one_of(source, ("class", "jid", "args", "kwargs"))
    kinds = {"class": str, "jid": str, "args": list, "kwargs": dict}
    wrong = source.value()
    if isinstance(wrong, kinds[field]):
        wrong = 17
    ends = frozenset({DEAD})
    # The sets look at no keyword arguments: the queue's reader refuses them then.
    return _written(source, _good(source, note=JID) | {field: wrong}), ends


def odd_field(source: Source) -> tuple[bytes, frozenset[str]]:
    record = _good(source) | {one_of(source, _ODD): source.value() for _ in range(source.number(1, 4))}
    return _written(source, record), frozenset({DONE})


def odd_flow(source: Source) -> tuple[bytes, frozenset[str]]:
    flow = {one_of(source, _FLOW): _odd_number(source) for _ in range(source.number(1, 5))}
    # What says that it is encrypted and is not, is dead; and what may take no time fails.
    return _written(source, _good(source, flow=flow)), frozenset({DONE, DEAD, RETRY})


def _odd_number(source: Source) -> Any:
    """Return any JSON, half of the time a number that some arithmetic does not survive, or what looks right."""
    right = ("start", "x", ["q:x", "c:a:b", "window:a"], 0, 1e306, 1.7e308, 1e300, 10**30, 2**63, 2**53 + 1, 1e-300)
    return one_of(source, right) if source.number(0, 1) else source.value()


def odd_queue(source: Source) -> tuple[bytes, frozenset[str]]:
    # A queue takes what lies in it, whatever it says of itself; a set sends it where it wants to go, or buries it.
    return _written(source, _good(source, queue=source.value())), frozenset({DONE, DEAD, LEFT})


def no_number(source: Source) -> tuple[bytes, frozenset[str]]:
    number = one_of(source, ("NaN", "Infinity", "-Infinity", "1e999", "9" * 5000, "0x10", "01", "+1", ".5", "1."))
    return _placed(number), frozenset({DEAD})


def surrogate(source: Source) -> tuple[bytes, frozenset[str]]:
    half = one_of(
        source, (b'"\\ud800"', b'"\\udc00x"', b'"\xed\xa0\x80"', b'"\\ud83d\\u0041"', b'"\\u12"', b'"\\x41"', b'"\n"')
    )
    return _placed("@value").replace(b"@value", half), frozenset({DEAD})


def twice(source: Source) -> tuple[bytes, frozenset[str]]:
    # The last counts, as in Ruby.
    text = '{"class":"none","class":"take","jid":"x","jid":"@jid","args":[1],"args":%s,"queue":"default"}'
    return (text % json.dumps([source.value()])).encode(), frozenset({DONE})


def deep(source: Source) -> tuple[bytes, frozenset[str]]:
    depth = one_of(source, (1, 100, 400, 10_000, 60_000))
    opening, closing = one_of(source, (("[", "]"), ('{"a":', "}")))
    end = "" if source.number(0, 3) == 0 else closing * depth
    ends = {DONE} if depth <= 400 and end else {DEAD}
    return _placed(opening * depth + ("1" if opening != "[" else "") + end), frozenset(ends)


def deep_beside(source: Source) -> tuple[bytes, frozenset[str]]:
    depth = one_of(source, (400, 10_000))
    return _placed("1", extra=',"odd":' + "[" * depth + "]" * depth), frozenset({DONE, DEAD})


def unknown(source: Source) -> tuple[bytes, frozenset[str]]:
    return _written(source, _good(source) | {"class": "no " + source.text()}), frozenset({DEAD})


def wrong_arguments(source: Source) -> tuple[bytes, frozenset[str]]:
    most = one_of(source, (True, 3, 0))
    record = _good(source) | {"class": "typed", "args": one_of(source, ([], [1, "a", 3])), "retry": most}
    return _written(source, record), frozenset({RETRY if most else DEAD})


def spoilt(source: Source) -> tuple[bytes, frozenset[str]]:
    """A job in which some bytes were changed, lost or added."""
    raw = bytearray(_written(source, _good(source)))
    for _ in range(source.number(1, 3)):
        at = source.number(0, len(raw) - 1)
        raw[at : at + source.number(0, 3)] = source.blob()[:2]
    return bytes(raw), ANY


def _placed(argument: str, extra: str = "") -> bytes:
    return f'{{"class":"take","jid":"@jid","queue":"default","args":[{argument}]{extra}}}'.encode()


KINDS: Final = (good, golden, golden_unknown, no_json, no_object, missing, wrong_field, odd_field, odd_flow, odd_queue, no_number,
                surrogate, twice, deep, deep_beside, unknown, wrong_arguments, spoilt)  # fmt: skip


def case(source: Source, jid: str) -> Case:
    """Return a case whose id, if it has one, is *jid*."""
    make = one_of(source, KINDS)
    template, ends = make(source)
    raw = template.replace(JID.encode(), jid.encode())
    return Case(make.__name__, raw, ends, jid if jid.encode() in raw else "")


def seeded(rng: random.Random, jids: Sequence[str]) -> list[Case]:
    """Return a case for each of *jids*, no two of the same bytes."""
    source = Seeded(rng)
    return list({each.raw: each for each in (case(source, jid) for jid in jids)}.values())


@st.composite
def drawn(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Case:
    """Draw a case; its id is drawn too, so that two are hardly ever the same."""
    return case(Drawn(draw), made(draw(st.integers(0, 2**80 - 1))))
