"""What an error of the wire means: refused, or unknown, and what a person can do about it.

Pure: errors come in as text and code, so that this file needs no client library.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mainspring.base.errors import StoreError, StoreRefused, StoreUnavailable
from mainspring.store.command import Command
from mainspring.store.url import masked

_ADVICE = {
    "OOM": "the store is full and refuses writes (maxmemory, noeviction); workers still drain it:"
    " let them, free memory, or raise maxmemory",
    "READONLY": "this server is a read-only replica; point the URL at the primary",
    "WRONGPASS": "the user name or password is wrong; check the URL",
    "NOAUTH": "the server wants a password; write it into the URL: redis://:PASSWORD@HOST",
    "NOPERM": "this user may not do that; extend its ACL to what docs/store.md lists",
    "MISCONF": "the server cannot write to its disk and refuses writes; see its log",
    "LOADING": "the server is loading its data and will answer soon",
    "NOREPLICAS": "the server has too few replicas to accept writes",
}

# How the servers tell that a command inside a script was forbidden, without the code that the command itself gets.
_FORBIDDEN = ("ACL failure in script", "The user executing the script can't")

# Answers that mean "not now": the same call may succeed when the server has recovered.
_PASSING = frozenset({"LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN"})


def code_of(error: Exception) -> str:
    """Return the first word of the server's error, such as ``OOM``; empty if there is none."""
    if str(error).startswith(_FORBIDDEN):
        return "NOPERM"
    known = getattr(error, "status_code", None)
    if known:
        return str(known)
    first = str(error).split(" ", 1)[0]
    return first if first.isupper() else ""


def _text(error: Exception) -> str:
    return str(error) or type(error).__name__


def refused(error: Exception, url: str) -> StoreError:
    """Return our error for an answer that says no."""
    code = code_of(error)
    advice = _ADVICE.get(code)
    said = f"{advice} ({_text(error)})" if code == "NOPERM" else advice or str(error)
    text = f"{masked(url)} answered {code or 'with an error'}: {said}"
    if code in _PASSING or "max number of clients" in str(error):
        return StoreUnavailable(text, applied=False)
    return StoreRefused(text, code or "ERR")


def no_connection(error: Exception, url: str) -> StoreError:
    """Return our error for a connection that could not be made: nothing was sent."""
    code = code_of(error)
    if code and code != "ERR":
        return refused(error, url)
    return StoreUnavailable(
        f"no store at {masked(url)}: {_text(error).rstrip('.')}; start the server, or set MAINSPRING_URL", applied=False
    )


def cut_off(error: Exception, url: str) -> StoreError:
    """Return our error for a call that was sent, but not answered to the end."""
    return StoreUnavailable(f"{masked(url)} did not answer: {_text(error)}", applied=None)


def is_noscript(answer: object) -> bool:
    """Return True if the server says that it does not know a script, and so has done nothing."""
    return isinstance(answer, Exception) and code_of(answer) == "NOSCRIPT"


def decoded(commands: Sequence[Command[Any]], answers: Sequence[Any]) -> list[Any]:
    """Return answers as their calls have them; an error takes the place of its answer."""
    return [
        answer if isinstance(answer, StoreError) else command.decode(answer)
        for command, answer in zip(commands, answers, strict=True)
    ]
