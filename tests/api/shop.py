"""What tests of periodic entries share: an App with jobs, and looks at what lies in its store."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from mainspring import App
from mainspring.store import keys


def shop(url: str, **options: Any) -> App:
    """Return an App with two jobs."""
    app = App(url, **options)

    @app.job(name="shop.add", queue="sums")
    def add(x: int, y: int = 0) -> int:
        return x + y

    @app.job(name="shop.report")
    def report(day: date | None = None) -> None: ...

    return app


def jobs(server: Any, queue: str = "default") -> list[dict[str, Any]]:
    """Return the jobs of a queue in the order in which they will run."""
    return [json.loads(data) for data in reversed(server.client.lrange(keys.queue(queue), 0, -1))]


def state(server: Any, name: str, namespace: str = "") -> dict[str, str]:
    """Return what the store knows of an entry."""
    found = server.client.hgetall(keys.periodic_entry(namespace, name))
    return {field.decode(): value.decode() for field, value in found.items()}


def happened(server: Any, name: str, *lines: tuple[float, dict[str, Any]]) -> None:
    """Write lines of an entry's history, the oldest first."""
    key = keys.periodic_history("", name)
    server.client.lpush(key, *(f"{at:.6f} {json.dumps(record)}" for at, record in lines))
