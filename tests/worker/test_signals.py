"""A process that must end ends, and says nothing that helps nobody."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = "import sys; from mainspring.worker.signals import end_now; {spoil}; end_now(7)"


@pytest.mark.parametrize("spoil", ["sys.stdout.close()", "sys.stdout = None", "sys.stdout = object()"])
def test_whatever_a_job_did_to_the_standard_output_the_process_ends_without_a_traceback(spoil):
    code = PROGRAM.format(spoil=spoil)
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)

    assert (ended.returncode, ended.stderr) == (7, "")
