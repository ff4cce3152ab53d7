"""The store's verbs as they call scripts: which script, with how many keys and arguments."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from house.lua import Script
from house.source import Source


@dataclass(frozen=True)
class Call:
    """One `Command(...)` that is written down in a verb.

    Attributes:
        where: File and line.
        script: The script's name; empty if it is not a literal.
        keys: How many keys it passes; None if the code alone does not tell.
        args: How many arguments at least; None likewise.
        is_open: True if there may be more arguments than `args`.
    """

    where: str
    script: str
    keys: int | None
    args: int | None
    is_open: bool


def calls(sources: list[Source]) -> Iterator[Call]:
    """Yield the script calls of *sources*; commands of the server itself are left out."""
    for source in sources:
        for node in source.calls():
            if source.dotted(node.func) == "mainspring.store.command.Command" and not _is_plain(node):
                yield _call(source, node)


def lies(call: Call, scripts: Mapping[str, Script]) -> Iterator[str]:
    """Yield where *call* does not fit the header of its script."""
    script = scripts.get(call.script)
    if script is None:
        yield f"{call.where}: no script is named {call.script!r}"
        return
    if call.keys is not None and call.keys != len(script.keys):
        yield f"{call.where}: {call.script} takes {len(script.keys)} keys and is given {call.keys}"
    if call.args is not None and not _fits(call, script):
        yield f"{call.where}: {call.script} does not take {call.args} arguments{' and more' if call.is_open else ''}"


def _fits(call: Call, script: Script) -> bool:
    assert call.args is not None
    fixed = len(script.args) if script.tail is None else script.tail - 1
    if script.tail is None:
        return call.args == fixed and not call.is_open
    return call.args >= fixed


def _is_plain(node: ast.Call) -> bool:
    return any(word.arg == "plain" for word in node.keywords)


def _call(source: Source, node: ast.Call) -> Call:
    given = dict(zip(("name", "keys", "args"), node.args, strict=False))
    given |= {word.arg: word.value for word in node.keywords if word.arg}
    name = given.get("name")
    keys, keys_open = _count(given.get("keys"))
    args, args_open = _count(given.get("args"))
    return Call(
        where=f"{source.path}:{node.lineno}",
        script=name.value if isinstance(name, ast.Constant) and isinstance(name.value, str) else "",
        keys=None if keys_open else keys,
        args=args,
        is_open=args_open,
    )


def _count(node: ast.expr | None) -> tuple[int | None, bool]:
    """Return how many items a tuple has at least, and whether it may have more."""
    if not isinstance(node, ast.Tuple):
        return None, True
    starred = sum(isinstance(item, ast.Starred) for item in node.elts)
    return len(node.elts) - starred, starred > 0
