"""What runs jobs.

`Worker` builds the parts. A `Capsule` feeds the slots: its `Fetcher` asks, its slots
run each `Delivery` through the `Executor`, its `Completer` acknowledges. Beside it the
`Heartbeat` proves that the process lives, the `Forwarder` moves what is due into its
queue, and the `Recoverer` gives back the jobs of the dead. A `Relay` takes jobs from the
tables of applications into their queues. `lifespan` puts a worker into a web process.
"""

from mainspring.worker.embedded import lifespan
from mainspring.worker.relay import Relay
from mainspring.worker.settings import CapsuleSettings
from mainspring.worker.worker import Worker

__all__ = ["CapsuleSettings", "Relay", "Worker", "lifespan"]
