"""Runs the benchmarks: ``python -m benchmarks [NAME] [OPTIONS]``; all but the long ones without a name."""

from __future__ import annotations

import argparse
import sys
import time
from types import ModuleType

from benchmarks import (
    batches,
    boot,
    clock,
    dashboard,
    enqueue,
    flow,
    lanes,
    latency,
    memory,
    metering,
    mix,
    soak,
    throughput,
)
from benchmarks.peers import compare
from benchmarks.process import Silent
from benchmarks.recovery import command as recovery
from benchmarks.server import Missing

ALL: dict[str, ModuleType] = {
    "throughput": throughput,
    "enqueue": enqueue,
    "latency": latency,
    "batches": batches,
    "boot": boot,
    "clock": clock,
    "dashboard": dashboard,
    "flow": flow,
    "lanes": lanes,
    "memory": memory,
    "metering": metering,
    "mix": mix,
    "peers": compare,
    "recovery": recovery,
    "soak": soak,
}

#: Those that take a quarter of an hour and more, mostly by waiting.
LONG = frozenset({"recovery", "soak"})


def main() -> int:
    """Run what was asked for, and return the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="How fast mainspring is, beside its peers.")
    names = parser.add_subparsers(dest="name", metavar="NAME")
    for name, module in ALL.items():
        module.options(names.add_parser(name, help=str(module.__doc__).splitlines()[0]))
    arguments = parser.parse_args()
    wanted = [arguments.name] if arguments.name else [name for name in ALL if name not in LONG]
    began = time.monotonic()
    try:
        for name in wanted:
            ALL[name].run(arguments if arguments.name else parser.parse_args([name]))
    except (Missing, Silent, throughput.Unequal) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    print(f"\n{time.monotonic() - began:.0f} s in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
