"""A program that has threads already when it starts a worker within itself; it ends with its standard input."""

from __future__ import annotations

import sys
import threading

from mainspring.worker import Worker
from scenarios.embedded_app import app


def main() -> None:
    """Run a worker as long as somebody holds the other end."""
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    with Worker(app, 2, timeout=0.5):
        sys.stdin.read()


if __name__ == "__main__":
    main()
