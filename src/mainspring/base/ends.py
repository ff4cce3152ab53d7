"""What is raised in a running job from outside, so that it ends.

None of them is an `Exception`: a job that catches whatever goes wrong in its work does
not mean these, which say that nobody wants the work any more.
"""

from __future__ import annotations


class JobCut(BaseException):
    """Raised inside a running job when its worker's shutdown time has run out.

    It is a BaseException, so that ``except Exception`` in a job does not swallow it;
    the job is already back in its queue and will run again.
    """


class JobTimeout(BaseException):
    """Raised inside a running job that has taken longer than its ``timeout``; the run counts as a failed one.

    As `JobCut`, it is not swallowed by ``except Exception`` in a job.

    Attributes:
        seconds: How long it might take; None where it is raised.
    """

    def __init__(self, seconds: float | None = None) -> None:
        super().__init__("took longer than it may" if seconds is None else f"took longer than {seconds:g} s")
        self.seconds = seconds


class JobCancelled(BaseException):
    """Raised by ``current_job().check()`` in a job that somebody cancelled; the job is dropped.

    As `JobCut`, it is not swallowed by ``except Exception`` in a job.

    Attributes:
        jid: The job's id.
    """

    def __init__(self, jid: str) -> None:
        super().__init__(f"job {jid} was cancelled")
        self.jid = jid


class JobInterrupted(JobCut):
    """Raised where an iterable job is stopped between two items, because its worker is quiet or shuts down.

    Its cursor is saved; it goes back to its queue and on from there, and that counts as nothing.

    Attributes:
        jid: The job's id.
    """

    def __init__(self, jid: str) -> None:
        super().__init__(f"job {jid} goes on in another run")
        self.jid = jid
