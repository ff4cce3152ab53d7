"""A process that must end ends, and says nothing that helps nobody."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = "import sys; from mainspring.worker.signals import end_now; {spoil}; end_now(7, list)"


ALARM = """
import os, select, signal
from mainspring.worker.signals import Signals
signals = Signals()
signals.listen()
alarm = signals.alarm()
reading, writing = os.pipe()
child = os.fork()
if child == 0:
    os.write(writing, b"1")
    signals.next(20)
    os._exit(0)
os.read(reading, 1)
os.kill(child, signal.SIGTERM)
os.waitpid(child, 0)
assert not select.select([alarm], [], [], 0)[0], "a child rang"
os.kill(os.getpid(), signal.SIGTERM)
print(os.read(alarm, 99) == bytes([signal.SIGTERM]), signals.next(5))
"""


UNWOKEN = """
import os, signal, threading
from mainspring.worker.signals import Signals
signals, waits = Signals(), threading.Event()
signals.listen()

def kill():
    waits.wait()
    os.kill(os.getpid(), signal.SIGTERM)

thread = threading.Thread(target=kill)
thread.start()
# From now on the kernel gives it to the other thread, so that it does not end the wait of this one.
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
threading.Timer(0.2, waits.set).start()
print(signals.next())
"""


def test_a_signal_that_does_not_end_the_wait_is_heard_all_the_same():
    ended = subprocess.run([sys.executable, "-c", UNWOKEN], capture_output=True, text=True, timeout=30, check=False)

    assert (ended.stdout, ended.stderr) == ("TERM\n", "")


def test_an_alarm_is_rung_by_the_signals_of_this_process_and_of_no_child():
    ended = subprocess.run([sys.executable, "-c", ALARM], capture_output=True, text=True, timeout=30, check=False)

    assert (ended.stdout, ended.stderr) == ("True TERM\n", "")


@pytest.mark.parametrize("spoil", ["sys.stdout.close()", "sys.stdout = None", "sys.stdout = object()"])
def test_whatever_a_job_did_to_the_standard_output_the_process_ends_without_a_traceback(spoil):
    code = PROGRAM.format(spoil=spoil)
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)

    assert (ended.returncode, ended.stderr) == (7, "")
