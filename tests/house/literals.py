"""One page of data model: key names stand in `store/keys.py` and its `model.py`, Lua in `store/lua/`, and nowhere else.

Which texts are keys is read out of `store/keys.py` itself, so a new key is guarded from
the moment that it has a name.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

from house.source import PACKAGE, ROOT, Finding, Rule, Source

KEYS_FILE = "store/keys.py"
_MODEL_FILE = "store/model.py"
_SENDERS = frozenset({"store/connection.py", "store/scripts.py"})

# Whatever follows these is a key of ours, known to keys.py or not.
_OUR_PREFIXES = r"mainspring:[^\s/]\S*|\{queue:\S*"
_HOLE = "\0"
_REDIS_METHODS = frozenset(
    "blmove brpop blpop lpush rpush lpop rpop llen lrange lindex lrem ltrim lmove sadd srem smembers sismember scard"
    " hget hset hdel hgetall hkeys hlen hincrby hexists hsetnx zadd zrem zrange zrangebyscore zcard zscore zpopmin"
    " zremrangebyscore zremrangebyrank incr incrby expire pexpire unlink getdel execute_command".split()
)
_LUA = re.compile(r"redis\.p?call|\b(KEYS|ARGV)\[")


def key_literal(keys_text: str | None = None) -> Rule:
    """Return the rule that finds key names outside `store/keys.py`.

    Args:
        keys_text: The content of `store/keys.py`; the real one if left out.
    """
    text = (ROOT / PACKAGE / KEYS_FILE).read_text() if keys_text is None else keys_text
    is_key = _recogniser(Source(PACKAGE + KEYS_FILE, text))

    def rule(source: Source) -> Iterator[Finding]:
        if source.inside in {KEYS_FILE, _MODEL_FILE}:
            return
        for node, value in _texts(source):
            if is_key(value):
                yield Finding(node.lineno, f"{value.replace(_HOLE, '{}')!r} is a key: name it in store/keys.py")
        for place in _key_positions(source):
            if _text(place) is not None:
                yield Finding(place.lineno, "a literal stands where a key belongs: name it in store/keys.py")

    return rule


def lua_in_python(source: Source) -> Iterator[Finding]:
    """Find Lua in strings, and scripts sent by anybody but the store's connection."""
    for node, value in _texts(source):
        if _LUA.search(value):
            yield Finding(node.lineno, "Lua belongs into store/lua/")
        if value in {"EVAL", "EVALSHA", "SCRIPT"} and source.inside not in _SENDERS:
            yield Finding(node.lineno, f"{value} is store/connection.py's to send")
    for call in source.calls():
        if isinstance(call.func, ast.Attribute) and call.func.attr in {"eval", "evalsha", "register_script"}:
            yield Finding(call.lineno, f".{call.func.attr}() sends a script; a verb of the store returns a Command")


def _recogniser(keys: Source) -> Callable[[str], bool]:
    """Return a function that tells whether a text, with holes for what is filled in, is a key.

    Plain words such as ``retry`` are options and field names too; they are
    keys only where a key stands, which `_key_positions` knows.
    """
    shapes = [_OUR_PREFIXES]
    for template in _templates(keys):
        parts = template.split(_HOLE)
        if re.search(r"[A-Za-z]", template) and not re.fullmatch(r"\w+", template):
            shapes.append(r"[^\s,;]*".join(map(re.escape, parts)))
    whole = re.compile("|".join(f"(?:{shape})" for shape in shapes))
    return lambda text: whole.fullmatch(text) is not None


def _templates(keys: Source) -> Iterator[str]:
    """Yield the key names that *keys* gives to constants and returns from functions."""
    named = [node.value for node in keys.tree.body if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value]
    returned = [node.value for node in ast.walk(keys.tree) if isinstance(node, ast.Return) and node.value]
    for node in (*named, *returned):
        text = _text(node)
        if text is not None:
            yield text


def _texts(source: Source) -> Iterator[tuple[ast.expr, str]]:
    """Yield every string of the file but docstrings; what an f-string fills in is a hole."""
    parts = {id(part) for node in source.nodes if isinstance(node, ast.JoinedStr) for part in ast.walk(node)} - {
        id(node) for node in source.nodes if isinstance(node, ast.JoinedStr)
    }
    for node in source.nodes:
        if isinstance(node, ast.expr) and id(node) not in parts | source.docstrings:
            text = _text(node)
            if text is not None:
                yield node, text


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)):
        return node.value if isinstance(node.value, str) else node.value.decode("latin-1")
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or _HOLE for part in node.values)
    return None


def _key_positions(source: Source) -> Iterator[ast.expr]:
    """Yield the nodes that stand where a key belongs: in a Command, in `plain`, in a client's method."""
    for call in source.calls():
        name = source.dotted(call.func).rpartition(".")[2]
        if name == "Command":
            given = [*call.args[1:2], *(word.value for word in call.keywords if word.arg == "keys")]
            yield from (part for keys in given for part in ast.walk(keys) if isinstance(part, ast.expr))
        elif name == "plain":
            yield from call.args[1:]
        elif isinstance(call.func, ast.Attribute) and call.func.attr in _REDIS_METHODS:
            yield from call.args[:1]
