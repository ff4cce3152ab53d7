"""What a log line looks like: for people, as JSON, or as logfmt.

Text that comes from a job may hold anything; none of it can begin a line of its own,
move a terminal's cursor or turn the direction of what follows.  The time is the
record's: nothing here reads a clock.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from mainspring.base.durations import in_words

#: Characters kept of one text: a message, a fact, or the end of a traceback.
LIMIT = 10_000

# Controls (C1 too: U+009B begins an escape sequence), line ends and direction marks of
# Unicode, and lone surrogates, which no stream can encode.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_NOT_ASCII = re.compile(r"[^\x20-\x7e]")
_BARE = re.compile(r'[^\s"=\\]+')
_NOT_IN_NAMES = re.compile(r"[^\w.-]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

_MORE = "\u2026"
_COLOURS = {"ok": "32", "retry": "33", "dead": "31", "warning": "33", "error": "31", "critical": "31"}
#: What a finished or started job's event is called in five letters; all other events show their message.
_WORDS = {
    "job.ok": "ok",
    "job.start": "start",
    "job.retry": "retry",
    "job.dead": "dead",
    "job.discard": "drop",
    "job.snooze": "later",
    "job.expired": "late",
    "job.pushed_back": "back",
}
_IN_COLUMNS = ("jid", "class", "queue", "run_ms")


@dataclass(frozen=True, slots=True)
class Origin:
    """Who writes: what tells the services apart in a merged log.

    Attributes:
        service: ``"worker"``, ``"clock"``, ``"web"`` or ``"cli"``.
        instance: Which of several.
        release: The revision of the application's code.
    """

    service: str
    instance: str
    release: str


# --- what every form shares ----------------------------------------------------------


def event_of(record: logging.LogRecord) -> str:
    """Return the event's name; ``"log"`` for a record that names none."""
    return str(record.__dict__.get("event", "log"))


def facts_of(record: logging.LogRecord) -> dict[str, object]:
    """Return the record's facts, each text in them cut to `LIMIT`."""
    facts = record.__dict__.get("facts")
    return {str(name): _bounded(value) for name, value in facts.items()} if isinstance(facts, Mapping) else {}


def _bounded(value: object) -> object:
    if isinstance(value, str):
        return _cut(value, LIMIT)
    return {str(name): _bounded(part) for name, part in value.items()} if isinstance(value, Mapping) else value


def _cut(text: str, length: int, mark: str = _MORE) -> str:
    return text if len(text) <= length else text[: length - 1] + mark


class _Stamp:
    """Writes times, and remembers the last second: most lines share theirs with the one before."""

    def __init__(self, split: Callable[[float], time.struct_time], pattern: str) -> None:
        self._split = split
        self._pattern = pattern
        self._last = (-1, "")  # only touched under the handler's lock

    def __call__(self, moment: float) -> str:
        second, millisecond = divmod(round(moment * 1000), 1000)
        if self._last[0] != second:
            self._last = (second, time.strftime(self._pattern, self._split(second)))
        return f"{self._last[1]}.{millisecond:03d}"


class LineFormatter(logging.Formatter):
    """What the three forms have in common.

    Args:
        origin: Who writes.
        ascii_only: Escape what is not ASCII, for a stream that cannot encode it.
    """

    def __init__(self, origin: Origin, *, ascii_only: bool = False) -> None:
        super().__init__()
        self._origin = origin
        self._unsafe = _NOT_ASCII if ascii_only else _UNSAFE
        self._stamp = _Stamp(time.gmtime, "%Y-%m-%dT%H:%M:%S")

    def _fields(self, record: logging.LogRecord) -> dict[str, object]:
        """Return the line as names and values; a fact never takes the place of what all lines share."""
        fields: dict[str, object] = {
            "ts": f"{self._stamp(record.created)}Z",
            "level": record.levelname.lower(),
            "service": self._origin.service,
            "instance": self._origin.instance,
            "release": self._origin.release,
            "event": event_of(record),
            "msg": _cut(record.getMessage(), LIMIT),
            "pid": record.process,
        }
        for name, value in facts_of(record).items():
            fields[f"{name}_" if name in fields else name] = value
        if trace := self._traceback(record):
            fields["traceback"] = trace
        return fields

    def _traceback(self, record: logging.LogRecord) -> str:
        """Return the traceback, whose end matters most; empty if there is none."""
        text = self.formatException(record.exc_info) if record.exc_info and record.exc_info[0] else ""
        return text if len(text) <= LIMIT else f"\u2026{text[-LIMIT:]}"

    def _safe(self, text: str) -> str:
        return self._unsafe.sub(_escaped, text)

    def _pairs(self, fields: Mapping[str, object], prefix: str = "") -> Iterator[str]:
        for name, value in fields.items():
            path = prefix + _NOT_IN_NAMES.sub("_", name)
            if isinstance(value, dict):
                yield from self._pairs(value, f"{path}.")
            else:
                yield f"{path}={self._quoted(value)}"

    def _quoted(self, value: object) -> str:
        text = str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
        if _BARE.fullmatch(text) and not self._unsafe.search(text):
            return text
        return '"' + self._safe(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def _escaped(match: re.Match[str]) -> str:
    code = ord(match.group())
    if match.group() in _SHORT:
        return _SHORT[match.group()]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


# --- JSON ------------------------------------------------------------------------------


class JsonFormatter(LineFormatter):
    """One JSON object a line; a traceback is a field of it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON."""
        fields = self._fields(record)
        try:
            text = msgspec.json.encode(fields, enc_hook=repr).decode()
        except (OverflowError, UnicodeError):
            # Integers beyond 64 bits and lone surrogates, which only the slower encoder takes.
            text = json.dumps(fields, default=repr)
        return text if text.isascii() and "\x7f" not in text else self._unsafe.sub(_json_escaped, text)


def _json_escaped(match: re.Match[str]) -> str:
    # Beyond the first 65,536 characters JSON wants two halves.
    units = match.group().encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


# --- logfmt ----------------------------------------------------------------------------


class LogfmtFormatter(LineFormatter):
    """Names and values with ``=`` between; what is nested has a dotted name."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as logfmt."""
        return " ".join(self._pairs(self._fields(record)))


# --- for people ------------------------------------------------------------------------


class HumanFormatter(LineFormatter):
    """Columns for a terminal: time, what became of the job, its name, id, queue, run time, and the rest.

    Args:
        origin: Who writes; the person at the terminal knows, so no line says it.
        ascii_only: Escape what is not ASCII.
        colour: Use ANSI colours.
        width: Tells the terminal's columns, to which lines are cut; None for no limit.
    """

    def __init__(
        self,
        origin: Origin,
        *,
        ascii_only: bool = False,
        colour: bool = False,
        width: Callable[[], int | None] | None = None,
    ) -> None:
        super().__init__(origin, ascii_only=ascii_only)
        self._more = "~" if ascii_only else _MORE
        self._colour = colour
        self._width = width
        self._stamp = _Stamp(time.localtime, "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line, and its traceback, set in, below it."""
        event, facts, stamp = event_of(record), facts_of(record), self._stamp(record.created)
        word = _word(event, record)
        head = f"{word:<5} {self._columns(event, facts)}"
        width = self._width() if self._width else None
        room = LIMIT if width is None else max(width - len(stamp) - 1, 1)
        rest = self._outcome(event, facts, room - len(head)) if event in _WORDS else self._message(record, facts)
        text = self._cut(head + rest, room).rstrip()
        below = self._traceback(record).splitlines()
        return "\n".join([self._painted(record, stamp, word, text), *(f"    {self._safe(each)}" for each in below)])

    def _columns(self, event: str, facts: Mapping[str, object]) -> str:
        if not event.startswith("job.") or "jid" not in facts:
            return ""
        name = str(facts.get("class", "")).rpartition(".")[2]
        run = _span(facts, "run_ms", 1000)
        return self._safe(f"{name:<16} {str(facts['jid'])[:6]:<6} {facts.get('queue', '')!s:<10} {run:<7} ")

    def _outcome(self, event: str, facts: Mapping[str, object], room: int) -> str:
        """Say why and what comes next; where it is too much for the line, the why is cut."""
        end = self._safe("  ".join(_prospects(event, facts)))
        why = self._cut(self._safe(_trouble(facts)), max(room - len(end) - 2, 16))
        return "  ".join(part for part in (why, end) if part)

    def _message(self, record: logging.LogRecord, facts: Mapping[str, object]) -> str:
        shown = _IN_COLUMNS if "jid" in facts and event_of(record).startswith("job.") else ()
        pairs = self._pairs({name: value for name, value in facts.items() if name not in shown})
        return "  ".join([self._safe(_cut(record.getMessage(), LIMIT)), *pairs])

    def _cut(self, text: str, length: int) -> str:
        return _cut(text, length, self._more)

    def _painted(self, record: logging.LogRecord, stamp: str, word: str, text: str) -> str:
        if not self._colour:
            return f"{stamp} {text}"
        colour = _COLOURS.get(word) or _COLOURS.get(record.levelname.lower(), "36")
        return f"\x1b[2m{stamp}\x1b[0m \x1b[{colour}m{text[: len(word)]}\x1b[0m{text[len(word) :]}"


def _word(event: str, record: logging.LogRecord) -> str:
    word = record.levelname.lower() if event == "log" else event.rpartition(".")[2]
    return _UNSAFE.sub("?", _WORDS.get(event, word))


def _trouble(facts: Mapping[str, object]) -> str:
    error = facts.get("error")
    if not isinstance(error, Mapping):
        return str(facts.get("reason") or "")
    kind, message = str(error.get("type", "error")), str(error.get("message", ""))
    return f"{kind}: {message}" if message else kind


def _prospects(event: str, facts: Mapping[str, object]) -> Iterator[str]:
    if event in {"job.ok", "job.start"} and "wait_ms" in facts:
        yield f"wait {_span(facts, 'wait_ms', 1000)}"
    attempt = (
        f"attempt {facts['attempt']}/{facts.get('max', '?')}" if event == "job.retry" and "attempt" in facts else ""
    )
    again = f"again in {_span(facts, 'next_in', 1)}" if "next_in" in facts else ""
    if attempt or again:
        yield ", ".join(part for part in (attempt, again) if part)
    error = facts.get("error")
    if event == "job.dead" and isinstance(error, Mapping) and error.get("frame"):
        yield str(error["frame"])


def _span(facts: Mapping[str, object], name: str, units: int) -> str:
    """Return a fact that counts *units* to the second, in words; empty if it is no number."""
    value = facts.get(name)
    return in_words(value / units) if isinstance(value, int | float) else ""
