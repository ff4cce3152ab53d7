"""Jobs and a clock for Python on Redis or Valkey, wire-compatible with Sidekiq.

Example:
    .. code-block:: python

        from mainspring import App

        app = App()


        @app.job
        def add(x: int, y: int) -> int:
            return x + y


        add.enqueue(1, 2)
"""

from mainspring.__about__ import __version__
from mainspring.app import App
from mainspring.base.ends import JobCancelled, JobCut, JobInterrupted, JobTimeout
from mainspring.base.errors import (
    BatchClosed,
    BatchNotFound,
    Discard,
    InvalidDuration,
    InvalidFilter,
    InvalidName,
    InvalidOption,
    InvalidSchedule,
    Kill,
    LeaseLost,
    MainspringError,
    NoTransaction,
    OutOfMemory,
    OverLimit,
    PayloadTooLarge,
    ProcessDied,
    PushAmbiguous,
    PushFailed,
    RetryIn,
    Snooze,
    StoreError,
    StoreRefused,
    StoreUnavailable,
    UnknownJob,
    WrongArguments,
)
from mainspring.base.flow_errors import DecryptFailed, EncryptionUnavailable, JobFailed, NoResult, ResultTimeout
from mainspring.base.retry import Retry
from mainspring.context import JobContext, current_job
from mainspring.features import iterate
from mainspring.features.batches import Batch, BatchStatus
from mainspring.features.workflows import Workflow, chain, chord, group, previous
from mainspring.job import Enqueued, Job

__all__ = [
    "App",
    "Batch",
    "BatchClosed",
    "BatchNotFound",
    "BatchStatus",
    "DecryptFailed",
    "Discard",
    "EncryptionUnavailable",
    "Enqueued",
    "InvalidDuration",
    "InvalidFilter",
    "InvalidName",
    "InvalidOption",
    "InvalidSchedule",
    "Job",
    "JobCancelled",
    "JobContext",
    "JobCut",
    "JobFailed",
    "JobInterrupted",
    "JobTimeout",
    "Kill",
    "LeaseLost",
    "MainspringError",
    "NoResult",
    "NoTransaction",
    "OutOfMemory",
    "OverLimit",
    "PayloadTooLarge",
    "ProcessDied",
    "PushAmbiguous",
    "PushFailed",
    "ResultTimeout",
    "Retry",
    "RetryIn",
    "Snooze",
    "StoreError",
    "StoreRefused",
    "StoreUnavailable",
    "UnknownJob",
    "Workflow",
    "WrongArguments",
    "__version__",
    "chain",
    "chord",
    "current_job",
    "group",
    "iterate",
    "previous",
]
