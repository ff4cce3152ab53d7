"""The fork server of a worker that had threads when it started: an interpreter of its own, which imports the App."""

from __future__ import annotations

import importlib
import socket
import sys
from functools import partial

from mainspring.worker.runners.child import serve
from mainspring.worker.runners.forkserver import serve_orders


def main() -> None:
    """Fork and kill as the worker says that started this process, until it ends."""
    file, module, name, memory = sys.argv[1:]
    app = getattr(importlib.import_module(module), name)
    serve_orders(socket.socket(fileno=int(file)), partial(_serve, app, int(memory)))


def _serve(app: object, memory: int, connection: socket.socket) -> None:
    serve(app, connection, memory)  # type: ignore[arg-type]  # the worker has looked it up by identity
