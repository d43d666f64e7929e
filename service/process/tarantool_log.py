"""The log of the embedded Tarantool, whose lines join those of the service.

Tarantool writes to a pipe, and a thread reads it: a busy event loop does not stop
Tarantool, which waits when the pipe is full.
"""

import contextlib
import logging
import os
import re
from collections.abc import Iterator
from threading import Thread

from service.telemetry.log_output import STDERR

log = logging.getLogger("tarantool")

#: A line: time, process, fiber and module, level, message.
LINE = re.compile(
    r"\S+ \S+ \[(?P<pid>\d+)\] .*? (?P<level>[F!ECWIVD])> (?P<message>.*)"
)

#: Its levels: fatal, system error, error, critical, warning, info, verbose, debug.
LEVELS = {
    "F": logging.CRITICAL,
    "!": logging.ERROR,
    "E": logging.ERROR,
    "C": logging.INFO,  # of its version, at each start
    "W": logging.WARNING,
    "I": logging.INFO,
    "V": logging.DEBUG,
    "D": logging.DEBUG,
}

#: Why a start failed: our own line, or a fatal one of Tarantool.
FAILURE = re.compile(r"(?:kv: cannot start: | F> )(.*)")

#: Bytes of a line; the rest of a longer one is another line.
MAX_LINE = 64 * 1024

#: Seconds to read what a process that has ended has written. It takes milliseconds.
END_TIMEOUT = 1.0


class TarantoolLog:
    """The output of one process after the other."""

    def __init__(self) -> None:
        self._failure = ""
        self._has_failed = False  # to log a line
        self._reader: Thread | None = None

    @contextlib.contextmanager
    def output(self) -> Iterator[int]:
        """A descriptor, for stdout and stderr of a process that is started now.

        :raises OSError: the system has no descriptor left
        """
        source, output = os.pipe()
        try:
            yield output
        except BaseException:
            os.close(source)
            raise
        finally:
            os.close(output)
        self._failure = ""
        self._reader = Thread(
            target=self._read, args=(source,), name="tarantool-log", daemon=True
        )
        self._reader.start()

    def failure(self) -> str:
        """Why the process has ended, according to its last lines; empty: not known."""
        self.wait()
        return self._failure

    def wait(self) -> None:
        """Waits until the lines of a process that has ended are logged."""
        if self._reader is not None:
            self._reader.join(END_TIMEOUT)

    def _read(self, source: int) -> None:
        with open(source, "rb") as lines:
            while line := lines.readline(MAX_LINE):
                text = line.decode(errors="backslashreplace").rstrip("\n")
                if found := FAILURE.search(text):
                    self._failure = found[1]
                record = record_of(text)
                if log.isEnabledFor(record.levelno):
                    self._write(record)

    def _write(self, record: logging.LogRecord) -> None:
        """Logs a line. A failure must not stop the reader: the pipe would fill."""
        try:
            log.handle(record)
        except Exception as error:
            if not self._has_failed:
                self._has_failed = True
                text = f"kv: cannot log a line of Tarantool: {type(error).__name__}\n"
                with contextlib.suppress(OSError):
                    os.write(STDERR, text.encode(errors="backslashreplace"))


def record_of(line: str) -> logging.LogRecord:
    """The record of a line. One that is not Tarantool's own form comes from a crash."""
    found = LINE.match(line)
    level = logging.ERROR if found is None else LEVELS[found["level"]]
    message = line if found is None else found["message"]
    record = log.makeRecord(log.name, level, "", 0, "%s", (message,), None)
    if found is not None:
        record.process = int(found["pid"])
    return record
