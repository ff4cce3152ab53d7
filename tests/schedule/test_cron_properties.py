"""Whatever is asked of whatever expression: the next tick is later, matches, and leads back."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mainspring.base.errors import InvalidSchedule
from mainspring.schedule import crontab, dialect
from mainspring.schedule.crontab import Crontab
from mainspring.schedule.every import Union
from mainspring.schedule.words import cron_in_words
from schedule.reference import Reference, timeline

ZONES = ["UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Casablanca", "Pacific/Apia", "Asia/Tehran"]  # fmt: skip
# Within the years of zones that change; a tick may lie beyond them.
INSTANTS = st.integers(631_152_000_000, 2_145_916_800_000).map(lambda ms: ms / 1000)


def numbers(low: int, high: int) -> st.SearchStrategy[str]:
    """Write lists of values, ranges and steps."""
    value = st.integers(low, high).map(str)
    span = st.builds("{}-{}".format, value, value)
    step = st.builds("{}/{}".format, st.just("*") | value, st.integers(1, high - low + 1))
    return st.lists(value | span | step | st.just("*"), min_size=1, max_size=3).map(",".join)


DAYS = numbers(1, 31) | st.sampled_from(["L", "LW", "1W", "15W", "31W", "?", "L,15"])
WEEKDAYS = numbers(0, 6) | st.sampled_from(["mon-fri", "fri-mon", "SUN#1", "mon#-1", "5L", "wed#5,thursday"])
EXPRESSIONS = st.builds(
    "{} {} {} {} {}{}".format,
    numbers(0, 59),
    numbers(0, 23),
    st.just("*") | DAYS,
    st.just("*") | numbers(1, 12),
    st.just("*") | WEEKDAYS,
    st.sampled_from(["", "&"]),
)
RULES = st.tuples(EXPRESSIONS, st.sampled_from(ZONES), st.sampled_from(["vixie", "skip", "both"]))


def parsed(expression: str, zone: str, dst: str) -> Crontab:
    try:
        return crontab.parse(expression, zone, dst=dst)
    except InvalidSchedule as refused:
        assume("no such date ever comes" not in str(refused))
        raise


@settings(deadline=None)
@given(RULES, INSTANTS)
def test_the_next_tick_is_later_and_matches(written, t):
    tick = parsed(*written).after(t)

    assume(tick is not None)
    assert tick > t
    expression, zone, dst = written
    moment = timeline(zone, int(tick) - 4 * 3600, int(tick) + 60)[-1]
    assert moment.at == tick
    assert Reference(expression, dst).is_due(moment)


@settings(deadline=None)
@given(RULES, INSTANTS)
def test_before_and_after_lead_back_to_each_other(written, t):
    rule = parsed(*written)
    following, last = rule.after(t), rule.before(t)

    assume(following is not None and last is not None)
    assert last < t < following or rule.after(last) == t == rule.before(following)
    assert rule.before(following) <= t
    assert rule.after(last) >= t
    assert rule.after(rule.before(following)) == following
    assert rule.before(rule.after(last)) == last


@settings(deadline=None)
@given(RULES, INSTANTS, st.integers(0, 10**7))
def test_a_later_question_has_no_earlier_answer(written, t, later):
    rule = parsed(*written)
    first, second = rule.after(t), rule.after(t + later / 10)

    assume(second is not None)
    assert first <= second


@settings(deadline=None)
@given(st.lists(RULES, min_size=1, max_size=3), INSTANTS)
def test_the_ticks_of_a_union_are_those_of_its_parts_each_once(written, t):
    rules = tuple(parsed(*each) for each in written)
    union, merged = Union(rules), set()

    ticks = walked(union, t, 10)

    for rule in rules:
        merged.update(walked(rule, t, 10))
    assert ticks == sorted(merged)[:10]


def walked(rule, t, count):
    found = []
    while len(found) < count and (t := rule.after(t)) is not None:
        found.append(t)
    return found


@given(EXPRESSIONS)
def test_whatever_can_be_parsed_can_be_said(expression):
    assume("no" not in expression)
    words = cron_in_words(expression)

    assert words == expression or words.startswith(("every ", "at "))


@given(st.text(max_size=30) | st.text("0123456789*/-,LWH#&?() monfriTZ=@every", max_size=30))
def test_whatever_is_written_is_read_or_refused_with_a_reason(text):
    assert cron_in_words(text) is not None
    try:
        rule = crontab.parse(text, "UTC", name="any")
    except InvalidSchedule:
        return
    assert rule.after(0) is not None
    assert dialect.read(rule.text).text == rule.text
