"""The output of the log: a pipe whose reader stops, and reads again."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.telemetry.log_output import LogOutput

#: Bytes of a line, and lines that a pipe does not hold.
SIZE, MANY = 1000, 500


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


@pytest.fixture
def reader(pipe: Path) -> Iterator[int]:
    descriptor = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    yield descriptor
    os.close(descriptor)


def line(number: int) -> bytes:
    return b"%0*d\n" % (SIZE - 1, number)


def read(descriptor: int) -> bytes:
    parts = []
    while True:
        try:
            parts.append(os.read(descriptor, 1 << 16))
        except BlockingIOError:
            return b"".join(parts)


def test_lines_that_nobody_reads_are_lost_and_counted(pipe: Path, reader: int) -> None:
    output = LogOutput(pipe)
    begin = time.process_time()
    for number in range(MANY):
        output.write(line(number))
    assert time.process_time() - begin < 1
    assert output.take_lost() == 0  # it is not read yet
    first = read(reader)
    kept = len(first) // SIZE
    assert first == b"".join(map(line, range(kept)))
    assert output.take_lost() == MANY - kept
    assert output.take_lost() == 0
    output.write(line(MANY))
    assert read(reader) == line(MANY)


def test_a_line_of_any_length_is_whole(pipe: Path, reader: int) -> None:
    output = LogOutput(pipe)
    output.write(b"x" * 30_000 + b"\n")
    assert read(reader) == b"x" * 30_000 + b"\n"
    assert output.take_lost() == 0
