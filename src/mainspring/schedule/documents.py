"""TOML and YAML as plain data, with the line on which everything stands.

YAML is read as its authors mean it rather than to the letter of YAML 1.1: ``at: 12:30``
is a time of day and not 750 minutes, a date is its text, and a Ruby symbol (``:every``)
is its name. A file that is a program (ERB) or holds objects is refused.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from typing import TYPE_CHECKING, Final, TypeAlias

from mainspring.base.errors import BootError, InvalidSchedule

if TYPE_CHECKING:
    from yaml import Mark, Node, YAMLError

Path: TypeAlias = tuple[str | int, ...]

_ERB: Final = re.compile(r"<%.*")
_SYMBOL: Final = re.compile(r":([A-Za-z_][\w.]*[?!]?)")
_TAG: Final = "tag:yaml.org,2002:"
_KINDS: Final = ("bool", "float", "int", "map", "merge", "null", "seq", "str", "timestamp")
_DATA: Final = frozenset(f"{_TAG}{kind}" for kind in _KINDS)
_NUMBERS: Final = frozenset({f"{_TAG}int", f"{_TAG}float"})


@dataclass(frozen=True, slots=True)
class Document:
    """A file's text, read.

    Attributes:
        data: Mappings, lists, texts, numbers, booleans and None.
        lines: First and last line of what stands at a path of keys, where that is known.
    """

    data: object
    lines: Mapping[Path, tuple[int, int]] = field(default_factory=dict)


def toml(text: str) -> Document:
    """Return the data of a TOML file; dates and times of day as texts.

    Raises:
        InvalidSchedule: If it is no TOML; the line is said.
    """
    try:
        return Document(_without_dates(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as error:
        raise InvalidSchedule("the file", f"it is no TOML: {error}") from error


def yaml(text: str) -> Document:
    """Return the data of a YAML file.

    Raises:
        InvalidSchedule: If it is no YAML, holds what is no data, or names a thing twice; the line is said.
        BootError: If PyYAML is not installed.
    """
    refuse_erb(text)
    try:
        from yaml import SafeLoader, YAMLError
    except ModuleNotFoundError as error:
        raise BootError('to read YAML, PyYAML is needed: pip install "mainspring[yaml]"') from error
    try:
        loader = SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return Document(None)
        tree = _Tree()
        tree.walk(node, (), ())
        return Document(loader.construct_document(node), tree.lines)
    except YAMLError as error:
        raise _malformed(text, error) from error
    except RecursionError as error:
        raise InvalidSchedule("the file", "it is nested too deep to be a schedule") from error


def refuse_erb(text: str) -> None:
    """Refuse a file that Ruby would have to run first.

    Raises:
        InvalidSchedule: With the first such line.
    """
    for number, line in enumerate(text.split("\n"), 1):
        if found := _ERB.search(line):
            way_out = "run it first, where its program is: erb FILE > plain.yml"
            raise InvalidSchedule(
                found[0].strip(), f"line {number}: this is ERB, a Ruby program in the file; {way_out}"
            )


def _without_dates(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_dates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_dates(item) for item in value]
    if isinstance(value, time):
        return value.isoformat("auto" if value.second or value.microsecond else "minutes")
    return value.isoformat() if isinstance(value, date) else value


# --- YAML's nodes ----------------------------------------------------------------------


class _Tree:
    """Makes YAML's nodes mean what a person meant, and notes where everything stands."""

    def __init__(self) -> None:
        self.lines: dict[Path, tuple[int, int]] = {}
        self._seen: set[int] = set()

    def walk(self, node: Node, path: Path, above: tuple[Node, ...]) -> None:
        """Go through *node*, which stands at *path* and within the nodes *above*."""
        if node in above:
            raise _refused(node.start_mark, "this holds itself")
        if node.tag not in _DATA:
            kind = node.tag.removeprefix(_TAG)
            raise _refused(node.start_mark, f"{kind} is no plain data: write texts, numbers, lists and mappings")
        # What aliases repeat is walked once: nine lines of them can stand for a billion nodes.
        if id(node) in self._seen:
            return
        self._seen.add(id(node))
        match node.id:
            case "scalar":
                _as_meant(node)
            case "sequence":
                self._items(node, path, above)
            case "mapping":
                self._pairs(node, path, above)

    def _items(self, node: Node, path: Path, above: tuple[Node, ...]) -> None:
        for place, item in enumerate(node.value):
            self.lines[*path, place] = _span(item, item)
            self.walk(item, (*path, place), (*above, node))

    def _pairs(self, node: Node, path: Path, above: tuple[Node, ...]) -> None:
        known: dict[str, int] = {}
        for key, value in node.value:
            if key.id != "scalar":
                raise _refused(key.start_mark, "a key must be a text")
            self.walk(key, path, (*above, node))
            if key.tag != f"{_TAG}merge":
                # As in JSON; else a job that is named 1 or "on" has no text for a name.
                key.tag = f"{_TAG}str"
                _note(known, key.value, key.start_mark)
                self.lines[*path, key.value] = _span(key, value)
            self.walk(value, (*path, key.value), (*above, node))


def _note(known: dict[str, int], key: str, mark: Mark) -> None:
    # YAML's own readers let the last one win, and a job is gone without a word.
    if key in known:
        raise _refused(mark, f"{key!r} stands here for the second time, first in line {known[key]}")
    known[key] = mark.line + 1


def _as_meant(node: Node) -> None:
    is_quoted = node.style in {"'", '"'}
    if node.tag == f"{_TAG}timestamp" or (node.tag in _NUMBERS and ":" in node.value):
        node.tag = f"{_TAG}str"
    elif not is_quoted and (symbol := _SYMBOL.fullmatch(node.value)):
        node.value = symbol[1]


def _span(first: Node, last: Node) -> tuple[int, int]:
    end = last.end_mark
    # A block ends where the next thing begins: behind the indentation of a line that is not its own.
    is_before = not _line_at(end)[: end.column].strip()
    return first.start_mark.line + 1, max(first.start_mark.line, end.line - is_before) + 1


def _refused(mark: Mark, reason: str) -> InvalidSchedule:
    return InvalidSchedule(_line_at(mark).strip(), f"line {mark.line + 1}: {reason}")


def _line_at(mark: Mark) -> str:
    buffer, at = mark.buffer or "", mark.pointer
    line: str = buffer[buffer.rfind("\n", 0, at) + 1 :].partition("\n")[0]
    return line.rstrip("\0")


def _malformed(text: str, error: YAMLError) -> InvalidSchedule:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    # A sign that YAML does not allow is found before there are any marks.
    number = text.count("\n", 0, getattr(error, "position", 0)) if mark is None else mark.line
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
    return InvalidSchedule(text.split("\n")[number].strip(), f"line {number + 1}: this is no YAML: {problem}")
