"""HTML as a tree of nodes, found by a few of CSS's selectors; what tests of pages look at.

A selector is made of ``tag``, ``#id``, ``.class``, ``[name]`` and ``[name=value]``, as in ``tr#queue-mail td.num``;
a blank leads to what lies anywhere within.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset({"meta", "link", "input", "br", "hr", "img", "path", "rect", "circle", "line"})
_PART = re.compile(r"""([#.]?)([\w-]+)|\[([\w-]+)(?:=("[^"]*"|[^\]]*))?\]""")


@dataclass(eq=False)
class Node:
    """An element.

    Attributes:
        tag: Its name.
        attributes: By name; empty texts for those without a value.
        children: Elements and texts, in order.
    """

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Node | str] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        """Return an attribute."""
        return self.attributes[name]

    def __contains__(self, name: str) -> bool:
        """Return whether it has an attribute."""
        return name in self.attributes

    def __iter__(self) -> Iterator[Node]:
        """Iterate over all elements within, in the order of the text."""
        for child in self.children:
            if isinstance(child, Node):
                yield child
                yield from child

    @property
    def text(self) -> str:
        """All text within, each run of blanks as one."""
        return " ".join("".join(self._texts()).split())

    def all(self, selector: str) -> list[Node]:
        """Return the elements within that *selector* means, in the order of the text."""
        first, *rest = _words(selector)
        found = [node for node in self if _fits(node, first)]
        for word in rest:
            found = list(dict.fromkeys(inner for node in found for inner in node if _fits(inner, word)))
        return found

    def find(self, selector: str) -> Node | None:
        """Return the first element within that *selector* means; None if there is none."""
        return next(iter(self.all(selector)), None)

    def one(self, selector: str) -> Node:
        """Return the only element within that *selector* means; fail if there is none, or another."""
        found = self.all(selector)
        assert len(found) == 1, f"{len(found)} elements are {selector!r}, not one, in: {self.text[:1000]}"
        return found[0]

    def form(self, action: str) -> Node:
        """Return the first form within that posts to the action *action*, such as ``queue.pause``."""
        found = [node for node in self.all("form") if node.attributes.get("action", "").endswith(f"/actions/{action}")]
        assert found, f"no form posts to {action}, in: {self.text[:1000]}"
        return found[0]

    def _texts(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            else:
                yield " "
                yield from child._texts()
                yield " "


def parse(text: str) -> Node:
    """Return the root of the tree that *text* writes."""
    parser = _Parser()
    parser.feed(text)
    parser.close()
    return parser.root


def fields(form: Node) -> list[tuple[str, str]]:
    """Return what a browser would send of *form* that nobody has touched."""
    return [pair for node in form for pair in _field(node) if pair[0]]


def _field(node: Node) -> list[tuple[str, str]]:
    name, value = node.attributes.get("name", ""), node.attributes.get("value", "")
    if node.tag == "input" and (node.attributes.get("type") not in {"checkbox", "radio"} or "checked" in node):
        return [(name, value)]
    if node.tag == "textarea":
        return [(name, "".join(child for child in node.children if isinstance(child, str)).removeprefix("\n"))]
    if node.tag == "select":
        options = node.all("option")
        chosen = next((option for option in options if "selected" in option), options[0])
        return [(name, chosen.attributes.get("value", chosen.text))]
    return []


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("")
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        self._open[-1].children.append(node)
        if tag not in _VOID:
            self._open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open[-1].children.append(Node(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag in [node.tag for node in self._open[1:]]:
            while self._open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


def _words(selector: str) -> list[str]:
    return re.findall(r"""(?:\[[^\]]*\]|[^\s\[])+""", selector)


def _fits(node: Node, word: str) -> bool:
    return all(_has(node, *part) for part in _PART.findall(word))


def _has(node: Node, kind: str, name: str, attribute: str, value: str) -> bool:
    if attribute:
        return attribute in node and (not value or node[attribute] == value.strip('"'))
    if kind == "#":
        return node.attributes.get("id") == name
    if kind == ".":
        return name in node.attributes.get("class", "").split()
    return node.tag == name
