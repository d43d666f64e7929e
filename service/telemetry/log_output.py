"""The output of the log: stderr, or a file that is opened again at a SIGHUP.

Every process of the service writes to it by itself. A line is one write to a file that
is open for appending, so that lines of different processes do not mix. A pipe, or a
terminal, may have a reader that has stopped: no request waits for that.
"""

import contextlib
import os
import select
import stat
from pathlib import Path

#: Owner and group may read the file: it has addresses and names of users.
MODE = 0o640

STDERR = 2

#: Milliseconds that a line waits for the reader of a pipe; those after it do not wait.
MAX_WAIT = 100


class LogOutput:
    """Where the lines are written.

    :param path: of the file; None: stderr
    """

    def __init__(self, path: Path | None) -> None:
        """:raises OSError: the file cannot be opened"""
        self.path = path
        self._descriptor = STDERR if path is None else _open(path)
        self._is_failing = False
        self._poll = _poll_of(self._descriptor)
        self._lost = 0

    def write(self, line: bytes) -> None:
        """Writes a line. A failure does not fail the request: it is reported once."""
        try:
            if self._poll is None:
                written = os.write(self._descriptor, line)
                while written < len(line):  # a full disk
                    written += os.write(self._descriptor, line[written:])
            else:
                self._write_to_reader(line, self._poll)
            self._is_failing = False
        except OSError as error:
            if not self._is_failing:
                self._is_failing = True
                self._report(error)

    def take_lost(self) -> int:
        """The number of lines that were not read, once after they are read again."""
        if self._poll is None or not self._lost or not self._poll.poll(0):
            return 0
        lost, self._lost = self._lost, 0
        return lost

    def _write_to_reader(self, line: bytes, poll: "select.poll") -> None:
        # a pipe that is ready takes PIPE_BUF bytes without blocking (POSIX, write())
        for begin in range(0, len(line), select.PIPE_BUF):
            if not poll.poll(0 if self._lost else MAX_WAIT):
                self._lost += 1
                return
            os.write(self._descriptor, line[begin : begin + select.PIPE_BUF])

    def reopen(self) -> None:
        """Opens the file by its name, where another one may be now.

        The descriptor keeps its number: another thread can write in the meantime.

        :raises OSError: it cannot be opened; the lines are written to the former one
        """
        if self.path is None:
            return
        opened = _open(self.path)
        try:
            os.dup2(opened, self._descriptor, inheritable=False)
        finally:
            os.close(opened)

    def _report(self, error: OSError) -> None:
        text = f"kv: cannot write the log {self.path}: {error.strerror}\n"
        if self.path is not None:
            with contextlib.suppress(OSError):
                os.write(STDERR, text.encode(errors="backslashreplace"))


def _poll_of(descriptor: int) -> "select.poll | None":
    """Tells whether the reader is ready; None: a file, which has none."""
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return None
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return poll


def _open(path: Path) -> int:
    """Opens the file; a pipe that nobody reads is an error, and is not waited for."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(path, flags, MODE)
    os.set_blocking(descriptor, True)
    return descriptor
