"""What we write is what Ruby would write: it finds our jobs by their bytes, and `reschedule` makes them anew."""

from __future__ import annotations

import json
import random
import string
from typing import Any

from mainspring.base import codec, payload
from mainspring.worker.outcome import failed
from ruby.crew import Crew

#: Texts of one such character each, and numbers, that generators write in different ways.
AWKWARD = (
    [chr(code) for code in (*range(0x20), 0x22, 0x2F, 0x5C, 0x7F, 0x80, 0xA0, 0x2028, 0x2029, 0xFFFF, 0x1F600)]
    + [
        0.0,
        -0.0,
        0.1,
        1.0,
        -1.5,
        1e15,
        1e16,
        1e17,
        1e20,
        1e22,
        1e100,
        1e-4,
        1e-5,
        1e-10,
        5e-324,
        1.7976931348623157e308,
    ]
    + [123456789012345680.0, 1763775000.1234567, 2**53 + 1, 2**63, 2**64, -(2**70), 0, -1, True, False, None]
    + [[], {}, [[]], [{}], {"": ""}, {"b": 1, "a": 2}]
)


def test_every_awkward_value_is_written_as_ruby_writes_it(crew: Crew):
    written = [codec.encode([value]) for value in AWKWARD]

    assert [text.encode() for text in crew.ruby.ask("rewrite", [text.decode() for text in written])] == written


def test_chosen_at_random_as_well(crew: Crew):
    rng = random.Random(crew.seed)
    written = [codec.encode([value(rng, 4)]) for _ in range(2_000)]

    rewritten = [text.encode() for text in crew.ruby.ask("rewrite", [text.decode() for text in written])]

    assert [pair for pair in zip(written, rewritten, strict=True) if pair[0] != pair[1]] == [], f"seed {crew.seed}"


def test_a_job_of_rubys_that_failed_here_keeps_what_ruby_wrote(crew: Crew):
    jid = crew.ruby.ask("push", {"class": "Echo", "args": AWKWARD, "custom": {"z": [1e16, "</"], "a": None}})
    [raw] = crew.payloads("queue:default")

    kept = failed(raw, "default", ValueError("böse"), 1763775000.25)

    assert payload.read(kept).jid == jid
    assert crew.ruby.ask("rewrite", [kept.decode()]) == [kept.decode()]
    before, after = json.loads(raw), json.loads(kept)
    assert {name: after[name] for name in before} == before


def value(rng: random.Random, depth: int) -> Any:
    """Return any JSON value, nested up to *depth*."""
    kind = rng.randrange(7 if depth else 5)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind == 1:
        return rng.randrange(-(10 ** rng.randrange(1, 30)), 10 ** rng.randrange(1, 30))
    if kind == 2:
        return rng.uniform(-1, 1) * 10 ** rng.randrange(-320, 308)
    if kind in {3, 4}:
        return text(rng)
    if kind == 5:
        return [value(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {text(rng): value(rng, depth - 1) for _ in range(rng.randrange(4))}


def text(rng: random.Random) -> str:
    """Return a text of any characters but halves of surrogate pairs."""
    codes = (rng.choice([rng.randrange(0x80), rng.randrange(0x800), rng.randrange(0xE000, 0x110000)]) for _ in range(8))
    return "".join(map(chr, codes)) if rng.random() < 0.7 else "".join(rng.choices(string.printable, k=8))
