"""Programs that are measured, and what they take of the machine."""

import os
import signal
import socket
import subprocess
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.support.machine import ROOT, wait_until
from tests.support.service import PROCESS_TIMEOUT

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Usage(NamedTuple):
    """Of several processes together.

    :ivar cpu: seconds since they were started
    :ivar memory: resident bytes
    """

    cpu: float
    threads: int
    memory: int


def usage(pids: Iterable[int]) -> Usage:
    cpu, threads, memory = 0, 0, 0
    for pid in pids:
        fields = _stat(pid)
        cpu += int(fields[11]) + int(fields[12])
        threads += int(fields[17])
        memory += int(fields[21])
    return Usage(cpu / TICKS, threads, memory * PAGE)


def cpu_of_main_thread(pid: int) -> float:
    fields = _stat(pid, f"task/{pid}/stat")
    return (int(fields[11]) + int(fields[12])) / TICKS


def _stat(pid: int, name: str = "stat") -> list[str]:
    """The fields from the third on, `state` (proc(5)): a name may have blanks in it."""
    return Path(f"/proc/{pid}/{name}").read_text().rpartition(")")[2].split()


def descendants(pid: int) -> list[int]:
    """The process itself first."""
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
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cpus)


class Program:
    """A child that listens on a port of the loopback."""

    def __init__(
        self,
        folder: Path,
        command: list[str],
        port: int,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port
        self._command = command
        self._environ = environ
        self._log = folder / f"{Path(command[0]).name}-{port}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Returns when it listens; raises when it does not get there."""
        with self._log.open("ab") as output:
            self._process = process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

        def listens() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"{self._command[0]}: {self._log.read_text()}")
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0

        wait_until(listens, PROCESS_TIMEOUT)

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(PROCESS_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
