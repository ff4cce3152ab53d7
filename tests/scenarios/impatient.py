"""The command, with as much patience for slow clients as the environment says: ``python -m scenarios.impatient web``."""

from __future__ import annotations

import os
import sys

from mainspring.cli.main import run
from mainspring.cli.options import Session
from mainspring.web import limits

if __name__ == "__main__":
    limits.PATIENCE = float(os.environ["PATIENCE"])  # type: ignore[misc]
    sys.exit(run(sys.argv[1:], Session()))
