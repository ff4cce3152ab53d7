"""Where the processes of jobs come from, if any job needs them."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable

from mainspring.worker.delivery import Delivery
from mainspring.worker.executor import Executor
from mainspring.worker.host import Host
from mainspring.worker.runners.child import serve
from mainspring.worker.runners.forkserver import ForkServer
from mainspring.worker.runners.processes import ProcessRunner
from mainspring.worker.slots import Slots
from mainspring.worker.steering import Steering


class Nursery:
    """Makes the slots of a worker's capsules, processes included."""

    def __init__(self, app: Host, executor: Executor, *, steering: Steering, memory: int, rng: random.Random) -> None:
        """Look whether any job runs in a process; none is started yet.

        Args:
            app: The App.
            executor: Runs each delivery, or judges it.
            steering: Reaches into what runs.
            memory: Bytes of address space that a process of jobs may have; 0 for any.
            rng: The source of jitter.
        """
        self._executor = executor
        self._steering = steering
        self._rng = rng
        self._forks: ForkServer | None = None
        if "process" in executor.elsewhere.values():

            def run(connection: socket.socket) -> None:
                serve(app, connection, memory)

            self._forks = ForkServer(app, run, memory)

    def start(self) -> None:
        """Start what processes are forked of; to be called while there are no threads yet.

        Raises:
            InvalidOption: If there are threads, and no module holds the App.
        """
        if self._forks is not None:
            self._forks.start()

    def stop(self) -> None:
        """End all processes."""
        if self._forks is not None:
            self._forks.stop()

    def slots(self, name: str, size: int, finished: Callable[[Delivery], None]) -> Slots:
        """Return *size* slots of the capsule *name*; *finished* is called with each delivery that has run."""
        processes: ProcessRunner | None = None
        if self._forks is not None:
            processes = ProcessRunner(
                name,
                size,
                executor=self._executor,
                finished=finished,
                forks=self._forks,
                holding=self._steering.holding,
                limits=self._steering.limits,
                rng=self._rng,
            )
        return Slots(name, size, executor=self._executor, finished=finished, processes=processes)
