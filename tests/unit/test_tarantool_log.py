"""The lines of Tarantool as messages of the service."""

import logging

import pytest

from service.process.tarantool_log import record_of

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
