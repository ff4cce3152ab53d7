"""Batches: jobs that belong together, and whose end is told by callbacks.

`App.batch` makes one (`making`), its block is filled with jobs (`filling`), and callbacks lie
ready in it (`callbacks`). What becomes of its jobs is counted by the scripts that settle them.
"""

from mainspring.features.batches.batch import Batch
from mainspring.features.batches.callbacks import Callback, Callbacks
from mainspring.features.batches.desk import Host
from mainspring.features.batches.filling import Filling, Linked
from mainspring.features.batches.making import LINGER, Batching, new_batch
from mainspring.store.batches import BatchStatus

__all__ = [
    "LINGER",
    "Batch",
    "BatchStatus",
    "Batching",
    "Callback",
    "Callbacks",
    "Filling",
    "Host",
    "Linked",
    "new_batch",
]
