"""Whatever a period and its `at` are: from any instant the same ticks, forward and back, in one order."""

from __future__ import annotations

import heapq
from itertools import groupby, islice

from hypothesis import assume, given
from hypothesis import strategies as st

from mainspring.schedule import every
from mainspring.schedule.every import Union
from mainspring.schedule.zones import DSTS

DAY = 86_400
ZONES = ["UTC", "Asia/Kolkata", "Europe/Paris", "America/New_York", "Asia/Beirut", "Antarctica/Troll", "Australia/Lord_Howe"]  # fmt: skip

TEXTS = st.builds(
    "{}{}:{}".format,
    st.sampled_from(["", "", "mon ", "sun "]),
    st.sampled_from(["**", "00", "01", "02", "03", "12", "23"]),
    st.sampled_from(["**", "00", "15", "30", "59"]),
).filter(lambda at: not at.endswith("**:**"))
PERIODS = st.one_of(
    st.floats(1, 200).map(lambda period: round(period, 1)),
    st.integers(1, 48 * 60).map(lambda minutes: 60 * minutes),
    st.integers(1, 30).map(lambda days: DAY * days),
)
#: Up to the year 2030, in milliseconds.
INSTANTS = st.integers(1_735_689_600_000, 1_893_456_000_000).map(lambda ms: ms / 1000)


def rules(ats):
    return st.builds(
        lambda period, at, zone, dst, anchor: every.rule(period, at, zone, dst=dst).anchored(anchor),
        PERIODS,
        ats,
        st.sampled_from(ZONES),
        st.sampled_from(DSTS),
        INSTANTS,
    )


ONE = rules(st.none() | TEXTS)
ANY = rules(st.none() | TEXTS | st.lists(TEXTS, min_size=1, max_size=3))


def onward(rule, t):
    while (t := rule.after(t)) is not None:
        yield t


def back(rule, t):
    while (t := rule.before(t)) is not None:
        yield t


@given(ANY, INSTANTS)
def test_what_is_after_is_later_and_what_is_before_is_earlier(rule, t):
    later, earlier = rule.after(t), rule.before(t)

    assert later > t
    assert earlier is None or earlier < t
    assert later == round(later, 3)
    assert rule.before(later) in {earlier, t}
    assert rule.before(later + 0.001) == later


@given(ANY, INSTANTS, INSTANTS)
def test_later_asked_nothing_earlier_is_told(rule, one, other):
    first, second = sorted((one, other))

    assert rule.after(first) <= rule.after(second)
    assert (rule.before(first) or 0) <= (rule.before(second) or 0)


@given(ANY, INSTANTS)
def test_the_way_back_is_the_way_there(rule, t):
    there = list(islice(onward(rule, t), 40))

    assert list(islice(back(rule, there[-1] + 0.001), 40)) == there[::-1]


@given(ANY, INSTANTS, st.floats(0, 1))
def test_a_restart_at_any_instant_changes_nothing(rule, t, part):
    there = list(islice(onward(rule, t), 30))
    restart = round(there[0] + part * (there[-1] - there[0]), 3)

    assert list(islice(onward(rule, t), 30)) == there
    rest = [tick for tick in there if tick > restart]
    assert list(islice(onward(rule, restart), len(rest))) == rest


@given(ONE, INSTANTS)
def test_what_counts_from_an_anchor_begins_with_it(rule, anchor):
    anchored = rule.anchored(anchor)
    # All else counts from nothing, and stays as it is.
    assume(anchored != rule)

    first = anchored.after(anchor - 0.001)
    assert anchored.after(anchor - 60 * DAY) == first
    assert anchored.before(first) is None


@given(st.lists(ANY, min_size=1, max_size=4), INSTANTS)
def test_a_union_is_the_merge_of_its_parts(parts, t):
    merged = (tick for tick, _same in groupby(heapq.merge(*(onward(part, t) for part in parts))))
    there = list(islice(onward(Union(tuple(parts)), t), 40))

    assert there == list(islice(merged, 40))
    assert list(islice(back(Union(tuple(parts)), there[-1] + 0.001), 40)) == there[::-1]


@given(st.lists(ANY, min_size=1, max_size=3), INSTANTS, INSTANTS)
def test_a_union_is_anchored_part_by_part(parts, anchor, t):
    union = Union(tuple(parts)).anchored(anchor)

    assert union.after(t) == min(part.anchored(anchor).after(t) for part in parts)
