"""Each callback of each batch is enqueued once, whoever is killed and whatever is cut; and nothing of a batch is left."""

from __future__ import annotations

import threading

import pytest

from mainspring.store.batches import EVENTS
from scenarios.batches import (
    Grove,
    Watch,
    dead_batches,
    deaths,
    is_everywhere_complete,
    left,
    told_moments,
    until_all_is_told,
)
from scenarios.harness import Supervisor, eventually
from scenarios.record import at_length, record

BATCHES = at_length(40, 1_000)
MOST = at_length(40, 500)
WAVES = at_length(4, 100)
#: Seconds between two kills: a worker takes long to start on a busy machine.
PERIOD = at_length(1.5, 1.5)
PATIENCE = at_length(60, 900)


class Killer:
    """Kills a worker with -9 again and again."""

    def __init__(self, supervisor):
        self.kills = 0
        self._supervisor = supervisor
        self._told = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._told.set()
        self._thread.join()

    def _run(self):
        while not self._told.wait(PERIOD):
            self._supervisor.kill()
            self.kills += 1


def told_of(office, proxy, mutant="", patience=PATIENCE):
    """Push batches through kills and cuts, let all of it end, and return what is to be judged."""
    grove = Grove(office, proxy.url, MOST)
    with Watch(office, grove) as watch, Supervisor(office, 2, mutant=mutant, concurrency=4) as supervisor:
        for process in office.processes:
            process.ready()
        proxy.cut_connections(0.03)
        with Killer(supervisor) as killer:
            for wave in range(1, WAVES + 1):
                grove.grow(BATCHES * wave // WAVES)
                eventually(lambda wave=wave: killer.kills >= wave, 20)
            eventually(lambda: is_everywhere_complete(office, grove), patience)
        proxy.be_good()
        grove.close()
        died = deaths(grove, dead_batches(office))
        office.oracle.with_name("oracle.amnesty").touch()
        office.app.dead.retry_all()
        names = {each.name for tree in grove.trees for each in tree.all()}
        expected = {(name, event) for name in names for event in EVENTS if event != "death" or name in died}
        until_all_is_told(office, grove, expected, patience)
        eventually(lambda: not office.in_flight() and not office.server.client.llen("queue:default"), patience)
    return grove, watch, killer, expected


def test_each_callback_is_enqueued_once_and_no_key_is_left(proxied):
    office, proxy = proxied()

    grove, watch, killer, expected = told_of(office, proxy)

    moments = told_moments(office)
    again = sum(len(when) - 1 for when in moments.values())
    eventually(lambda: not left(office), 30)
    record(
        "F30",
        f"{BATCHES:,} batches of 1 to {MOST} jobs, 3 deep, with retries and deaths; workers killed, connections cut",
        "each callback enqueued once; pending never below 0; no key left",
        batches=grove.size(),
        jobs=sum(each.size for tree in grove.trees for each in tree.all()),
        callbacks=len(moments),
        enqueued_again=again,
        below_zero=watch.below_zero,
        keys_left=len(left(office)),
        kills=killer.kills,
        cut=proxy.cut,
        seed=office.seed,
    )
    assert moments.keys() == expected
    assert again == 0
    assert watch.below_zero == 0
    assert watch.looks > 10
    assert killer.kills > 1
    assert proxy.cut


@pytest.mark.parametrize("mutant", ["mutants_batches.fires_again", "mutants_batches.counts_again"])
def test_the_checker_finds_a_batch_that_counts_or_tells_twice(proxied, mutant):
    office, proxy = proxied()

    try:
        _, watch, _, _ = told_of(office, proxy, mutant, 10)
    except AssertionError:
        return

    again = sum(len(when) - 1 for when in told_moments(office).values())
    assert again or watch.below_zero
