"""A step of a workflow begins when all that it waits for has succeeded, and gets their results by type."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date

import pytest

from batchwork import Yard
from mainspring import Discard, InvalidOption, WrongArguments
from mainspring.features.workflows import chain, chord, group, previous
from mainspring.store import keys


@dataclass
class Page:
    """What one step gives and another takes."""

    day: date
    lines: list[str]


class Press(Yard):
    """Jobs that give and take pages."""

    def __init__(self, server):
        super().__init__(server)
        self.load = self.job(self._load, "load")
        self.merge = self.job(self._merge, "merge")
        self.add = self.job(self._add, "add")

    def _load(self, day: date, word: str) -> Page:
        self.noted.append(word)
        return Page(day, [word])

    def _merge(self, pages: list[Page]) -> Page:
        return Page(pages[0].day, [line for page in pages for line in page.lines])

    def _add(self, page: Page, word: str = "") -> Page:
        if word == "refuse":
            raise Discard("as told")
        self.noted.append((page.day, *page.lines, word))
        return Page(page.day, [*page.lines, word])


TODAY = date(2026, 11, 22)


@pytest.fixture
def press(server):
    made = Press(server)
    yield made
    made.app.close()


def test_steps_run_after_those_they_wait_for(press):
    with press.app.flow("letters") as flow:
        first = flow.add(press.note.step("a"))
        second = flow.add(press.note.step("b"), after=[first])
        flow.add(press.note.step("c"), after=[first, second])
    assert press.queued() == 1

    press.run()

    assert [words[0] for words in press.noted] == ["a", "b", "c"]
    assert flow.batch.status().is_success


def test_a_result_goes_by_type_from_one_step_to_the_next(press):
    with press.app.flow() as flow:
        page = flow.add(press.load.step(TODAY, "one"))
        flow.add(press.add.step(page.result, word="two"))

    press.run()

    assert press.noted == ["one", (TODAY, "one", "two")]


def test_a_chain_hands_on_what_is_before_and_a_chord_a_list_of_all(press):
    loads = [press.load.step(TODAY, word) for word in "abc"]

    press.app.flow().add(chord([], press.note.step(previous())))
    flow = press.app.flow(on_success=press.note.step("done"))
    flow.add(chain(chord(loads, press.merge.step(previous())), press.add.step(previous(), word="d")))
    flow.start()
    press.run()

    assert sorted(press.noted[:3]) == ["a", "b", "c"]
    assert press.noted[3:] == [(TODAY, "a", "b", "c", "d"), ("done", flow.batch.bid)]


def test_shapes_stand_in_shapes(press):
    with press.app.flow() as flow:
        flow.add(
            chain(
                press.note.step("first"),
                group(chain(press.note.step("a1"), press.note.step("a2")), press.note.step("b")),
                press.note.step("last"),
            )
        )

    press.run()

    said = [words[0] for words in press.noted]
    assert said[0] == "first"
    assert said[-1] == "last"
    assert said.index("a1") < said.index("a2")


def test_an_empty_group_is_passed_and_gives_an_empty_list(press):
    with press.app.flow() as flow:
        flow.add(chain(press.note.step("a"), group(), press.note.step(previous())))

    press.run()

    assert [words[0] for words in press.noted] == ["a", []]


def test_a_step_that_fails_holds_back_what_comes_after_until_it_is_retried(press):
    with press.app.flow(on_success=press.note.step("done")) as flow:
        flow.add(chain(press.ends.step("later"), press.note.step("after")))

    press.run()
    assert press.noted == []
    press.retry_all()

    assert [words[0] for words in press.noted] == ["after", "done"]
    assert flow.batch.status().is_success


def test_a_dead_step_that_is_raised_goes_on_where_it_stopped(press):
    with press.app.flow(on_death=press.note.step("death")) as flow:
        flow.add(chain(press.note.step("before"), press.ends.step("die"), press.note.step("after")))
    press.run()
    assert [words[0] for words in press.noted] == ["before", "death"]

    (dead,) = press.app.dead
    press.server.client.zrem(keys.DEAD, dead.raw)
    press.server.client.rpush(keys.queue("default"), dead.raw.replace(b'"die"', b'"ok"'))
    press.run()

    assert [words[0] for words in press.noted] == ["before", "death", "after"]
    assert flow.batch.status().is_success


def test_what_waits_for_the_result_of_a_dropped_step_is_dead_and_what_does_not_goes_on(press):
    with press.app.flow() as flow:
        page = flow.add(press.load.step(TODAY, "one"))
        dropped = flow.add(press.add.step(page.result, word="refuse"))
        flow.add(press.add.step(dropped.result, word="never"))
        flow.add(press.note.step("goes on"), after=[dropped])

    press.run()

    assert press.noted == ["one", ("goes on", flow.batch.bid)]
    assert (flow.batch.status().dead, flow.batch.status().dropped) == (1, 1)
    assert [dead.error_class for dead in press.app.dead] == ["NoResult"]


def test_a_result_is_kept_no_longer_than_it_takes_to_hand_it_on(press, server):
    with press.app.flow() as flow:
        page = flow.add(press.load.step(TODAY, "one"))
        flow.add(press.add.step(page.result))

    press.run()

    assert all(0 < server.client.ttl(key) <= 60 for key in server.client.keys("mainspring:result:*"))


def test_a_workflow_in_the_block_of_a_batch_is_part_of_it(press):
    with press.app.batch("outer", on_success=press.note.step("outer")) as outer, press.app.flow("inner") as flow:
        flow.add(chain(press.note.step("a"), press.note.step("b")))
    assert flow.batch.parent() == outer

    press.run()

    assert [words[0] for words in press.noted] == ["a", "b", "outer"]


def test_a_block_that_raises_starts_nothing(press, server):
    with pytest.raises(ZeroDivisionError), press.app.flow() as flow:
        flow.add(press.note.step(1 // 0))

    assert server.client.keys("*") == []


def test_a_workflow_is_started_from_a_coroutine(press):
    async def main() -> None:
        async with press.app.flow() as flow:
            flow.add(chain(press.note.step("a"), press.note.step("b")))
        assert (await flow.batch.astatus()).total == 2
        await press.app.aclose()

    asyncio.run(main())
    press.run()

    assert [words[0] for words in press.noted] == ["a", "b"]


def test_a_workflow_of_thousands_of_steps_is_one(press):
    with press.app.flow() as flow:
        flow.add(chord([press.note.step(n) for n in range(2500)], press.note.step("total")))

    press.run()

    assert len(press.noted) == 2501
    assert press.noted[-1] == ("total", flow.batch.bid)


# --- what is refused ---------------------------------------------------------------------


def test_a_result_of_nothing_is_refused(press):
    with pytest.raises(InvalidOption, match="what is before it, and nothing is"):
        press.app.flow().add(chain(press.add.step(previous()), press.note.step(1)))


def test_a_step_of_another_workflow_is_refused(press):
    one = press.app.flow()
    node = one.add(press.load.step(TODAY, "one"))

    for add in (
        lambda flow: flow.add(press.add.step(node.result)),
        lambda flow: flow.add(press.note.step(1), after=[node]),
    ):
        with pytest.raises(InvalidOption, match="of another workflow"):
            add(press.app.flow())


def test_a_workflow_is_started_once(press):
    flow = press.app.flow()
    flow.add(press.note.step(1))
    flow.start()

    with pytest.raises(InvalidOption, match="has been started"):
        flow.start()
    with pytest.raises(InvalidOption, match="has been started"):
        flow.add(press.note.step(2))


def test_what_is_no_step_is_refused(press):
    with pytest.raises(InvalidOption, match="no step of a workflow"):
        press.app.flow().add(press.note)


def test_a_job_that_needs_its_arguments_beforehand_can_take_no_result(press):
    for options in (
        {"unique_for": "1h"},
        {"concurrency": 1, "concurrency_key": lambda a: a.n},
        {"fair_by": lambda a: a.n},
    ):
        flow = press.app.flow()
        tied = press.app.job(name=f"tied {next(iter(options))}", **options)(lambda n: None)
        with pytest.raises(InvalidOption, match="not known yet"):
            flow.add(chain(press.load.step(TODAY, "one"), tied.step(previous())))


def test_arguments_that_are_known_are_checked(press):
    flow = press.app.flow()
    page = flow.add(press.load.step(TODAY, "one"))
    flow.add(press.add.step(page.result, word=3))

    with pytest.raises(WrongArguments, match="word"):
        flow.start()
