"""A program as a child process: started, watched, signalled, waited for."""

import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.machine import wait_until


class ChildProgram:
    """One child process at a time; its output is appended to files."""

    def __init__(self, name: str, log: Path, stdout: Path | None = None) -> None:
        """
        :param name: subject of the errors
        :param log: file of its stderr
        :param stdout: file of its stdout, if not the same
        """
        self._name = name
        self._log = log
        self._stdout = log if stdout is None else stdout
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(
        self,
        command: Sequence[str | Path],
        environ: Mapping[str, str] | None,
        is_ready: Callable[[str], bool],
        timeout: float,
        **options: Any,
    ) -> None:
        """Returns when the program is ready.

        :param is_ready: decides by what this process has logged
        :param timeout: seconds
        :param options: of Popen
        :raises RuntimeError: it ended
        :raises TimeoutError: it was not ready in time
        """
        begin = len(self.log())
        with self._stdout.open("ab") as stdout, self._log.open("ab") as stderr:
            self._process = process = subprocess.Popen(
                command,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                **options,
            )

        def started() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"{self._name} ended: {self.log()[begin:]}")
            return is_ready(self.log()[begin:])

        wait_until(started, timeout)

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def wait(self, timeout: float | None = None) -> int | None:
        """Returns its exit code; None for a program that was never started.

        :param timeout: seconds
        :raises subprocess.TimeoutExpired: it did not end in time
        """
        return None if self._process is None else self._process.wait(timeout)

    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""
