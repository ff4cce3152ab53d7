"""A process of many threads that all want the same limiter, and write down what they got; started by `limits`.

Each line of the oracle is one ``write``: when a call was sent, when it had its answer, and when the
holder of a slot let go of it. The slot was held between the last two, whatever died meanwhile.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

from mainspring import App
from mainspring.features.limits import LimiterKinds, Takeable
from scenarios import mutants
from scenarios.program import boot_time, pause

MAKERS: dict[str, Callable[[LimiterKinds, int, float], Takeable]] = {
    "concurrent": lambda make, n, span: make.concurrent("contended", n, ttl=span, wait=30),
    "bucket": lambda make, n, span: make.bucket("contended", n, span, wait=30),
    "window": lambda make, n, span: make.window("contended", n, span, wait=30),
    "leaky": lambda make, n, span: make.leaky("contended", n, span, wait=30),
    "points": lambda make, n, span: make.points("contended", n, n / span, wait=30),
}


def contend(limiter: Takeable, oracle: int, hold: float, stopping: threading.Event) -> None:
    """Take, hold, give back, again and again."""
    number = 0
    while not stopping.is_set():
        sent, number = boot_time(), number + 1
        permit = limiter.acquire()
        name = f"{os.getpid()}-{threading.get_ident()}-{number}"
        note(oracle, name=name, pid=os.getpid(), gave=bool(permit), sent=sent, got=boot_time())
        if permit and hold:
            pause(hold)
            note(oracle, name=name, left=boot_time())
        permit.release()


def note(oracle: int, **facts: object) -> None:
    """Append one line."""
    os.write(oracle, json.dumps(facts).encode() + b"\n")


def main(settings: dict[str, Any]) -> None:
    """Run until SIGTERM."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    if settings["mutant"]:
        mutants.apply(settings["mutant"])
    app = App(settings["url"])
    limiter = MAKERS[settings["kind"]](app.limiter, settings["n"], settings["span"])
    oracle = os.open(settings["oracle"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    threads = [
        threading.Thread(target=contend, args=(limiter, oracle, settings["hold"], stopping), daemon=True)
        for _ in range(settings["threads"])
    ]
    for thread in threads:
        thread.start()
    stopping.wait()
    for thread in threads:
        thread.join(60)
