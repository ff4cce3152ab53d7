"""No module-level state but constants: two Apps live in one process, and tests run in any order.

A module-level value is a constant if it cannot change, or if it is a table in
CAPITALS that nobody writes to.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from house.source import Finding, Rule, Source

# What these make cannot change, or holds nothing of ours.
_MAKE_CONSTANTS = frozenset(
    {
        "MappingProxyType", "NamedTuple", "NewType", "ParamSpec", "TypeVar", "TypeVarTuple", "TypedDict",
        "bool", "bytes", "float", "frozenset", "int", "len", "object", "range", "str", "tuple", "type",
        "Decimal", "Decoder", "Encoder", "Fraction", "Path", "PurePath", "Struct", "UUID", "ZoneInfo",
        "attrgetter", "cast", "compile", "date", "datetime", "getLogger", "getattr", "hasattr", "itemgetter",
        "join", "mark", "max", "methodcaller", "min", "namedtuple", "partial", "phrase", "removeprefix", "removesuffix", "sha256",
        "split", "sum", "time", "timedelta", "timezone", "encode", "decode", "lower", "upper", "files", "joinpath",
        "fromkeys", "get_args", "sysconf", "total_seconds",
        "ContextVar",  # the language's own way to hold something per context, empty at the start
    }
)  # fmt: skip
_WRITES = frozenset("add append clear discard extend insert pop popitem remove reverse setdefault sort update".split())
# Values, names of classes and functions, expressions of types, and lambdas, which hold nothing.
_ATOMS = (ast.Constant, ast.JoinedStr, ast.Name, ast.Attribute, ast.Subscript, ast.Lambda, ast.Compare)

_Parts: TypeAlias = dict[type[ast.expr], Callable[..., Sequence[ast.expr | None]]]
# What is as constant as all of its parts.
_PARTS: _Parts = {
    ast.Tuple: lambda node: node.elts,
    ast.BinOp: lambda node: [node.left, node.right],
    ast.UnaryOp: lambda node: [node.operand],
    ast.BoolOp: lambda node: node.values,
    ast.IfExp: lambda node: [node.body, node.orelse],
    ast.Starred: lambda node: [node.value],
}
_TABLES: _Parts = {
    ast.Dict: lambda node: node.values,
    ast.List: lambda node: node.elts,
    ast.Set: lambda node: node.elts,
    ast.ListComp: lambda node: [node.elt],
    ast.SetComp: lambda node: [node.elt],
    ast.DictComp: lambda node: [node.value],
}


def module_state(frozen: frozenset[str] = frozenset()) -> Rule:
    """Return the rule that finds module-level values which can change.

    Args:
        frozen: Names of the package's own classes whose instances cannot change.
    """

    def rule(source: Source) -> Iterator[Finding]:
        for name, node, value in _assignments(source.tree.body):
            known = frozen | _frozen_in(source)
            if name == "__all__" or _is_constant(value, source, known):
                continue
            if not (_is_capital(name) and _is_constant(value, source, known, tables=True)):
                yield Finding(node.lineno, f"{name} is module-level state: let the App hold it, or freeze it")
            elif name in set(_written(source)):
                yield Finding(node.lineno, f"{name} looks like a constant, but this module writes to it")
        for found in source.nodes:
            if isinstance(found, ast.Global):
                yield Finding(found.lineno, f"global {', '.join(found.names)}: let an object hold it")

    return rule


def frozen_classes(sources: list[Source]) -> frozenset[str]:
    """Return the names of the classes whose instances cannot change: frozen records, enums, named tuples."""
    return frozenset(name for source in sources for name in _frozen_in(source))


def _frozen_in(source: Source) -> frozenset[str]:
    classes = (node for node in source.nodes if isinstance(node, ast.ClassDef))
    return frozenset(node.name for node in classes if _is_frozen(node, source))


def _is_frozen(node: ast.ClassDef, source: Source) -> bool:
    says = [word for call in (*node.decorator_list, node) for word in getattr(call, "keywords", [])]
    if any(word.arg == "frozen" and isinstance(word.value, ast.Constant) and word.value.value for word in says):
        return True
    return any(source.dotted(base).rpartition(".")[2].endswith(("Enum", "Flag", "NamedTuple")) for base in node.bases)


def _assignments(body: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt, ast.expr]]:
    """Yield what module level assigns, under ``if``, ``try`` and ``with`` too."""
    for node in body:
        if isinstance(node, ast.Assign):
            yield from ((target.id, node, node.value) for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            yield node.target.id, node, node.value
        elif isinstance(node, (ast.If, ast.Try, ast.With, ast.For, ast.While)):
            blocks = (getattr(node, name, []) for name in ("body", "orelse", "finalbody"))
            handlers = (handler.body for handler in getattr(node, "handlers", []))
            for block in (*blocks, *handlers):
                yield from _assignments(block)


def _is_constant(value: ast.expr, source: Source, frozen: frozenset[str], *, tables: bool = False) -> bool:
    """Return whether *value* cannot change, but for the tables themselves that *tables* lets pass."""
    if isinstance(value, ast.Call):
        return source.dotted(value.func).rpartition(".")[2] in frozen or _method(value) in _MAKE_CONSTANTS
    parts = _PARTS | _TABLES if tables else _PARTS
    for kind, parts_of in parts.items():
        if isinstance(value, kind):
            return all(_is_constant(part, source, frozen, tables=tables) for part in parts_of(value) if part)
    return isinstance(value, _ATOMS)


def _method(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _is_capital(name: str) -> bool:
    return name == name.upper()


def _written(source: Source) -> Iterator[str]:
    """Yield the names whose content the file changes."""
    for node in source.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _WRITES:
            yield source.dotted(node.func.value)
        elif isinstance(node, ast.AugAssign):
            yield source.dotted(_root(node.target))
        elif isinstance(node, (ast.Assign, ast.Delete)):
            items = (target for target in node.targets if isinstance(target, ast.Subscript))
            yield from (source.dotted(_root(item)) for item in items)


def _root(node: ast.expr) -> ast.expr:
    return _root(node.value) if isinstance(node, ast.Subscript) else node
