"""A CPU quota for processes, by SIGSTOP and SIGCONT."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence

from benchmarks.measure.processes import cpu_seconds

#: Seconds in which a process gets its quota: so short that few requests notice.
PERIOD = 0.02

#: The shortest time between two checks of a process's CPU time, in seconds.
CHECK_INTERVAL = 0.0005


@contextlib.contextmanager
def cpu_quota(pids: Sequence[int], share: float) -> Iterator[None]:
    """Limits each process to this share of a core; a share of 1 is no limit."""
    end = threading.Event()
    threads = [
        threading.Thread(target=_enforce, args=(pid, share, end))
        for pid in pids
        if share < 1
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        end.set()
        for thread in threads:
            thread.join()


def _enforce(pid: int, share: float, end: threading.Event) -> None:
    begin, before = time.monotonic(), cpu_seconds(pid)
    try:
        while not end.is_set():
            next_period = time.monotonic() + PERIOD
            allowed = before + (next_period - begin) * share
            while time.monotonic() < next_period:
                left = allowed - cpu_seconds(pid)
                if left <= 0:
                    os.kill(pid, signal.SIGSTOP)
                    time.sleep(max(0.0, next_period - time.monotonic()))
                else:
                    time.sleep(max(CHECK_INTERVAL, left / 2))
            os.kill(pid, signal.SIGCONT)
    finally:
        os.kill(pid, signal.SIGCONT)
