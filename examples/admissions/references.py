"""What a referee says of an applicant: how to ask for it, and how to keep it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from dataclasses import dataclass

from examples.admissions.settings import HOST

TIMEOUT = 5.0  # seconds
GOOD = 4  # the grade from which the office offers a place


@dataclass(frozen=True, slots=True)
class Reference:
    """A referee's answer; the best grade is 5."""

    application_id: int
    grade: int
    text: str

    @property
    def is_good(self) -> bool:
        """Whether the office offers a place for it."""
        return self.grade >= GOOD


class ReferenceUnavailable(ConnectionError):
    """The referees' service did not give an answer; it may the next time."""


async def ask(application_id: int, port: int) -> Reference:
    """Ask the referees' service about an application.

    The standard library has no asynchronous HTTP client, and one GET needs none.

    Raises:
        ReferenceUnavailable: If the service refuses, is silent for `TIMEOUT` seconds, or is not there.
    """
    try:
        async with asyncio.timeout(TIMEOUT):
            status, body = await _get(f"/references/{application_id}", port)
    except (OSError, TimeoutError, ValueError) as error:
        raise ReferenceUnavailable(f"the referees' service does not answer: {error!r}") from error
    if status != 200:
        raise ReferenceUnavailable(f"the referees' service answered {status}")
    answer = json.loads(body)
    return Reference(answer["application_id"], answer["grade"], answer["text"])


async def _get(path: str, port: int) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {HOST}\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
    return int(head.split(maxsplit=2)[1]), body


def keep(db: sqlite3.Connection, reference: Reference) -> None:
    """Enter a reference; one that is there already stays as it is."""
    db.execute(
        "INSERT INTO recommendations (application_id, grade, text) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (reference.application_id, reference.grade, reference.text),
    )
