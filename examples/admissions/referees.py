"""The referees' service: slow, and a third of the time "503 Service Unavailable".

Which request fails hangs on the seed, the application and how often it was asked
about, not on the order in which requests arrive: a run can be repeated.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from examples.admissions.references import Reference
from examples.admissions.settings import HOST

FAILING = 1 / 3
DELAY = 0.15  # seconds: a referee thinks before answering


def fails(seed: int, application_id: int, attempt: int) -> bool:
    """Say whether the *attempt*-th request about an application is refused."""
    return random.Random(f"{seed}:{application_id}:{attempt}").random() < FAILING


def reference(seed: int, application_id: int) -> Reference:
    """Return what the referee has to say, each time the same."""
    grade = random.Random(f"{seed}:{application_id}").randint(1, 5)
    return Reference(application_id, grade, f"I would give this applicant {grade} of 5.")


class Referees(ThreadingHTTPServer):
    """The service, in threads of its own."""

    daemon_threads = True

    def __init__(self, seed: int = 2026, port: int = 0, *, delay: float = DELAY) -> None:
        super().__init__((HOST, port), _Handler)
        self.seed = seed
        self.delay = delay
        self._asked: Counter[int] = Counter()
        self._lock = threading.Lock()  # guards the counter: each request has its thread
        self._thread = threading.Thread(target=self.serve_forever, name="referees", daemon=True)

    def start(self) -> int:
        """Listen; return the port."""
        self._thread.start()
        return int(self.server_address[1])

    def stop(self) -> None:
        """Stop listening, and wait for the thread to end."""
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a worker that was killed and did not wait for its answer."""

    def attempt(self, application_id: int) -> int:
        """Count a request; return how many there were before it."""
        with self._lock:
            self._asked[application_id] += 1
            return self._asked[application_id] - 1


class _Handler(BaseHTTPRequestHandler):
    server: Referees

    def do_GET(self) -> None:  # http.server calls it by this name
        """Answer ``/references/NUMBER``."""
        place, _, number = self.path.rpartition("/")
        if place != "/references" or not number.isdecimal():
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        time.sleep(self.server.delay)
        application_id = int(number)
        if fails(self.server.seed, application_id, self.server.attempt(application_id)):
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE)
            return
        self._answer(reference(self.server.seed, application_id))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name for it
        """Say nothing: the worker's log tells what came of a request."""

    def _answer(self, found: Reference) -> None:
        body = json.dumps({"application_id": found.application_id, "grade": found.grade, "text": found.text}).encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
