"""The log of a process: its levels, and messages that cannot be written."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.settings import Settings
from service.telemetry.log import Log


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
