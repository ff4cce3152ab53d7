"""Ends a child that a job forked, and that came back from the job."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


class Home:
    """The process that this was made in.

    Asking the kernel for the process's id costs more than all else that a slot does between two jobs.

    Attributes:
        is_left: True in a forked child, and its children.
    """

    __slots__ = ("is_left",)

    def __init__(self) -> None:
        """Remember this process."""
        self.is_left = False
        # Python cannot forget what is registered here, so that is no more than this one bit.
        os.register_at_fork(after_in_child=self._leave)

    def _leave(self) -> None:
        self.is_left = True


def leave_child() -> NoReturn:
    """End this process: it has copies of what its parent runs, and would run it too."""
    try:
        sys.stderr.write(f"mainspring: a child forked by a job returned from it; process {os.getpid()} ends here\n")
        sys.stderr.flush()
    finally:
        # Whatever the standard error is, closed, on a full disk or nothing at all: this is no place to raise from.
        os._exit(0)
