"""Child programs, and the CPU time and memory of processes, from /proc."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.support.child_program import ChildProgram
from tests.support.machine import ROOT
from tests.support.service import PROCESS_TIMEOUT

KIB = 1024
PAGE = os.sysconf("SC_PAGE_SIZE")


class Pids(NamedTuple):
    """The processes of a subject.

    :ivar store: empty if one process both serves and stores
    """

    service: list[int]
    store: list[int]


class Usage(NamedTuple):
    """Totals of several processes.

    :ivar cpu: seconds since the processes started
    :ivar memory: resident bytes
    """

    cpu: float
    threads: int
    memory: int


def usage(pids: Iterable[int]) -> Usage:
    cpu, threads, memory = 0.0, 0, 0
    for pid in pids:
        fields = _stat(pid)
        cpu += cpu_seconds(pid)
        threads += int(fields[17])
        memory += int(fields[21])
    return Usage(cpu, threads, memory * PAGE)


def cpu_seconds(pid: int) -> float:
    """The CPU time of a process, user and system, of all its threads.

    By clock_getcpuclockid(3): /proc/PID/stat has the same in hundredths of a second.
    """
    return time.clock_gettime((~pid << 3) | 2)


def cpu_of_main_thread(pid: int) -> float:
    """Its CPU seconds, as `cpu_of_thread`."""
    return cpu_of_thread(pid, pid)


def cpu_of_thread(pid: int, thread: int) -> float:
    """Its CPU seconds: exact, unlike those of /proc/PID/stat, which are hundredths."""
    path = Path(f"/proc/{pid}/task/{thread}/schedstat")
    return int(path.read_text().split()[0]) / 1e9


def thread_of(pid: int, name: str) -> int:
    """The only thread of the process with this name."""
    (found,) = (
        int(task.name)
        for task in Path(f"/proc/{pid}/task").iterdir()
        if (task / "comm").read_text() == f"{name}\n"
    )
    return found


def is_stopped(pid: int) -> bool:
    """Whether a signal has stopped the process."""
    return _stat(pid)[0] == "T"


def is_waiting(pid: int) -> bool:
    """Whether the main thread waits, and not for a CPU."""
    return _stat(pid)[0] == "S"


def _stat(pid: int) -> list[str]:
    """The fields after the program's name, which may contain blanks (proc(5))."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


class PeakMemory:
    """The growth of a process's resident memory from now to its peak."""

    def __init__(self, pid: int) -> None:
        self._folder = Path("/proc", str(pid))
        (self._folder / "clear_refs").write_text("5")  # proc(5): resets the peak
        self._before = self._bytes("VmRSS:")

    def growth(self) -> int:
        """In bytes."""
        return self._bytes("VmHWM:") - self._before

    def _bytes(self, field: str) -> int:
        status = (self._folder / "status").read_text()
        return int(status.partition(field)[2].split()[0]) * KIB


def descendants(pid: int) -> list[int]:
    """The process itself, then its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int(_stat(int(entry.name))[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found


def program_of(pid: int) -> str:
    return Path(f"/proc/{pid}/exe").readlink().name


def pin(pids: Iterable[int], cpus: Collection[int]) -> None:
    """Restricts all threads of the processes to these CPUs."""
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cpus)


class Program:
    """A child process that listens on a loopback port."""

    def __init__(
        self,
        folder: Path,
        command: list[str],
        port: int,
        environ: Mapping[str, str] | None = None,
        timeout: float = PROCESS_TIMEOUT,
    ) -> None:
        """:param timeout: seconds for its start and for its end"""
        self.port = port
        self._timeout = timeout
        self._command = command
        self._environ = environ
        log = folder / f"{Path(command[0]).name}-{port}.log"
        self._child = ChildProgram(command[0], log)

    @property
    def pid(self) -> int:
        return self._child.pid

    def start(self) -> None:
        """Starts the program and waits until it listens.

        :raises RuntimeError: if it exits
        :raises TimeoutError: if it does not listen in time
        """
        self._child.start(
            self._command,
            self._environ,
            is_ready=lambda _: self._listens(),
            timeout=self._timeout,
            cwd=ROOT,
        )

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        self._child.send(signal.SIGTERM)
        try:
            self._child.wait(self._timeout)
        except subprocess.TimeoutExpired:
            self._child.send(signal.SIGKILL)
            self._child.wait()
