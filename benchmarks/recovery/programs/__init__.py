"""What is killed: for each queue a job that says when it starts and then waits, and how one enqueues it.

Each is written as the first page of its documentation says, with the defaults. Only the peer and the
standard library can be imported here, but in `ours`.
"""
