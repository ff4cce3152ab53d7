"""Which errors are one: a hash of job, class, text without what varies, and the frame where it came from.

Pure. The text is hostile: it is cut before it is read, each sign of it is looked at a bounded number of times, and
what was told apart by an id only becomes the same.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: Hex digits of a signature.
LENGTH: Final = 16
#: How much of an error's text is read, and how much is left of it without what varies, in characters.
READ: Final = 4_000
KEPT: Final = 200
#: What stands in place of the texts of an error that has too many at one place.
ANY: Final = "(any message)"

_OURS: Final = f"{Path(__file__).parent.parent}/"
#: Folders of code that is not the app's: of installed packages, and of the language itself.
_FOREIGN: Final = re.compile(r"/(?:site|dist)-packages/|/lib(?:64)?/python3\.\d+/|/python3\d+\.zip/")

# A link, or what stands between quotes, or a word; what lies between those is kept as it is. A quote within a word is
# an apostrophe.
_PIECE: Final = re.compile(
    r"""([a-z][a-z0-9+.-]{1,20}://[^\s'"`<>]*)"""
    r"""|(?<!\w)'((?:[^'\\\n]|\\.){0,2000})'(?!\w)|"((?:[^"\\\n]|\\.){0,2000})"|`([^`\n]{0,2000})`"""
    r"""|([^\s'"`()\[\]{}<>,;=|]+)"""
)
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z_.-]{0,60}")
_HOST: Final = re.compile(r"([a-z][a-z0-9+.-]*://)(?:[^/@?#]*@)?([A-Za-z0-9.-]*)(?::\d+)?(.*)", re.DOTALL)
_DIGIT: Final = re.compile(r"\d")
_RUN: Final = re.compile(r"[A-Za-z0-9]+")
_NUMBERS: Final = re.compile(r"\d+")
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_HEX: Final = re.compile(r"(?:0x[0-9a-f]+|[0-9a-f]{8,})", re.IGNORECASE)
_EMAIL: Final = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)*")
_TIME: Final = re.compile(
    r"(?:\d{4}-\d\d-\d\d|\d{1,2}/\d{1,2}/\d{2,4})(?:[T_]\d\d:?\d\d.*)?|[+-]?\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"
)
_ADDRESS: Final = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?")
_PATH: Final = re.compile(r"(?:[A-Za-z]:)?[\\/~.]*[\\/][^\\/]+[\\/].*|~/.*|/[^/]*\d[^/]*")
_NUMBER: Final = re.compile(r"[+-]?\d[\d._]*(?:e[+-]?\d+)?%?", re.IGNORECASE)
_AGAIN: Final = re.compile(r"(\{[a-z]{1,5}\})(?:[\s,;:/-]{1,3}\1)+")
_KIND: Final = re.compile(r"\{[a-z]{1,5}\}")
# An id, a key, a token: long, and with digits among the letters.
_LONG: Final = 8


@dataclass(frozen=True, slots=True)
class Frame:
    """A line of code, as a traceback tells it.

    Attributes:
        file: The file, as it was loaded.
        line: Its line.
        function: The function.
    """

    file: str
    line: int
    function: str


@dataclass(frozen=True, slots=True)
class Signed:
    """An error, and what makes it the same as others.

    Attributes:
        signature: The hash, `LENGTH` hex digits.
        message: Its text without what varies: ``{n}``, ``{uuid}``, ``{path}`` ...
        frame: ``crm/client.py:88 in post``; empty if nobody knows.
    """

    signature: str
    message: str
    frame: str


def sign(job: str, error_class: str, message: str, frames: Sequence[Frame], *, roots: Iterable[str] = ()) -> Signed:
    """Return the signature of an error.

    The line is shown and not hashed: a deploy that moves lines must not make a new error of an old one.

    Args:
        job: The job's name.
        error_class: The name of the error's class.
        message: Its text; or already `ANY`.
        frames: Where it came from, innermost last.
        roots: The folders that modules are loaded from; see `place`.
    """
    text = message if message == ANY else _replaced(message)
    # Of what kind an id is may be chance: a hex one may have no letters.
    alike = _once(_KIND.sub("{n}", text))
    frame = own_frame(frames)
    if frame is None:
        return Signed(_hash(job, error_class, alike, "", ""), _once(text), "")
    file = place(frame.file, roots)
    where = f"{file}:{frame.line} in {frame.function}"
    return Signed(_hash(job, error_class, alike, file, frame.function), _once(text), where)


def _hash(*facts: str) -> str:
    whole = "\0".join(facts).encode("utf-8", "replace")
    return hashlib.blake2b(whole, digest_size=LENGTH // 2).hexdigest()


def own_frame(frames: Sequence[Frame]) -> Frame | None:
    """Return the innermost of *frames* that is the app's own code; of none, the innermost that is not ours.

    Not the app's are installed packages, the standard library and mainspring.
    """
    foreign = None
    for frame in reversed(frames):
        if frame.file.startswith(_OURS):
            continue
        if not frame.file.startswith("<") and not _FOREIGN.search(frame.file):
            return frame
        foreign = foreign or frame
    return foreign


def place(file: str, roots: Iterable[str] = ()) -> str:
    """Return *file* relative to the longest of *roots* that holds it, so that all machines and releases tell the same.

    Under none of them, the file and its folder; of installed packages, as they are imported.
    """
    found = _FOREIGN.search(file)
    if found is not None:
        return file[found.end() :].rpartition("site-packages/")[2]
    within = [root for root in roots if root and file.startswith(f"{root.rstrip('/')}/")]
    if within:
        return file[len(max(within, key=len).rstrip("/")) + 1 :]
    return "/".join(file.split("/")[-2:])


def normalised(message: str) -> str:
    """Return *message* on one line, with what varies from job to job replaced, cut to `KEPT` characters."""
    return _once(_replaced(message))


def _once(text: str) -> str:
    """Return *text* with what is replaced alike, one after the other, told once; cut."""
    return _AGAIN.sub(r"\1", text)[:KEPT].rstrip()


def _replaced(message: str) -> str:
    shown: list[str] = []
    length = 0
    for piece in _pieces(message[:READ]):
        shown.append(piece)
        length += len(piece)
        # More than is kept: what is the same one after the other is told once, which shortens it.
        if length > 4 * KEPT:
            break
    return " ".join("".join(shown).split())


def _pieces(text: str) -> Iterator[str]:
    end = 0
    for found in _PIECE.finditer(text):
        if found.start() > end:
            yield text[end : found.start()]
        end = found.end()
        link, single, double, tick, word = found.groups()
        if word is not None:
            yield _word(word)
        elif link is not None:
            yield _link(link)
        else:
            quote = text[found.start()]
            yield f"{quote}{_quoted(single or double or tick or '')}{quote}"
    yield text[end:]


def _quoted(text: str) -> str:
    """Return what stands between quotes if it is a name, such as of a field; else what kind of thing it is."""
    if not text or _NAME.fullmatch(text):
        return text
    if any(sign.isspace() for sign in text):
        return "{text}"
    found = _link(text) if "://" in text else _word(text)
    return found if found.startswith("{") and found.endswith("}") and found.count("{") == 1 else "{text}"


def _link(text: str) -> str:
    """Return the scheme and the host; never what stands for a user, nor what is asked for."""
    found = _HOST.fullmatch(text)
    if found is None:
        return "{url}"
    scheme, host, rest = found.groups()
    return f"{scheme}{_within(host)}{'/{path}' if rest.rstrip('.,:') not in {'', '/'} else ''}"


def _word(word: str) -> str:
    bare = word.rstrip(".:!?")
    end = word[len(bare) :]
    if "@" in bare and _EMAIL.fullmatch(bare):
        return f"{{email}}{end}"
    if ("/" in bare or "\\" in bare) and not _TIME.fullmatch(bare) and _PATH.fullmatch(bare):
        return f"{{path}}{end}"
    if not _DIGIT.search(bare):
        return f"{{hex}}{end}" if _HEX.fullmatch(bare) else word
    for kind, pattern in _KINDS:
        if pattern.fullmatch(bare):
            return f"{{{kind}}}{end}"
    return _within(bare) + end


_KINDS: Final = (("n", _NUMBER), ("uuid", _UUID), ("time", _TIME), ("ip", _ADDRESS))


def _within(word: str) -> str:
    return _RUN.sub(_run, word)


def _run(found: re.Match[str]) -> str:
    run = found.group()
    if run.isdecimal():
        return "{n}"
    if _HEX.fullmatch(run):
        return "{hex}"
    if not _DIGIT.search(run):
        return run
    if len(run) >= _LONG or len(_NUMBERS.findall(run)) > 1:
        return "{id}"
    return _NUMBERS.sub("{n}", run)
