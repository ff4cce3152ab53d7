"""The errors of flow control: of encryption, and of those who ask how a job ended.

They belong to the tree of `base.errors`, and keep to its manner.
"""

from __future__ import annotations

from collections.abc import Sequence

from mainspring.base.errors import BootError, MainspringError

# --- encryption --------------------------------------------------------------------


class EncryptionUnavailable(BootError):
    """A job whose arguments are encrypted, where nothing can be encrypted: no keys, or no library.

    Attributes:
        job: The job's name.
    """

    def __init__(self, job: str, reason: str) -> None:
        super().__init__(f"the arguments of {job} are encrypted, and {reason}")
        self.job = job


class DecryptFailed(MainspringError, ValueError):
    """A stored job whose encrypted arguments cannot be read here: it is never run.

    Attributes:
        jid: The job's id.
    """

    def __init__(self, jid: str, reason: str) -> None:
        super().__init__(f"job {jid} cannot be decrypted: {reason}")
        self.jid = jid


# --- results -----------------------------------------------------------------------


class JobFailed(MainspringError, RuntimeError):
    """The job whose result was asked for did not succeed. What it raised is told as text, never as an instance.

    Attributes:
        jid: The job's id.
        type: The name of the error's class; empty if there was none.
        message: The error's text, or why the job was dropped.
        traceback: Where it came from, innermost last, as ``file:line in function``.
        state: ``dead``, or ``dropped`` if it was discarded.
    """

    def __init__(
        self, jid: str, kind: str, message: str, traceback: Sequence[str] = (), *, state: str = "dead"
    ) -> None:
        why = f"{kind}: {message}" if kind else message
        super().__init__(f"job {jid} {'was discarded' if state == 'dropped' else 'died'}: {why}")
        self.jid = jid
        self.type = kind
        self.message = message
        self.traceback = tuple(traceback)
        self.state = state


class NoResult(MainspringError, LookupError):
    """There is no result of this job, and there will be none.

    Attributes:
        jid: The job's id.
        reason: Why.
    """

    def __init__(self, jid: str, reason: str) -> None:
        super().__init__(f"no result of job {jid}: {reason}")
        self.jid = jid
        self.reason = reason


class ResultTimeout(MainspringError, TimeoutError):
    """The job has not ended in the time that one wanted to wait.

    Attributes:
        jid: The job's id.
        timeout: How long it was waited for, in seconds.
    """

    def __init__(self, jid: str, timeout: float) -> None:
        super().__init__(f"job {jid} has not ended" + (f" within {timeout:g} s" if timeout else ""))
        self.jid = jid
        self.timeout = timeout
