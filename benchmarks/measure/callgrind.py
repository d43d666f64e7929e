"""Counts the instructions of a program, which runs under callgrind, a tool of Valgrind.

These are the instructions in user mode of all threads of the process. Its children are
not counted.
"""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator

from benchmarks.measure.processes import is_stopped

#: What precedes the command of a program. `env` and `valgrind` keep the process id.
CALLGRIND = (
    # the order of sets of texts, and so the number of collisions, is constant
    *("env", "PYTHONHASHSEED=0"),
    *("valgrind", "-q", "--tool=callgrind"),
    # what precedes the first count, as imports, is faster if it is not counted
    "--instr-atstart=no",
    # totals are read from the running program
    "--callgrind-out-file=/dev/null",
)

#: Seconds for the program to start, and to end: Valgrind slows it down.
PROCESS_TIMEOUT = 180.0

#: Seconds until callgrind answers.
ANSWER_TIMEOUT = 30.0

#: In the answer of `status internal`: the total of a thread.
TOTAL = re.compile(r"^events-\d+: (\d+)$", re.MULTILINE)


@contextlib.contextmanager
def counting(pid: int) -> Iterator[Callable[[], int]]:
    """A context in which the instructions of the process are counted.

    :return: what has been counted so far
    """
    _command(pid, "instrumentation", "on")
    _command(pid, "zero")
    try:
        yield lambda: sum(map(int, TOTAL.findall(_command(pid, "status", "internal"))))
    finally:
        _command(pid, "instrumentation", "off")


@contextlib.contextmanager
def suspended(pid: int) -> Iterator[None]:
    """A context in which the process does not run; input for it waits."""
    os.kill(pid, signal.SIGSTOP)
    try:
        while not is_stopped(pid):
            time.sleep(0)
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _command(pid: int, *command: str) -> str:
    """:raises CalledProcessError: callgrind does not answer"""
    return subprocess.run(
        ["vgdb", f"--pid={pid}", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
        timeout=ANSWER_TIMEOUT,
    ).stdout
