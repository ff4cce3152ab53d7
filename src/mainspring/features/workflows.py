"""Workflows: jobs that wait for one another and hand their results on; a batch with a graph.

A step is pushed by the script that settles the last of those it waits for. What it takes of
them is put into its arguments there, as the JSON that it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeAlias, TypeVar, cast, overload

from mainspring.base import codec
from mainspring.base.durations import Duration
from mainspring.base.errors import InvalidOption
from mainspring.features.batches import LINGER, Batch, Batching, Callbacks, Filling, Host, Linked, new_batch
from mainspring.job import Draft, Job, Step
from mainspring.push import Push

R = TypeVar("R")

#: What stands in a workflow: steps, one after the other or beside each other.
Shape: TypeAlias = "Step[Any] | Chain | Group"

# The results that steps take are put into their arguments when the step that gives them is settled, and not read later.
_RESULT_TTL: Final = 60


class Chain:
    """Shapes one after the other; made by `chain`."""

    def __init__(self, parts: Sequence[Shape]) -> None:
        """Keep them."""
        self.parts = parts


class Group:
    """Shapes beside each other; made by `group`."""

    def __init__(self, parts: Sequence[Shape]) -> None:
        """Keep them."""
        self.parts = parts


def chain(*parts: Shape) -> Chain:
    """Return *parts* to run one after the other, each when the one before has succeeded.

    Example:
        ``chain(load.step(day), clean.step(previous()), report.step(previous()))``
    """
    return Chain(parts)


def group(*parts: Shape) -> Group:
    """Return *parts* to run beside each other; what comes after them waits for all of them, and there may be none."""
    return Group(parts)


def chord(parts: Sequence[Shape], callback: Shape) -> Chain:
    """Return *parts* to run beside each other, and *callback* when all of them have succeeded.

    Example:
        ``chord([count.step(page) for page in pages], total.step(previous()))``
    """
    return Chain((Group(parts), callback))


class _Gap:
    """Stands for a result that is not there yet; without a node for that of whatever comes before in a chain."""

    def __init__(self, node: Node[Any] | None = None) -> None:
        self.node = node

    def __repr__(self) -> str:
        return "previous()" if self.node is None else f"{self.node!r}.result"


def previous() -> Any:
    """Return what stands, among a step's arguments, for the result of what comes before it in its chain.

    After a group that is a list of results, in the group's order.
    """
    return _Gap()


class Node(Generic[R]):
    """A step in its workflow.

    Attributes:
        number: Its number there, counted from 0.
        step: The job and its arguments.
        after: The numbers of the steps that it waits for.
    """

    def __init__(self, number: int, step: Step[R], after: frozenset[int]) -> None:
        """Keep them; `Workflow.add` makes nodes."""
        self.number = number
        self.step = step
        self.after = after

    def __repr__(self) -> str:
        """Show its number and its job's name."""
        return f"<Node {self.number} {self.step.job.name}>"

    @property
    def result(self) -> R:
        """What stands for its result among the arguments of a later step, which waits for it therefore."""
        return cast("R", _Gap(self))


class _Ends:
    """What a shape ends with: the nodes to wait for, and its result as arguments take it."""

    def __init__(self, nodes: frozenset[int], result: object) -> None:
        self.nodes = nodes
        self.result = result


class Workflow:
    """Jobs that wait for one another, put together step by step and started as one.

    Example:
        .. code-block:: python

            with app.flow("nightly") as flow:
                rows = flow.add(load.step(day))
                flow.add(report.step(rows.result))
                flow.add(clean_up.step(), after=[rows])
            flow.batch.join()

    Attributes:
        batch: The batch that it is.
    """

    def __init__(self, batch: Batch, filling: Filling) -> None:
        """Begin without steps; `App.flow` does.

        Args:
            batch: The batch that it will be.
            filling: What it is sent with.
        """
        self.batch = batch
        self._filling = filling
        self._nodes: list[Node[Any]] = []
        self._is_started = False

    def __enter__(self) -> Self:
        """Put steps together in this block, at the end of which they are started; none if it raises."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Start it, unless the block raised; raises as `start`."""
        if error is None:
            self.start()

    async def __aenter__(self) -> Self:
        """Put steps together in this block; as ``with``."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Start it, unless the block raised."""
        if error is None:
            await self.astart()

    @overload
    def add(self, shape: Step[R], *, after: Sequence[Node[Any]] = ()) -> Node[R]: ...

    @overload
    def add(self, shape: Chain | Group, *, after: Sequence[Node[Any]] = ()) -> Sequence[Node[Any]]: ...

    def add(self, shape: Shape, *, after: Sequence[Node[Any]] = ()) -> Node[Any] | Sequence[Node[Any]]:
        """Add a step, or several in a shape.

        Args:
            shape: A job with its arguments (`Job.step`), or such in a `chain`, `group` or `chord`.
            after: Steps that must have succeeded before it begins, besides those whose results it takes.

        Returns:
            The node of a step; the nodes with which a shape ends.

        Raises:
            InvalidOption: If it takes a result that nothing before it gives, or its job cannot take one.
        """
        if self._is_started:
            raise InvalidOption("this workflow has been started; its jobs may add to its batch: App.current_batch")
        for node in after:
            self._own(node)
        ends = self._place(shape, _Ends(frozenset(node.number for node in after), None))
        if isinstance(shape, Step):
            return self._nodes[next(iter(ends.nodes))]
        return [self._nodes[number] for number in sorted(ends.nodes)]

    def start(self) -> Batch:
        """Push it, in one unit; inside of the block of an open batch, as part of that.

        Raises:
            WrongArguments: If the arguments of a step do not fit.
            PushFailed: If it is certainly not stored.
            PushAmbiguous: If nobody can tell.
        """
        if self._fill():
            self._filling.send()
        return self.batch

    async def astart(self) -> Batch:
        """Push it from a coroutine; as `start`."""
        if self._fill():
            await self._filling.asend()
        return self.batch

    # --- placing steps ---------------------------------------------------------------

    def _place(self, shape: Shape, before: _Ends) -> _Ends:
        match shape:
            case Step():
                return self._place_step(shape, before)
            case Chain(parts=parts):
                for part in parts:
                    before = self._place(part, before)
                return before
            case Group(parts=parts):
                ends = [self._place(part, before) for part in parts]
                nodes = frozenset(number for each in ends for number in each.nodes)
                return _Ends(nodes or before.nodes, [each.result for each in ends])
        raise InvalidOption(f"{shape!r} is no step of a workflow: write job.step(...), chain, group or chord")

    def _place_step(self, step: Step[Any], before: _Ends) -> _Ends:
        args = [_with_previous(value, before.result) for value in step.args]
        kwargs = {name: _with_previous(value, before.result) for name, value in step.kwargs.items()}
        gaps = [gap for value in (*args, *kwargs.values()) for gap in _gaps(value)]
        given = frozenset(self._giver(step, gap) for gap in gaps)
        node: Node[Any] = Node(len(self._nodes), Step(step.job, args, kwargs), before.nodes | given)
        self._nodes.append(node)
        return _Ends(frozenset({node.number}), _Gap(node))

    def _giver(self, step: Step[Any], gap: _Gap) -> int:
        """Return the number of the node whose result *step* takes."""
        if gap.node is None:
            raise InvalidOption(f"{step!r} takes the result of what is before it, and nothing is")
        options = step.job.options
        if options.encrypt or options.unique_for or options.concurrency_key or options.fair_by:
            raise InvalidOption(
                f"{step!r} takes a result, so its arguments are not known yet; its job must not be encrypted,"
                " unique, or limited by them"
            )
        if gap.node.step.job.options.encrypt:
            raise InvalidOption(f"{step!r} takes the result of {gap.node!r}, whose job is encrypted")
        return self._own(gap.node)

    def _own(self, node: Node[Any]) -> int:
        if not 0 <= node.number < len(self._nodes) or self._nodes[node.number] is not node:
            raise InvalidOption(f"{node!r} is a step of another workflow")
        return node.number

    # --- making jobs of them ------------------------------------------------------------

    def _fill(self) -> bool:
        """Make jobs of all steps; return False if they go with the open batch around."""
        if self._is_started:
            raise InvalidOption("this workflow has been started already")
        followers: list[list[int]] = [[] for _ in self._nodes]
        takes: set[int] = set()
        for node in self._nodes:
            for number in node.after:
                followers[number].append(node.number)
            takes |= {gap.node.number for gap in _gaps([*node.step.args, *node.step.kwargs.values()]) if gap.node}
        filling, graph = self._filling, []
        for node in self._nodes:
            push = self._push(node, is_taken=node.number in takes)
            filling.fresh.append(Linked(push, len(node.after), followers[node.number]))
            graph.append({"job": push.name, "jid": push.jid, "after": sorted(node.after)})
        filling.fields = {**filling.fields, "graph": codec.encode(graph), "steps": len(graph)}
        filling.join()
        filling.close()
        self._is_started = True
        return filling.above is None

    def _push(self, node: Node[Any], *, is_taken: bool) -> Push:
        client, step = self._filling.desk.client, node.step
        job: Job[Any, Any] = step.job
        if is_taken and job.options.result_ttl is None:
            job = job.using(result_ttl=_RESULT_TTL)
        args, kwargs = job.arguments.bind_around(step.args, step.kwargs, lambda value: bool(_gaps(value)))
        bid = self.batch.bid
        filled = {name: _filled(value, bid) for name, value in kwargs.items()}
        push = client.record(job.name, [_filled(value, bid) for value in args], filled, job.options)
        if job.tie is not None:
            at = push.fields["created_at"] if push.at is None else push.at
            job.tie(Draft(push.fields, at, step.args, step.kwargs, job))
        if not client.prepare(push):
            raise InvalidOption(f"a middleware stopped {step!r}: what comes after it would wait for ever")
        return push


def _with_previous(value: object, result: object) -> object:
    """Return an argument with the result of what comes before in the place of `previous()`."""
    if isinstance(value, _Gap):
        return result if value.node is None and result is not None else value
    return [_with_previous(item, result) for item in value] if isinstance(value, list | tuple) else value


def _gaps(value: object) -> list[_Gap]:
    """Return the results that an argument takes: it is one, or a list that holds some."""
    if isinstance(value, _Gap):
        return [value]
    return [gap for item in value for gap in _gaps(item)] if isinstance(value, list | tuple) else []


def _filled(value: object, bid: str) -> object:
    """Return an argument as it is stored: the script that settles a step finds by this where its result goes."""
    if isinstance(value, _Gap) and value.node is not None:
        return {"$result": f"{bid}:{value.node.number}"}
    return [_filled(item, bid) for item in value] if isinstance(value, list | tuple) else value


class Flowing(Batching):
    """The part of an App that has batches and workflows."""

    def flow(
        self: Host,
        description: str = "",
        *,
        on_success: Callbacks = None,
        on_complete: Callbacks = None,
        on_death: Callbacks = None,
        callback_queue: str | None = None,
        tags: Sequence[str] = (),
        parent: Batch | None = None,
        linger: Duration = LINGER,
    ) -> Workflow:
        """Make a workflow: jobs that wait for one another and hand their results on; options as of `App.batch`.

        Raises:
            InvalidOption: If an option cannot mean anything.
        """
        return Workflow(
            *new_batch(
                self,
                description,
                events={"success": on_success, "complete": on_complete, "death": on_death},
                callback_queue=callback_queue,
                tags=tags,
                parent=parent,
                linger=linger,
            )
        )
