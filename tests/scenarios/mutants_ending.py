"""Known faults in how runs are ended from outside."""

from __future__ import annotations

from mainspring.worker import deadlines, steering, watch
from mainspring.worker.runners import forkserver, loop, processes


def no_ring() -> None:
    """Never notice that a run has taken too long."""
    deadlines.Deadlines.turn = lambda self: 3600.0  # type: ignore[method-assign]


def no_new_slot() -> None:
    """Settle a job whose run does not end, and leave its slot to it."""
    steering.Steering._left = lambda self, delivery, settle: settle()  # type: ignore[method-assign]


def open_watch() -> None:
    """Raise in whatever the thread runs by then."""
    watch.ThreadWatch.close = lambda self: None  # type: ignore[method-assign]
    deadlines.Deadlines.withdraw = lambda self, alarm: None  # type: ignore[method-assign]


def deaf() -> None:
    """Cancel nothing that runs."""
    loop.LoopRunner.cancel = lambda self, jid: False  # type: ignore[method-assign]
    processes.ProcessRunner.cancel = lambda self, jid: False  # type: ignore[method-assign]


def orphans() -> None:
    """Let the processes of jobs live on when their worker has died."""
    forkserver._die_with_parent = lambda: None
    forkserver._Template.run = _serve  # type: ignore[method-assign]


def _serve(template: forkserver._Template) -> None:
    while True:
        template._reap()
        if not template._obey():
            forkserver.signal.pause()
