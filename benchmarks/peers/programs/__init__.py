"""What runs in the peers' environments: for each its settings, its no-op job, and how one enqueues it.

Only the peer and the standard library can be imported there, but in `ours`. A peer's own command runs the module
as a worker; run as a program, it fills the queue.
"""
