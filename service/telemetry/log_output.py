"""The output of a log: a stream, or a file that is opened again at a SIGHUP.

Every process of the service writes to it by itself. A line is one write to a file that
is open for appending, so that lines of different processes do not mix. A pipe, or a
terminal, may have a reader that has stopped: no request waits for that.
"""

import contextlib
import errno
import os
import select
import stat
from collections.abc import Callable
from pathlib import Path

#: Owner and group may read the file: it has addresses and names of users.
MODE = 0o640

STDOUT, STDERR = 1, 2

#: Milliseconds that a line waits for the reader of a pipe; those after it do not wait.
MAX_WAIT = 100


class LogOutput:
    """Where the lines are written.

    :param path: of the file; None: there is none, but a stream
    :param stream: its descriptor
    :param mode: of a file that does not exist yet
    :param on_failure: reports that lines are lost, once until one is written again; by
        default a line on stderr, if that is not the log itself
    """

    def __init__(
        self,
        path: Path | None,
        *,
        stream: int = STDERR,
        mode: int = MODE,
        on_failure: Callable[[OSError], None] | None = None,
    ) -> None:
        """:raises OSError: the file cannot be opened"""
        self.path = path
        self._mode = mode
        self._on_failure = self._report if on_failure is None else on_failure
        self._descriptor = stream if path is None else _open(path, mode)
        self._is_failing = False
        self._is_unread = False  # which is why it is failing
        self._is_cut = False  # the last line has no end
        self._poll = _poll_of(self._descriptor)
        self._lost = 0

    def write(self, line: bytes) -> None:
        """Writes a line. A failure does not fail the request: it is reported once."""
        if self._is_cut:
            line = b"\n" + line
        try:
            self._write(line)
        except OSError as error:
            self._lost += 1
            self._is_unread = isinstance(error, TimeoutError)
            if not self._is_failing:
                self._is_failing = True
                self._on_failure(error)
        else:
            self._is_failing = False

    def take_lost(self) -> int:
        """The number of lines that were lost, once after one can be written again."""
        if not self._lost or not self._is_ready():
            return 0
        lost, self._lost = self._lost, 0
        return lost

    def _is_ready(self) -> bool:
        if not self._is_failing:
            return True
        if self._poll is None or not self._is_unread:
            return False
        # of a pipe without a reader there is an error too
        return self._poll.poll(0) == [(self._descriptor, select.POLLOUT)]

    def _write(self, line: bytes) -> None:
        """:raises OSError: the line, or the rest of it, cannot be written"""
        written, poll = 0, self._poll
        try:
            while written < len(line):  # more than once on a full disk
                if poll is None:
                    written += os.write(self._descriptor, line[written:])
                    continue
                if not poll.poll(0 if self._lost else MAX_WAIT):
                    raise TimeoutError(errno.ETIMEDOUT, "nobody reads it")
                # a pipe that is ready takes this many bytes without blocking (POSIX,
                # write())
                part = line[written : written + select.PIPE_BUF]
                written += os.write(self._descriptor, part)
        finally:
            if written:
                self._is_cut = written < len(line)

    def reopen(self) -> None:
        """Opens the file by its name, where another one may be now.

        The descriptor keeps its number: another thread can write in the meantime.

        :raises OSError: it cannot be opened; the lines are written to the former one
        """
        if self.path is None:
            return
        opened = _open(self.path, self._mode)
        try:
            os.dup2(opened, self._descriptor, inheritable=False)
        finally:
            os.close(opened)
        self._poll = _poll_of(self._descriptor)
        self._is_cut = False

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


def _open(path: Path, mode: int) -> int:
    """Opens the file; a pipe that nobody reads is an error, and is not waited for."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(path, flags, mode)
    os.set_blocking(descriptor, True)
    return descriptor
