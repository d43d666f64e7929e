"""A terminal, for programs that behave otherwise without one."""

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

#: Wide enough that no line is broken.
ROWS, COLUMNS = 100, 1000

#: Control sequences, which also a dumb terminal gets some of.
CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\r")


def shown(output: bytes) -> str:
    return CONTROL.sub("", output.decode(errors="replace"))


class Terminal:
    """:param process: that reads from the terminal and writes to it"""

    def __init__(self, descriptor: int, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._descriptor = descriptor
        self._read = b""
        self._typed_at = 0

    @property
    def text(self) -> str:
        """Everything shown so far, also what was typed if it is shown."""
        return shown(self._read)

    def type(self, line: str) -> None:
        self._typed_at = len(self._read)
        os.write(self._descriptor, line.encode() + b"\n")

    def read_until(self, ending: str, timeout: float) -> None:
        """The output after the last line typed, up to this text.

        :raises TimeoutError: it did not come in this time
        """
        deadline = time.monotonic() + timeout
        while not shown(self._read[self._typed_at :]).endswith(ending):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._descriptor], [], [], left)[0]:
                raise TimeoutError(f"not within {timeout} s: {ending!r} in {self.text}")
            self._read += self._part()

    def read_to_the_end(self) -> None:
        while part := self._part():
            self._read += part

    def _part(self) -> bytes:
        try:
            return os.read(self._descriptor, 65536)
        except OSError:  # the other side is closed
            return b""


@contextlib.contextmanager
def terminal(
    command: list[str], folder: Path, environ: Mapping[str, str]
) -> Iterator[Terminal]:
    """A terminal that runs the program and ends with it."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={"TERM": "dumb"} | dict(environ),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(ours, process)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
