"""Where a job cannot run, it is refused when it is made, and the refusal says where it can."""

from __future__ import annotations

import pytest

from mainspring import App, InvalidOption


def plain() -> None:
    """Do nothing."""


async def awaited() -> None:
    """Do nothing either."""


@pytest.mark.parametrize(("function", "place"), [(plain, "async"), (awaited, "thread")])
def test_a_place_that_cannot_run_it_is_refused(function, place):
    with pytest.raises(InvalidOption, match=f'runs_in="{place}".*leave runs_in out'):
        App("redis://nowhere").job(runs_in=place)(function)


@pytest.mark.parametrize(
    ("function", "place"), [(plain, "thread"), (awaited, "async"), (plain, "process"), (awaited, "process")]
)
def test_a_place_that_can_run_it_is_taken(function, place):
    job = App("redis://nowhere").job(runs_in=place)(function)

    assert job.options.runs_in == place
    assert job.tie is None


def test_a_place_that_there_is_not_is_refused():
    with pytest.raises(InvalidOption, match="runs_in"):
        App("redis://nowhere").job(runs_in="cloud")(plain)
