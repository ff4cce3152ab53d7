"""Whatever answer is lost and wherever a connection is cut: a call that is made again does what it does once."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from machine.mutants import MUTANTS
from mainspring.store import scripts
from scenarios.byhand import CALLED, Hand
from scenarios.proxy import Proxy
from scenarios.record import at_length, record

#: What makes a second call another than the first.
SLIPS = {
    mutant.slip: mutant
    for mutant in MUTANTS
    if mutant.slip
    in {
        "a push that is sent again is made again",
        "a repeated fetch takes other jobs",
        "a success is counted by whoever says so",
        "an outcome is recorded by whoever says so",
        "two forwarders move a job twice",
    }
}


@pytest.fixture
def seed() -> int:
    return random.SystemRandom().randrange(10**6)


@pytest.fixture
def proxy(server, seed) -> Iterator[Proxy]:
    made = Proxy(server.socket_path, seed)
    yield made
    made.close()


def test_connections_are_cut_at_a_random_byte_of_every_call(server, proxy, seed):
    hand, resets = Hand(proxy.url, server.client), at_length(300, 10_000)
    proxy.cut_connections(0.2)

    while proxy.cut < resets:
        hand.round()

    record(
        "F8",
        f"{resets:,} connections reset at a random byte of any call of a producer and a worker",
        "LOST 0; push DUP 0; retry-set DUP 0; each run counted once",
        lost=0,
        dup=0,
        calls_made_again=hand.again,
        rounds=hand.rounds,
        miscounted=hand.miscounted(),
        seed=seed,
    )
    # What was lost or doubled would have failed its round.
    assert hand.miscounted() == 0


def test_the_answers_of_each_script_are_lost_again_and_again(server, proxy, seed):
    hand, times = Hand(proxy.url, server.client), at_length(20, 5_000)

    # Every other call of any script; so each is made twice, and its first answer lost.
    proxy.lose_answers("EVALSHA", every=2)
    while hand.rounds < times:
        hand.round()

    record(
        "F9",
        f"{times:,} or more answers lost of each of {len(CALLED)} scripts: {', '.join(CALLED)}",
        "a fetch gives the same jobs again; one push is one job; nothing stranded",
        answers_lost=proxy.lost,
        rounds=hand.rounds,
        miscounted=hand.miscounted(),
        seed=seed,
    )
    assert proxy.lost >= times * len(CALLED)
    assert hand.miscounted() == 0


def misses(hand: Hand) -> int:
    for _ in range(5):
        hand.round()
    return hand.miscounted()


@pytest.mark.parametrize("slip", SLIPS)
def test_the_checker_finds_scripts_that_cannot_be_called_again(server, proxy, monkeypatch, slip):
    monkeypatch.setattr(scripts, "load", SLIPS[slip].script_of)
    hand = Hand(proxy.url, server.client)
    proxy.lose_answers(SLIPS[slip].script, every=2)

    with pytest.raises(AssertionError):
        assert misses(hand) == 0
