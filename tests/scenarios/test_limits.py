"""Fifty contenders, of whom some are killed, never get more than a limiter allows; a dead holder's slot comes back."""

from __future__ import annotations

import pytest

from mainspring import App
from scenarios.limits import Crowd, Grant, Rule
from scenarios.program import boot_time
from scenarios.record import LONG, at_length, record
from support import until

BAR = "never over the limit; a dead holder's slot back within its time"
ACQUIRES = at_length(1_200, 100_000)
KILLS = at_length(2, 20)
N, SPAN = at_length((400, 0.5), (1_000, 0.5))

RULES = {
    "concurrent": Rule("concurrent", 10, 5.0),
    "bucket": Rule("bucket", N, SPAN),
    "window": Rule("window", N, SPAN),
    "leaky": Rule("leaky", N, SPAN),
    "points": Rule("points", N, SPAN),
}
HOLD = 0.002


def contended(server, directory, kind, *, acquires=ACQUIRES, kills=KILLS, mutant="", rule=None, hold=HOLD):
    """Let fifty contend for a limiter of a kind, and return the crowd."""
    crowd = Crowd(rule or RULES[kind], server.url, directory, hold=hold if kind == "concurrent" else 0.0, mutant=mutant)
    with crowd:
        crowd.contend(acquires, kills)
    return crowd


@pytest.mark.parametrize("kind", RULES)
def test_fifty_contenders_never_get_more_than_there_is(server, tmp_path, kind):
    crowd = contended(server, tmp_path, kind)

    grants = crowd.grants()
    over = crowd.rule.excess(grants)
    record(
        "F29",
        f"{kind}: 50 contenders for {crowd.rule.n}, processes killed with -9",
        BAR,
        acquires=len(grants),
        over=over,
        killed=len(crowd.killed),
        longest_wait_s=round(max(each.got - each.sent for each in grants), 2),
        seed=crowd.seed,
    )
    assert over == 0
    assert len(grants) > 0.9 * ACQUIRES
    assert len(crowd.killed) == KILLS


def dead_holders(server, directory, mutant=""):
    """Let holders of all slots be killed; return until when their slots count, and the crowd."""
    rule = Rule("concurrent", 5, 2.0)
    with Crowd(rule, server.url, directory, hold=600.0, mutant=mutant) as crowd:
        process = crowd.start(threads=5)
        until(lambda: crowd.oracle.exists() and len(crowd.grants()) == 5)
        crowd.kill(process)
    return rule, crowd


def test_the_slots_of_the_dead_come_back_when_their_time_is_over(server, tmp_path):
    app = App(server.url)
    rule, crowd = dead_holders(server, tmp_path)
    limiter = app.limiter.concurrent("contended", rule.n, ttl=rule.span, wait=60)

    sent = boot_time()
    assert limiter(cost=rule.n).acquire()
    got = boot_time()

    after_death = round(got - max(crowd.killed.values()), 2)
    record(
        "F29",
        "concurrent: a process that holds all slots is killed with -9",
        BAR,
        ttl_s=rule.span,
        back_after_s=after_death,
    )
    # All five at once: none of them came back before its time.
    assert rule.excess([*crowd.grants(), *[Grant(sent, got)] * rule.n]) == 0
    assert after_death < rule.span + 3
    app.close()


# --- the judge must be able to find faults -----------------------------------------------------


@pytest.mark.skipif(LONG, reason="the same at any length")
@pytest.mark.parametrize(
    ("kind", "mutant"),
    [
        ("concurrent", "one_slot_more"),
        ("bucket", "no_sum"),
        ("leaky", "leaks_twice"),
        ("points", "leaks_twice"),
    ],
)
def test_a_crowd_that_gets_too_much_is_noticed(server, tmp_path, kind, mutant):
    # So little that a crowd on a slow machine wants more as well, and for so long that what is certain of each
    # grant, whose call may have been under way for a while, is enough.
    rule = RULES[kind] if kind == "concurrent" else Rule(kind, 100, 1.0)
    fault = f"mutants_limits.{mutant}"
    crowd = contended(server, tmp_path, kind, acquires=400, kills=0, mutant=fault, rule=rule, hold=0.03)

    assert crowd.rule.excess(crowd.grants()) > 0


@pytest.mark.skipif(LONG, reason="the same at any length")
def test_a_window_of_which_one_half_is_looked_at_is_noticed(server, tmp_path):
    """Who waits does so for as long as a whole window takes; so it shows to those that come in its second half."""
    rule = Rule("window", 100, 3.0)
    with Crowd(rule, server.url, tmp_path, mutant="mutants_limits.half_window") as crowd:
        crowd.start(threads=50)
        until(lambda: crowd.oracle.exists() and crowd.count() >= rule.n)
        last = max(each.got for each in crowd.grants())
        until(lambda: boot_time() > last + rule.span / 2)
        crowd.start(threads=50)
        until(lambda: crowd.count() >= 2 * rule.n)

    assert rule.excess(crowd.grants()) > 0


@pytest.mark.skipif(LONG, reason="the same at any length")
def test_slots_that_never_come_back_are_noticed(server, tmp_path):
    app = App(server.url)
    rule, _ = dead_holders(server, tmp_path, mutant="mutants_limits.held_too_long")

    assert not app.limiter.concurrent("contended", rule.n, ttl=rule.span, wait=rule.span + 1)(cost=rule.n).acquire()
    server.flush()
    app.close()


def test_the_judge_knows_the_limit_from_one_more():
    grants = [Grant(at / 100, at / 100 + 0.001, at / 100 + 0.5) for at in range(100)]

    assert Rule("window", 50, 0.5).excess(grants) == 0
    assert Rule("window", 49, 0.5).excess(grants) > 0
    assert Rule("leaky", 51, 1.0).excess(grants) == 0 == Rule("points", 1, 0.0099).excess(grants)
    assert Rule("leaky", 40, 1.0).excess(grants) > 0
    assert Rule("concurrent", 50, 9.0).excess(grants) == 0
    assert Rule("concurrent", 49, 9.0).excess(grants) == 1
    assert Rule("bucket", 100, 1000.0).excess(grants) == 0
    assert Rule("bucket", 10, 1000.0).excess(grants) > 0
