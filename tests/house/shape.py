"""How large things may be: what does not fit on a screen is not read."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from house.source import Finding, Function, Source

MOST_LINES_OF_A_FUNCTION = 40
MOST_LINES_OF_A_FILE = 400
MOST_BLOCKS_IN_EACH_OTHER = 3

_BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)


def function_too_long(source: Source) -> Iterator[Finding]:
    """Find functions over 40 lines, from ``def`` to the last, the docstring not counted."""
    for function in source.functions():
        lines = _lines(function)
        if lines > MOST_LINES_OF_A_FUNCTION:
            yield Finding(function.lineno, f"{function.name} has {lines} lines; make it a list of named steps")


def _lines(function: Function) -> int:
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function) is not None:
        text = function.body[0]
        lines -= (text.end_lineno or text.lineno) - text.lineno + 1
    return lines


def file_too_long(source: Source) -> Iterator[Finding]:
    """Find files over 400 lines."""
    lines = len(source.text.splitlines())
    if lines > MOST_LINES_OF_A_FILE:
        yield Finding(lines, f"the file has {lines} lines; it is more than one thing")


def too_deep(source: Source) -> Iterator[Finding]:
    """Find functions with more than three blocks in each other; ``elif`` is no new block."""
    for function in source.functions():
        depth = max(map(_depth, function.body))
        if depth > MOST_BLOCKS_IN_EACH_OTHER:
            yield Finding(
                function.lineno, f"{function.name} has {depth} blocks in each other; return early, or divide it"
            )


def _depth(node: ast.AST) -> int:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
        return 0
    below = max((_depth(child) for child in _children(node)), default=0)
    return below + isinstance(node, _BLOCKS)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.If) and len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        # An `elif` stands where its `if` stands.
        yield from node.body
        yield from _children(node.orelse[0])
    else:
        yield from ast.iter_child_nodes(node)
