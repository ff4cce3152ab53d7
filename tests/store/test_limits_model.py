"""Each kind of limit gives exactly what its definition allows, never more, whatever the times and the costs."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from mainspring.store import keys, scripts
from mainspring.store.limiters import KINDS, Limit, read_spec
from store.limitmodel import Model

#: What rounding may make of a level, in units: it is kept in millionths.
TOLERANCE = Fraction(1, 1000)
START = 1_795_330_000_123_457
HOUR = 3_600_000_000
ROOT = "test:mainspring:"

STEP = """
local limit = limit_read(limit_key(ARGV[1], ARGV[2]), ARGV[2])
local now_us, cost, member = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
if ARGV[3] == "check" then
  return limit_check(limit, now_us, cost, member)
elseif ARGV[3] == "commit" then
  limit_commit(limit, now_us, cost, member)
  return 0
end
return limit_used(limit, now_us)
"""


class Lua:
    """The functions of lib/limit.lua on a real server, at times of our own."""

    def __init__(self, client, limit):
        self._script = client.register_script(scripts._source("lib/limit.lua") + STEP)
        self._client, self.limit = client, limit

    def _call(self, verb, now, cost=Fraction(1), member="m"):
        return int(self._script(args=[ROOT, self.limit.spec, verb, now, f"{float(cost):.6f}", member]))

    def check(self, now, cost, member):
        return self._call("check", now, cost, member)

    def commit(self, now, cost, member):
        self._call("commit", now, cost, member)

    def used(self, now):
        return Fraction(self._call("used", now), 10**6)

    @property
    def key(self):
        return ROOT.removesuffix("mainspring:") + keys.limit(self.limit.kind, self.limit.name)


def limit_of(kind, rng):
    # Hours, in which no lifetime of a key ends while the test runs.
    return Limit(kind, rng.choice([1, 2, 3, 7, 50]), rng.choice([HOUR, 3 * HOUR, 7 * HOUR + 1]), "a:b")


def cost_of(limit, rng):
    if limit.kind in {"leaky", "points"}:
        return Fraction(rng.randint(1, limit.n * 1000), 1000)
    return Fraction(rng.randint(1, min(limit.n, 3)))


def exact(limit):
    return Fraction(0) if limit.kind in {"concurrent", "bucket", "window"} else TOLERANCE


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_a_limit_gives_what_its_definition_allows(server, kind, seed):
    rng = random.Random(f"{kind} {seed}")
    limit = limit_of(kind, rng)
    lua, model, now = Lua(server.client, limit), Model(limit), START
    for step in range(100):
        now += rng.choice(
            [0, 1, limit.us // limit.n, limit.us // 3, limit.us - 1, limit.us, rng.randint(1, 2 * limit.us)]
        )
        cost, member = cost_of(limit, rng), f"m{step}"
        wait, room = lua.check(now, cost, member), model.room(now, cost)
        assert abs(lua.used(now) - model.used(now)) <= exact(limit)
        if wait == 0:
            assert room >= -exact(limit), f"step {step}: over the limit"
            lua.commit(now, cost, member)
            model.take(now, cost, member)
        else:
            assert room < exact(limit), f"step {step}: refused what there was"
            assert model.room(now + wait, cost) >= -exact(limit), f"step {step}: not even after the wait"
            assert model.room(now + wait - 1, cost) < exact(limit), f"step {step}: told to wait too long"


@pytest.mark.parametrize("kind", KINDS)
def test_who_waits_as_it_was_told_is_given(server, kind):
    rng, limit = random.Random(kind), Limit(kind, 3, HOUR, "told")
    lua, now, waited = Lua(server.client, limit), START, 0
    for step in range(100):
        cost = cost_of(limit, rng)
        wait = lua.check(now, cost, f"m{step}")
        now, waited = now + wait, waited + (wait > 0)

        assert lua.check(now, cost, f"m{step}") == 0
        lua.commit(now, cost, f"m{step}")
    assert waited > 10


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_burst_is_given_at_once_and_nothing_beyond(server, kind):
    lua = Lua(server.client, Limit(kind, 7, 7 * HOUR + 3, "burst"))
    for step in range(7):
        assert lua.check(START, 1, f"m{step}") == 0
        lua.commit(START, 1, f"m{step}")

    assert lua.check(START, 1, "late") > 0
    assert lua.used(START) == 7


@pytest.mark.parametrize("kind", KINDS)
def test_a_check_writes_nothing(server, kind):
    lua = Lua(server.client, Limit(kind, 2, HOUR, "still"))
    for step in range(2):
        lua.commit(START, 1, f"m{step}")
    before = server.snapshot()

    lua.check(START, 1, "x")
    lua.used(START)

    assert server.snapshot() == before


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_kept_lives_as_long_as_it_counts(server, kind):
    lua = Lua(server.client, Limit(kind, 10, HOUR, "brief"))
    now = int(float(server.client.time()[0]) * 1e6)
    for step in range(10):
        lua.commit(now, 1, f"m{step}")

    # A bucket's interval is under way.
    least = (HOUR - now % HOUR if kind == "bucket" else HOUR) / 1000
    assert least - 5000 <= server.client.pttl(lua.key) <= least + 1000


def test_a_window_keeps_no_more_than_it_needs(server):
    lua = Lua(server.client, Limit("window", 5, HOUR, "small"))
    for step in range(200):
        now = START + step * HOUR // 5
        assert lua.check(now, 1, "m") == 0
        lua.commit(now, 1, "m")

    assert server.client.zcard(lua.key) <= 5


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "concurrent"])
def test_a_clock_that_is_set_back_by_more_than_the_span_locks_nobody_out(server, kind):
    lua = Lua(server.client, Limit(kind, 2, HOUR, "back"))
    for step in range(2):
        lua.commit(START, 1, f"m{step}")

    earlier = START - 30 * HOUR

    assert lua.check(earlier, 1, "x") == 0
    lua.commit(earlier, 1, "x")
    assert lua.check(earlier, 1, "x") == 0
    lua.commit(earlier, 1, "x")
    assert 0 < lua.check(earlier, 1, "x") <= HOUR


@pytest.mark.parametrize("kind", KINDS)
def test_a_clock_that_is_set_back_a_little_gives_nothing_away(server, kind):
    lua = Lua(server.client, Limit(kind, 2, HOUR, "little"))
    base = START - START % HOUR + HOUR // 2
    for step in range(2):
        lua.commit(base, 1, f"m{step}")

    assert 0 < lua.check(base - HOUR // 4, 1, "x") <= 2 * HOUR
    assert 0 < lua.check(base - 3 * HOUR // 4, 1, "x") <= 2 * HOUR


@pytest.mark.parametrize("kind", KINDS)
def test_a_limit_whose_numbers_change_goes_on_with_what_was_taken(server, kind):
    Lua(server.client, Limit(kind, 5, HOUR, "grown")).commit(START, 1, "a")
    lua = Lua(server.client, Limit(kind, 2, HOUR, "grown"))
    lua.commit(START, 1, "b")

    assert lua.check(START, 1, "c") > 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_stranger_s_value_counts_as_nothing(server, kind):
    lua = Lua(server.client, Limit(kind, 1, HOUR, "strange"))
    if kind in {"concurrent", "window"}:
        server.client.zadd(lua.key, {"what is this": START - 1})
    else:
        server.client.set(lua.key, "what is this")
    server.client.expire(lua.key, 60)

    assert lua.check(START, 1, "x") == 0


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "window",
        "window:1:1",
        "window:1:1:",
        "window:0:1:a",
        "window:1:0:a",
        "window:x:1:a",
        "WINDOW:1:1:a",
        ":1:1:a",
    ],
)
def test_what_is_no_spec_is_no_limit(server, spec):
    script = server.client.register_script(
        scripts._source("lib/limit.lua") + '\nreturn limit_read(limit_key("", ARGV[1]), ARGV[1]) and 1 or 0'
    )

    assert read_spec(spec) is None
    assert script(args=[spec]) == 0


def test_a_spec_tells_all_of_a_limit():
    limit = Limit("leaky", 60, 60_000_000, "partner:acme:eu")

    assert limit.spec == "leaky:60:60000000:partner:acme:eu"
    assert read_spec(limit.spec) == limit
    assert read_spec("tumbling:60:60000000:partner") is None
