"""What the rules of the house read: a file as text and as a tree, and what its names stand for."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TypeAlias

ROOT = Path(__file__).parents[2]
PACKAGE = "src/mainspring/"

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Finding:
    """One breach of a rule, at a line of a file."""

    line: int
    text: str


@dataclass(frozen=True)
class Source:
    """One Python file.

    Attributes:
        path: Relative to the repository, with slashes.
        text: Its content.
    """

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The file as a tree."""
        return ast.parse(self.text, self.path)

    @cached_property
    def nodes(self) -> Sequence[ast.AST]:
        """All nodes of the tree, which a dozen rules go through."""
        return list(ast.walk(self.tree))

    @cached_property
    def origins(self) -> Mapping[str, str]:
        """What each imported name stands for: local name -> dotted origin, wherever it is imported."""
        found: dict[str, str] = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    found[alias.asname or alias.name.split(".")[0]] = (
                        alias.name if alias.asname else alias.name.split(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom):
                found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        return found

    @cached_property
    def docstrings(self) -> frozenset[int]:
        """The identities of the nodes that are docstrings."""
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        owners = (node for node in self.nodes if isinstance(node, documented))
        firsts = (owner.body[0] for owner in owners if owner.body)
        return frozenset(id(first.value) for first in firsts if isinstance(first, ast.Expr))

    @property
    def inside(self) -> str:
        """The path within the package, such as ``store/keys.py``; empty for files outside of it."""
        return self.path.removeprefix(PACKAGE) if self.path.startswith(PACKAGE) else ""

    @property
    def room(self) -> str:
        """The module right under the package that the file is or lies in, such as ``store``."""
        return self.inside.split("/")[0].removesuffix(".py")

    def dotted(self, node: ast.AST) -> str:
        """Return what *node* names, its imports resolved, such as ``datetime.datetime.now``; empty if it is no name."""
        if isinstance(node, ast.Name):
            return self.origins.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            owner = self.dotted(node.value)
            return f"{owner}.{node.attr}" if owner else ""
        return ""

    def functions(self) -> Iterator[Function]:
        """Yield every function, methods and inner ones included."""
        yield from (node for node in self.nodes if isinstance(node, Function))

    def calls(self) -> Iterator[ast.Call]:
        """Yield every call."""
        yield from (node for node in self.nodes if isinstance(node, ast.Call))


Rule: TypeAlias = Callable[[Source], Iterator[Finding]]


def files(*folders: str) -> list[Source]:
    """Return the Python files under *folders* of the repository."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return [read(path) for path in paths]


@cache
def read(path: Path) -> Source:
    """Return the file at *path*; all rules share what it is parsed into."""
    return Source(path.relative_to(ROOT).as_posix(), path.read_text())


def breaches(rule: Rule, sources: list[Source]) -> list[str]:
    """Return what *rule* finds in *sources*, one line each, as an editor can jump to."""
    return [f"{source.path}:{finding.line}: {finding.text}" for source in sources for finding in rule(source)]
