"""The log of a process: its levels, and messages that cannot be written."""

import json
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.errors import StartError
from service.settings import Settings
from service.telemetry.log import Log
from service.telemetry.log_output import LogOutput


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def logger(path: Path) -> Iterator[logging.Logger]:
    """A logger that writes to a log of its own, in JSON."""
    environ = {"KV_LOG_FILE": str(path), "KV_LOG_FORMAT": "json"}
    handler = Log(Settings.from_env(environ)).handler()
    logger = logging.getLogger("tests.log")
    logger.addHandler(handler)
    logger.propagate = False
    yield logger
    logger.propagate = True
    logger.removeHandler(handler)


def test_a_pipe_that_nobody_reads_is_an_error(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(StartError, match=r"KV_LOG_FILE: .*No such device or address"):
        Log(Settings.from_env({"KV_LOG_FILE": str(path)}))


def test_writes_to_a_pipe_block(path: Path) -> None:
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    size = 2 * 1024 * 1024
    try:
        output = LogOutput(path)
        writer = threading.Thread(target=output.write, args=(b"x" * size,))
        writer.start()
        os.set_blocking(reader, True)
        received = 0
        while received < size:
            received += len(os.read(reader, size))
        writer.join()
    finally:
        os.close(reader)


def test_a_message_that_cannot_be_formatted_does_not_show_its_arguments(
    logger: logging.Logger, path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    logger.warning("%d keys", "a secret")
    written = path.read_text()
    assert json.loads(written)["message"] == "a message cannot be written: TypeError"
    assert "secret" not in written
    assert capfd.readouterr() == ("", "")


def test_the_arguments_of_an_object_that_fails_are_not_shown_either(
    logger: logging.Logger, path: Path
) -> None:
    class Failing:
        def __str__(self) -> str:
            raise ValueError("a secret")

    logger.warning("%s", Failing())
    assert "ValueError" in path.read_text()
    assert "secret" not in path.read_text()
