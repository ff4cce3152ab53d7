"""A local mail server that delivers nothing and keeps everything: one file for each mail.

It accepts a mail that it has already, as a mail server must, and keeps one of each
Message-ID.  `deliveries.log` has a line for each mail that came in, so that the mails
that came twice can be counted, and the jobs that sent them asked.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from examples.admissions.settings import HOST

DELIVERIES = "deliveries.log"
STARTUP = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Delivery:
    """One mail that came in, whether or not it was kept already."""

    message_id: str
    jid: str


class Keeper:
    """The mail server, in a thread of its own."""

    def __init__(self, mailbox: Path) -> None:
        self._mailbox = mailbox
        self._ready: Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    def start(self, port: int = 0) -> int:
        """Listen, on a free port if *port* is 0; return the port."""
        self._mailbox.mkdir(parents=True, exist_ok=True)
        self._port = port
        self._thread.start()
        return self._ready.result(STARTUP)[0]

    def stop(self) -> None:
        """Stop listening, and wait for the thread to end."""
        _, loop, stopping = self._ready.result(0)
        loop.call_soon_threadsafe(stopping.set)
        self._thread.join()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802  # aiosmtpd calls it by this name, with these
        """Keep one mail; called by aiosmtpd."""
        content = envelope.original_content or b""
        message = email.message_from_bytes(content, _class=EmailMessage, policy=email.policy.SMTP)
        message_id = str(message["Message-ID"]).strip()
        try:
            with path_of(self._mailbox, message_id).open("xb") as file:
                file.write(content)
        except FileExistsError:
            pass  # it came before: the log below will say so
        with (self._mailbox / DELIVERIES).open("a") as log:
            log.write(f"{message_id} {message['X-Job']}\n")
        return "250 OK"

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if not self._ready.done():
                self._ready.set_exception(error)
            raise

    async def _serve(self) -> None:
        loop, stopping = asyncio.get_running_loop(), asyncio.Event()
        listener = await loop.create_server(lambda: SMTP(self, hostname="mail.admissions.example"), HOST, self._port)
        async with listener:
            self._ready.set_result((listener.sockets[0].getsockname()[1], loop, stopping))
            await stopping.wait()


def path_of(mailbox: Path, message_id: str) -> Path:
    """Return the file in which a mail of this Message-ID is kept."""
    return mailbox / (re.sub(r"[^\w.@-]", "_", message_id.strip("<>")) + ".eml")


def kept(mailbox: Path) -> dict[str, EmailMessage]:
    """Return every mail that is kept, by its Message-ID."""
    found = {}
    for path in mailbox.glob("*.eml"):
        message = email.message_from_bytes(path.read_bytes(), _class=EmailMessage, policy=email.policy.default)
        found[str(message["Message-ID"]).strip()] = message
    return found


def deliveries(mailbox: Path) -> list[Delivery]:
    """Return every mail that came in, in order; a Message-ID may come more than once."""
    log = mailbox / DELIVERIES
    if not log.exists():
        return []
    return [Delivery(*line.split()) for line in log.read_text().splitlines()]
