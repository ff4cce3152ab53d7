"""The machine itself, and how far it walks.

Every run of the suite makes the same sixty walks.  Thousands of new ones, and the way
from a failure to its shortest story::

    MAINSPRING_LONG=1 pytest tests/machine/test_machine.py -o faulthandler_timeout=0
    MAINSPRING_SHRINK=1 pytest tests/machine/test_machine.py -o faulthandler_timeout=0
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

from machine.clocks import Clocks
from machine.people import People, Trouble
from machine.unique import Unique

IS_LONG = os.environ.get("MAINSPRING_LONG") == "1"
SHRINKS = IS_LONG or os.environ.get("MAINSPRING_SHRINK") == "1"
WALKS = settings(
    max_examples=1000 if IS_LONG else 60,
    stateful_step_count=80 if IS_LONG else 50,
    derandomize=not IS_LONG,
    database=None,
    phases=(Phase.generate, Phase.shrink) if SHRINKS else (Phase.generate,),
    deadline=None,
    print_blob=IS_LONG,
    suppress_health_check=list(HealthCheck),
)


class Machine(Unique, People):
    """Everybody, on a server that has room."""


class FullMachine(Unique, People, Trouble):
    """Everybody, on a server that is full from time to time."""


class ClockMachine(Clocks, Trouble):
    """Clocks, and whoever looks after the schedule, on a server that is full from time to time.

    Alone, for there are many ways to go already; what it enqueues is looked for by the same ledger.
    """
