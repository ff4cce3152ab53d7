"""What a job carries of flow control is read whatever a stranger wrote there: what makes no sense is not there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.base import flow
from mainspring.base.flow import Flow

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("lock", "unique_for", "until", "bid", "n", "gates", "expires_at", "timeout", "result_ttl", "encrypt")


def test_a_plain_job_has_none():
    assert flow.read(None) is None
    assert flow.read([]) is None
    assert flow.read("lock") is None


def test_what_we_write_is_read():
    found = flow.read(
        {"lock": "ab", "unique_for": 60, "until": "start", "bid": "b1", "n": 3, "gates": ["a", "b"], "timeout": 2}
    )

    assert found == Flow("ab", 60.0, "start", "b1", 3, ("a", "b"), timeout=2.0)


@pytest.mark.parametrize("wrong", [-1, True, "soon", None, [], 10**400, 1e306, 1.1e10], ids=repr)
def test_one_wrong_field_leaves_the_others(wrong):
    found = flow.read({"timeout": wrong, "lock": "ab"})

    assert found == Flow("ab")


@pytest.mark.parametrize("gates", [["a,b"], ["", "x"], [1], "abc", ["g"] * 17])
def test_gates_that_scripts_could_not_take_apart_are_none(gates):
    found = flow.read({"gates": gates})

    assert found == Flow()


@given(st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=4), ANYTHING, max_size=6))
def test_nothing_that_json_can_say_makes_it_fail(field):
    found = flow.read(field)

    assert isinstance(found, Flow)
    assert found.timeout is None or found.timeout >= 0
    assert all("," not in gate for gate in found.gates)


def test_a_job_is_tied_by_a_lock_a_batch_or_gates_only():
    assert not Flow(timeout=3.0, result_ttl=5.0, expires_at=1.0).is_tied
    assert not Flow(batch="b").is_tied
    assert Flow(lock="x").is_tied
    assert Flow(batch="b", number=0).is_tied
    assert Flow(gates=("g",)).is_tied
