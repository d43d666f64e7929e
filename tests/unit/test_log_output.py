"""The output of the log: a pipe whose reader stops, and reads again."""

import contextlib
import os
import resource
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


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """No file can grow beyond this size, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_the_line_after_one_that_was_cut_is_whole(tmp_path: Path) -> None:
    path, errors = tmp_path / "log", list[OSError]()
    output = LogOutput(path, on_failure=errors.append)
    with files_of_at_most(SIZE + SIZE // 2):
        for number in range(4):
            output.write(line(number))
    assert len(errors) == 1
    assert output.take_lost() == 0  # it is still failing
    output.write(line(4))
    assert output.take_lost() == 3
    first, cut, last = path.read_bytes().splitlines(keepends=True)
    assert first == line(0)
    assert cut == line(1)[: SIZE // 2] + b"\n"
    assert last == line(4)


def test_a_pipe_without_a_reader_is_reported_once(pipe: Path) -> None:
    errors = list[OSError]()
    descriptor = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    output = LogOutput(pipe, on_failure=errors.append)
    os.close(descriptor)
    for number in range(3):
        output.write(line(number))
        assert output.take_lost() == 0
    descriptor = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    output.write(line(3))
    assert output.take_lost() == 3
    assert read(descriptor) == line(3)
    os.close(descriptor)
    assert [type(error) for error in errors] == [BrokenPipeError]


def test_a_new_file_gets_the_mode(tmp_path: Path) -> None:
    path = tmp_path / "log"
    LogOutput(path, mode=0o600)
    assert path.stat().st_mode & 0o777 == 0o600
