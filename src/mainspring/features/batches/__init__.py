"""Batches: jobs that belong together, and whose end is told by callbacks.

`App.batch` makes one (`making`), its block is filled with jobs (`filling`), and callbacks lie
ready in it (`callbacks`). What becomes of its jobs is counted by the scripts that settle them.
"""

from mainspring.features.batches.batch import Batch
from mainspring.features.batches.callbacks import Callback, Callbacks
from mainspring.features.batches.filling import Filling
from mainspring.features.batches.making import Batching
from mainspring.store.batches import BatchStatus

__all__ = ["Batch", "BatchStatus", "Batching", "Callback", "Callbacks", "Filling"]
