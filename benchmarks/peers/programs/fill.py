"""Fills a peer's queue: ``python -m benchmarks.peers.programs.fill PEER``.

The peer's module is imported as its worker imports it, since some name a job by its module.
"""

from __future__ import annotations

import importlib
import sys

importlib.import_module(f"benchmarks.peers.programs.{sys.argv[1]}").enqueue()
