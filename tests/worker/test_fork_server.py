"""What processes of jobs are forked of is refused where it cannot be had, and then leaves nothing behind."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from mainspring.base.errors import InvalidOption
from mainspring.worker.runners.forkserver import ForkServer
from support import until


def test_where_threads_are_and_no_module_holds_the_app_it_is_refused_and_leaves_no_file_open():
    # Those of tests before close their connections as they end.
    until(lambda: threading.active_count() == 1, 30)
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    before = set(Path("/proc/self/fd").iterdir())
    try:
        with pytest.raises(InvalidOption, match="no imported module holds it"):
            ForkServer(object(), lambda _: None, 0).start()
        assert set(Path("/proc/self/fd").iterdir()) == before
    finally:
        over.set()
        thread.join()
