"""Asked before a job runs that carries something of flow control: shall it run at all, and with what?"""

from __future__ import annotations

from typing import Any, Final

from mainspring.base.errors import StoreError
from mainspring.base.flow import Flow
from mainspring.base.flow_errors import DecryptFailed, EncryptionUnavailable
from mainspring.base.loggers import Log
from mainspring.context import JobContext
from mainspring.features import encryption
from mainspring.features.expiry import is_expired
from mainspring.features.results import Packer
from mainspring.job import Job
from mainspring.store import locks
from mainspring.worker.delivery import Delivery
from mainspring.worker.executor import Guard
from mainspring.worker.host import Host
from mainspring.worker.outcome import Dead, Discarded, GivenBack, Outcome

_log: Final = Log("mainspring.job")

#: Seconds between two attempts to let a lock go.
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 2.0


def guards(app: Host) -> tuple[Guard, ...]:
    """Return what the jobs of *app* are asked, in turn; what lets go a lock comes last.

    Raises:
        EncryptionUnavailable: If the arguments of a job are encrypted, and nothing can be decrypted here. It would
            be worse to find that out one job after the other.
    """
    encrypted = dict.fromkeys(job.name for job in app.jobs.values() if job.options.encrypt)
    for name in encrypted:
        app.keyring.check(name)
    asked = (_not_too_late(app), _readable(app), _unlocked(app))

    def guard(delivery: Delivery, flow: Flow, context: JobContext) -> Outcome | None:
        # Nearly all have nothing to be asked about, and one look tells.
        if flow.expires_at is None and flow.encrypt is None and flow.until != "start" and context.name not in encrypted:
            return None
        for each in asked:
            verdict = each(delivery, flow, context)
            if verdict is not None:
                return verdict
        return None

    return (guard,)


def packer(app: Host, job: Job[Any, Any]) -> Packer:
    """Return what makes the results of *job* that are kept."""
    seal = app.keyring.seal if job.options.encrypt is True else None
    return Packer(job, limit=app.client.limit, time=app.time, seal=seal)


def _not_too_late(app: Host) -> Guard:
    def guard(delivery: Delivery, flow: Flow, _context: JobContext) -> Discarded | None:
        if flow.expires_at is None or delivery.payload is None:
            return None
        if is_expired(delivery.payload, flow, app.time.now()):
            return Discarded("expired", tally="expired")
        return None

    return guard


def _readable(app: Host) -> Guard:
    """Decrypt the arguments of a job; what cannot be decrypted is dead, and never run."""
    warned: set[str] = set()

    def guard(delivery: Delivery, flow: Flow, context: JobContext) -> Dead | None:
        job = app.jobs.get(context.name)
        if flow.encrypt is None and (job is None or not job.options.encrypt):
            return None
        try:
            context.args, context.kwargs = encryption.unseal(
                app.keyring, context.jid, context.name, said=flow.encrypt, args=context.args, kwargs=context.kwargs
            )
        except (DecryptFailed, EncryptionUnavailable) as error:
            app.handlers.error(error, context)
            return Dead(error, "decrypt_failed")
        if flow.encrypt is None and job is not None and context.name not in warned:
            if job.arguments.first_hidden(context.args, context.kwargs) is None:
                return None
            warned.add(context.name)
            _warn(delivery, context)
        return None

    return guard


def _unlocked(app: Host) -> Guard:
    """Let go the lock of a job that is unique until it starts.

    Before its first line runs, and not a moment later: whoever enqueues the same from then on gets a run that sees
    all that was there. So it waits for the store, for as long as the job is ours; it is the one guard that waits.
    """

    def guard(delivery: Delivery, flow: Flow, context: JobContext) -> GivenBack | None:
        if flow.until != "start" or not flow.lock:
            return None
        command = locks.release(delivery.queue, delivery.holder, delivery.seq, flow.lock, context.jid)
        pause = _FIRST_PAUSE
        while not (context.is_stopping() or context.is_lost()):
            try:
                return None if app.store.run(command) else GivenBack()
            except StoreError as error:
                _log.debug("%s cannot let its lock go yet: %s", context.jid, error)
            app.time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        return GivenBack()

    return guard


def _warn(delivery: Delivery, context: JobContext) -> None:
    """Say that a job came unencrypted; such as one enqueued by a release that did not encrypt yet."""
    _log.warning(
        "%s came with its arguments in plain text, though they are to be encrypted; this is said once",
        context.name,
        extra={"event": "job.unencrypted", "facts": {"jid": delivery.jid, "class": context.name}},
    )
