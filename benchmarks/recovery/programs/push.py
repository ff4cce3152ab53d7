"""Enqueues the one job: ``python -m benchmarks.recovery.programs.push PROGRAM``."""

from __future__ import annotations

import importlib
import sys

importlib.import_module(f"benchmarks.recovery.programs.{sys.argv[1]}").enqueue()
