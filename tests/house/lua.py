"""The contract on top of each Lua script, read and held against the script's body.

The header is ``-- name: sentence.``, prose if there is more to know, then a line for
each KEYS[n] (type, name, meaning), each ARGV[n] (name, meaning; ``KEYS[n...]`` and
``ARGV[n...]`` take all that follow) and what is returned (value, meaning), then includes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_NAME = re.compile(r"^-- (?P<name>[a-z_]+): .+[.]$")
_KEY = re.compile(
    r"^-- KEYS\[(?P<index>\d+)(?P<tail>\.\.\.)?\] +(?P<type>\S+) +(?P<name>\S.*?)(?:  +(?P<meaning>\S.*))?$"
)
_ARG = re.compile(r"^-- ARGV\[(?P<index>\d+)(?P<tail>\.\.\.)?\] +(?P<name>\S+)(?:  +(?P<meaning>\S.*))?$")
_RETURN = re.compile(r"^-- (?:Returns|       )  +(?P<value>-?\w+|\{.*?\})(?:  +(?P<meaning>\S.*))?$")
_INCLUDE = re.compile(r"^-- include: lib/(?P<name>[a-z_]+)\.lua$")
_TYPES = frozenset({"string", "list", "hash", "set", "zset", "stream"})

# A comment, or a string whose content is no code.
_COMMENT = re.compile(r'("(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\')|--[^\n]*')
_CALL = re.compile(r"redis\.p?call\((?P<command>[^,()]+)(?:,\s*(?P<rest>.*))?")
_FORBIDDEN = {
    r"\bos\.": "os.: time is an argument, or the server's TIME",
    r"\bmath\.random": "math.random: chance is an argument",
    r"\bcjson\.encode": "cjson.encode: changes big integers, floats and empty lists; payloads come encoded",
    r"\bloadstring\b|\bload\(": "load: runs text as code",
    r"\bwhile\s+true\b|\brepeat\b": "an unbounded loop stops the server for everybody",
    r"\bredis\.pcall\b": "redis.pcall: an error after a write must not be swallowed",
    r'"(?:KEYS|SCAN|FLUSHALL|FLUSHDB|EVAL|EVALSHA|SORT)"': "a command that looks at every key, or hides one",
}
# Commands all of whose arguments are keys, and those that have none.
_ALL_KEYS = frozenset({"DEL", "UNLINK", "EXISTS", "TOUCH", "SUNION", "SINTER", "SDIFF"})
_NO_KEYS = frozenset({"TIME", "PING"})


@dataclass(frozen=True)
class Script:
    """A script as its header describes it, and its body without comments.

    Attributes:
        name: What the header calls it.
        keys: Index -> name of each KEYS line.
        args: Index -> name of each ARGV line.
        tail: The index from which ARGV is open-ended; None if it is not.
        keys_tail: The same of KEYS.
        returns: The values of the Returns lines.
        includes: Names of included files of ``lib/``.
        body: The code.
        lies: What is wrong with the header's own form.
    """

    name: str
    keys: Sequence[tuple[int, str]]
    args: Sequence[tuple[int, str]]
    tail: int | None
    returns: Sequence[str]
    includes: Sequence[str]
    body: str
    keys_tail: int | None = None
    lies: Sequence[str] = field(default=())


def parse(text: str) -> Script:
    """Read a script's header and body."""
    lines = text.splitlines()
    header = [line for line in lines if line.startswith("--")][: _header_length(lines)]
    name = _NAME.match(header[0]) if header else None
    keys = [match for line in header if (match := _KEY.match(line))]
    args = [match for line in header if (match := _ARG.match(line))]
    returns = list(_return_lines(header))
    return Script(
        name=name["name"] if name else "",
        keys=[(int(match["index"]), match["name"]) for match in keys],
        args=[(int(match["index"]), match["name"]) for match in args],
        tail=_tail_of(args),
        keys_tail=_tail_of(keys),
        returns=[match["value"] for match in returns],
        includes=[match["name"] for line in header if (match := _INCLUDE.match(line))],
        body="\n".join(_without_comments(line) for line in lines[len(header) :]),
        lies=[
            *(f"{line!r} is no KEYS, ARGV or Returns line of the agreed form" for line in _malformed(header)),
            *(
                f"KEYS[{match['index']}] has no type of the server's: {match['type']}"
                for match in keys
                if match["type"] not in _TYPES
            ),
            *(f"{match[0]!r} has no meaning" for match in (*keys, *args, *returns) if not match["meaning"]),
        ],
    )


def included(text: str) -> list[str]:
    """Return the names of the files that a file of ``lib/`` includes."""
    return [match["name"] for line in text.splitlines() if (match := _INCLUDE.match(line))]


def _tail_of(entries: Sequence[re.Match[str]]) -> int | None:
    return next((int(match["index"]) for match in entries if match["tail"]), None)


def lies(script: Script, file: str) -> list[str]:
    """Return every way in which the header of *file* and its body disagree; the body may include no lib here."""
    return [
        *script.lies,
        *_header(script, file),
        *_names(script),
        *_returned(script),
        *_dangers(script.body),
        *_keys(script),
    ]


def _header(script: Script, file: str) -> Iterator[str]:
    if script.name != file:
        yield f"the header calls it {script.name!r}, the file {file!r}"
    if not script.keys:
        yield "no KEYS: the server could not tell on a cluster where to run it"
    if not script.returns:
        yield "Returns is missing"
    for what, entries, _ in _both(script):
        if [index for index, _ in entries] != list(range(1, len(entries) + 1)):
            yield f"{what} is not numbered 1, 2, 3 ... without gaps"
    for what, entries, tail in _both(script):
        if tail is not None and tail != len(entries):
            yield f"only the last {what} may be open-ended"


def _names(script: Script) -> Iterator[str]:
    """Hold the header's KEYS and ARGV against those of the body."""
    for what, declared, tail in _both(script):
        used = [int(index) for index in re.findall(rf"\b{what}\[(\d+)\]", script.body)]
        open_from = len(declared) + 1 if tail is None else tail
        for index, name in declared:
            if index < open_from and used.count(index) != 1:
                yield f"{what}[{index}] ({name}) stands {used.count(index)} times in the body: name it once, at the top"
        for index in sorted(set(used)):
            if index >= open_from and tail is None:
                yield f"{what}[{index}] is used, and the header does not know it"
    yield from _tail(script)
    for name, value in _bound(script.body):
        if len(re.findall(rf"\b{name}\b", script.body)) < 2:
            yield f"{value} is named {name!r} and never used"


def _both(script: Script) -> Iterator[tuple[str, Sequence[tuple[int, str]], int | None]]:
    """Yield KEYS and ARGV: the word, what is declared, and from which index on it is open-ended."""
    yield "KEYS", script.keys, script.keys_tail
    yield "ARGV", script.args, script.tail


def _tail(script: Script) -> Iterator[str]:
    for what, _, tail in _both(script):
        open_ended = re.search(rf"#{what}|unpack\({what}|pairs\({what}|{what}\[[^\]\d]", script.body) is not None
        if open_ended and tail is None:
            yield f"the body reads {what} to its end; the header must say {what}[n...]"
        if tail is not None and not open_ended:
            yield f"{what}[{tail}...] is open-ended, and the body does not read {what} to its end"


def _bound(body: str) -> Iterator[tuple[str, str]]:
    """Yield each local that stands for one of KEYS or ARGV: its name, and which."""
    for names, values in re.findall(r"^local ([\w, ]+) = (.+)$", body, re.MULTILINE):
        for name, value in zip(names.split(", "), values.split(", "), strict=False):
            found = re.fullmatch(r"(?:tonumber\()?((?:KEYS|ARGV)\[\d+\])\)?", value)
            if found:
                yield name, found[1]


def _returned(script: Script) -> Iterator[str]:
    returned = {value.strip() for value in re.findall(r"\breturn\b([^\n]*)", _outside_functions(script.body))}
    literals = {value for value in returned if re.fullmatch(r"-?\d+", value)}
    declared = {value for value in script.returns if re.fullmatch(r"-?\d+", value)}
    if not returned:
        yield "the body returns nothing"
    for value in sorted(literals - set(script.returns)):
        yield f"the body returns {value}, and the header does not say what that means"
    for value in sorted(declared - literals):
        if literals == returned:
            yield f"the header says that it returns {value}, and it never does"


def _outside_functions(body: str) -> str:
    return re.sub(r"function\b[^\n]*?\bend\b|function\b.*?\n(?:end|  end)\b", "", body, flags=re.DOTALL)


def _dangers(body: str) -> Iterator[str]:
    for pattern, reason in _FORBIDDEN.items():
        if re.search(pattern, body):
            yield reason
    for name in _globals(body):
        yield f"{name} is a global variable: say local"


def _globals(body: str) -> Iterator[str]:
    """Yield the assigned names that no ``local``, ``for`` or ``function`` of the body declares."""
    declared: set[str] = set()
    for group in re.findall(r"\blocal(?: function)? ([\w, ]+)|\bfor ([\w, ]+) (?:=|in)|function[^(]*\(([^)]*)\)", body):
        declared |= set(re.findall(r"\w+", " ".join(group)))
    for line in body.splitlines():
        found = re.match(r"\s*([A-Za-z_]\w*) = ", line)
        if found and found[1] not in declared:
            yield found[1]


def _keys(script: Script) -> Iterator[str]:
    """Find keys that the script makes itself, or takes from an argument."""
    arguments = {name for name, what in _bound(script.body) if what.startswith("ARGV")}
    for call in _CALL.finditer(script.body):
        command = call["command"].strip()
        if not re.fullmatch(r'"[A-Z]+"', command):
            yield f"redis.call({command}): name the command, in capitals"
            continue
        given = list(_arguments(call["rest"] or ""))
        for key in () if command.strip('"') in _NO_KEYS else given if command.strip('"') in _ALL_KEYS else given[:1]:
            if not re.fullmatch(r"[A-Za-z_]\w*|KEYS\[\w+\]", key) or key in arguments:
                yield f"redis.call({command}, {key}): a key that is not one of KEYS"


def _arguments(text: str) -> Iterator[str]:
    """Yield the arguments of a call, *text* being what follows the command up to the line's end."""
    depth, begin = 0, 0
    for place, sign in enumerate(_masked(text)):
        if depth == 0 and sign in ",)":
            yield text[begin:place].strip()
            begin = place + 1
            if sign == ")":
                return
        depth += (sign in "([{") - (sign in ")]}")


def _masked(text: str) -> str:
    return re.sub(r'"(?:[^"\\]|\\.)*"', lambda found: "_" * len(found[0]), text)


def _header_length(lines: Sequence[str]) -> int:
    return next((place for place, line in enumerate(lines) if not line.startswith("--")), len(lines))


def _without_comments(line: str) -> str:
    return _COMMENT.sub(lambda found: found[1] or "", line)


def _return_lines(header: Sequence[str]) -> Iterator[re.Match[str]]:
    began = False
    for line in header:
        began = began or line.startswith("-- Returns")
        match = _RETURN.match(line) if began else None
        if match:
            yield match


def _malformed(header: Sequence[str]) -> Iterator[str]:
    for line in header:
        if re.match(r"-- (KEYS|ARGV)\b", line) and not (_KEY.match(line) or _ARG.match(line)):
            yield line
        if line.startswith("-- Returns") and not _RETURN.match(line):
            yield line
