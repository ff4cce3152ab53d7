"""What a job system that strangers can write to must never do, and what hides failures."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from house.source import Finding, Function, Rule, Source

_RUNS_DATA = frozenset({"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "jsonpickle"})
_RUNS_TEXT = frozenset({"eval", "exec", "compile", "__import__", "builtins.eval", "builtins.exec", "yaml.load"})
_IMPORTS_BY_NAME = frozenset({"importlib.import_module", "runpy.run_module", "runpy.run_path", "pkgutil.resolve_name"})
_WIDE = frozenset({"Exception", "BaseException"})


def runs_data(source: Source) -> Iterator[Finding]:
    """Find what turns stored bytes into running code."""
    for name in set(source.origins.values()):
        if name.split(".")[0] in _RUNS_DATA:
            yield Finding(1, f"{name}: who can write to the store could run code here; JSON is what travels")
    for call in source.calls():
        if source.dotted(call.func) in _RUNS_TEXT:
            yield Finding(call.lineno, f"{source.dotted(call.func)}() runs text as code")


def imports_by_name(allowed: Mapping[str, str]) -> Rule:
    """Return the rule that finds imports of a name which is not written in the code.

    Args:
        allowed: Files of the package that may, and why.
    """

    def rule(source: Source) -> Iterator[Finding]:
        if source.inside in allowed:
            return
        for node in source.nodes:
            if isinstance(node, (ast.Name, ast.Attribute)) and source.dotted(node) in _IMPORTS_BY_NAME:
                yield Finding(node.lineno, f"{source.dotted(node)}: nothing is imported because a payload names it")

    return rule


def catches_everything(allowed: Mapping[str, str]) -> Rule:
    """Return the rule that finds ``except Exception`` and wider, unless it raises again at its end.

    Args:
        allowed: ``file:function`` of the places that may, and why.
    """

    def rule(source: Source) -> Iterator[Finding]:
        for where, catch in _catches(source.tree, ""):
            if f"{source.inside}:{where}" not in allowed and not _raises_again(catch):
                yield Finding(catch.lineno, f"{where or 'the module'} catches everything: name what can go wrong")

    return rule


def _catches(node: ast.AST, where: str) -> Iterator[tuple[str, ast.ExceptHandler | ast.Call]]:
    """Yield what catches everything within *node*, and the dotted name of the function it stands in."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.ExceptHandler, ast.Call)) and _is_wide(child):
            yield where, child
        named = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        yield from _catches(child, f"{where}.{getattr(child, 'name', '')}".lstrip(".") if named else where)


def _is_wide(node: ast.AST) -> bool:
    if isinstance(node, ast.ExceptHandler):
        return node.type is None or any(isinstance(part, ast.Name) and part.id in _WIDE for part in ast.walk(node.type))
    if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "suppress":
        return any(isinstance(part, ast.Name) and part.id in _WIDE for part in node.args)
    return False


def _raises_again(node: ast.AST) -> bool:
    return isinstance(node, ast.ExceptHandler) and isinstance(node.body[-1], ast.Raise)


def untyped(allowed: Mapping[str, str]) -> Rule:
    """Return the rule that finds values of type ``Any``, for which the type checker is switched off.

    As an argument of another type (``list[Any]``, ``Callable[..., Any]``) it says that
    the content is a user's; and what overloads describe is typed by them.

    Args:
        allowed: Files of the package that may, and why.
    """

    def rule(source: Source) -> Iterator[Finding]:
        if source.inside in allowed:
            return
        overloaded = {node.name for node in source.functions() if _is_overload(source, node)}
        for node in source.functions():
            if node.name not in overloaded:
                for annotation in _annotations(node):
                    yield from _bare(source, annotation)
        for assignment in source.nodes:
            if isinstance(assignment, ast.AnnAssign):
                yield from _bare(source, assignment.annotation)

    return rule


def _bare(source: Source, annotation: ast.expr) -> Iterator[Finding]:
    if isinstance(annotation, ast.BinOp):
        yield from _bare(source, annotation.left)
        yield from _bare(source, annotation.right)
    elif source.dotted(annotation) == "typing.Any":
        yield Finding(annotation.lineno, "Any: say `object`, or what it is")


def _is_overload(source: Source, function: Function) -> bool:
    return any(source.dotted(decorator) == "typing.overload" for decorator in function.decorator_list)


def _annotations(function: Function) -> Iterator[ast.expr]:
    given = function.args
    named = (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg)
    annotations = (argument.annotation for argument in named if argument is not None)
    yield from (annotation for annotation in (*annotations, function.returns) if annotation is not None)
