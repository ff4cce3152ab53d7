"""Whatever a store has lost, and whatever changed while a clock did not see it, no tick runs again that a clock knows of."""

from __future__ import annotations

from clock.stored import anchor, drained, jobs, names, ran
from mainspring.base.errors import StoreUnavailable
from mainspring.schedule import ticks
from mainspring.store import entries, keys
from support import until


def served(watched):
    """Return the names of the entries that a clock serves."""
    return set(watched.clock._dial._hands)


def test_a_store_that_lost_its_data_is_defined_anew(server, clocks):
    watched = clocks(server.url, lambda s: (s.cron("* * * * *", "minutely"), s.every("1h", "hourly", args=[1])))
    ran(server, watched, 90)
    watched.step()
    drained(server)
    server.flush()

    settled = watched.poll()

    assert names(server) == served(watched) == {"minutely", "hourly"}
    # The period begins anew, and the minutes that have run do not run again.
    assert [tick.entry for tick in settled if tick.at % 60] == ["hourly"]


def test_two_clocks_agree_on_a_store_that_lost_its_data_whoever_comes_first(server, clocks):
    one, two = (clocks(server.url, lambda s: s.every("1h", "hourly")) for _ in range(2))
    one.step()
    two.step()
    server.flush()

    one.poll()
    two.poll()

    assert {watched.clock._dial.get("hourly").rule.anchor for watched in (one, two)} == {anchor(server, "hourly")}
    assert len(jobs(server)) == 1


def test_a_store_that_went_back_to_an_older_state_does_not_make_a_clock_run_again_what_it_knows_to_have_run(
    server, clocks
):
    watched = clocks(server.url, lambda s: s.every("10m", "sweep", missed="all"))
    last = ran(server, watched, 35 * 60)
    assert [tick.at for tick in until(watched.step)] == [last + 600]
    while len(jobs(server)) < 3:
        watched.step()
    drained(server)

    # As after a failover to a replica that lagged, or from a backup.
    server.client.hset(keys.periodic_entry("", "sweep"), "last", ticks.text(last))
    server.client.set(keys.periodic_version(""), 1)

    assert watched.poll() == []
    assert watched.clock._dial.get("sweep").tick == last + 4 * 600


def test_entries_that_changed_while_a_clock_was_cut_off_are_those_it_serves_afterwards(server, clocks):
    watched = clocks(server.url, lambda s: [s.every("1h", name) for name in ("paused", "kept", "deleted")])
    watched.step()
    store, run = watched.office.store, watched.office.store.run

    def gone(command):
        raise StoreUnavailable("gone", applied=False)

    store.run = gone
    watched.office.lapse(1)
    watched.clock.step()
    store.run = run
    store.run(entries.pause("", "paused"))
    made = watched.office.schedule.every_entry("1h", "dynamic")
    store.run(entries.define("", [watched.office.definition(made)], origin="api"))
    server.client.delete(keys.periodic_entry("", "deleted"))
    server.client.zrem(keys.periodic_names(""), "deleted")

    watched.office.lapse(5)
    settled = watched.step()

    # What stands in code is defined again.
    assert {tick.entry for tick in settled} == {"dynamic", "deleted"}
    assert served(watched) == {"kept", "dynamic", "deleted"}
