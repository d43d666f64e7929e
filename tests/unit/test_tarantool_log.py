"""The lines of Tarantool as messages of the service."""

import logging
import os

import pytest

from service.process.tarantool_log import TarantoolLog, log, record_of

BEGIN = "2026-11-28 21:54:34.445 [17] main"


@pytest.mark.parametrize(
    ("line", "level", "message"),
    [
        (f"{BEGIN}/103/init.lua I> kv: ready", logging.INFO, "kv: ready"),
        (f"{BEGIN}/103/init.lua kv.start W> a", logging.WARNING, "a"),
        (f"{BEGIN}/104/a name F> b W> c", logging.CRITICAL, "b W> c"),
        (f"{BEGIN} xlog.c:1 !> SystemError", logging.ERROR, "SystemError"),
        (f"{BEGIN} C> Tarantool 2.6.0", logging.INFO, "Tarantool 2.6.0"),
        ("kv: cannot start: why", logging.ERROR, "kv: cannot start: why"),
        ("Segmentation fault %s", logging.ERROR, "Segmentation fault %s"),
    ],
)
def test_a_line_becomes_a_message(line: str, level: int, message: str) -> None:
    record = record_of(line)
    assert (record.levelno, record.getMessage()) == (level, message)
    assert record.name == "tarantool"
    if line.startswith(BEGIN):
        assert record.process == 17


def test_a_line_that_cannot_be_logged_does_not_stop_the_reader(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    handled: list[str] = []

    def handle(record: logging.LogRecord) -> None:
        handled.append(record.getMessage())
        raise RuntimeError("a fault")

    monkeypatch.setattr(log, "handle", handle)
    tarantool_log = TarantoolLog()
    with tarantool_log.output() as output:
        os.write(output, f"{BEGIN} E> a\n{BEGIN} E> b\n{BEGIN} F> c\n".encode())
    assert tarantool_log.failure() == "c"
    assert handled == ["a", "b", "c"]
    assert (
        capfd.readouterr().err == "kv: cannot log a line of Tarantool: RuntimeError\n"
    )
