"""The audit log, as its readers parse it."""

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.support.client import Reply
from tests.support.machine import wait_until

#: Seconds until the line of a request is written, on a busy machine.
TIMEOUT = 5.0

Line = dict[str, Any]


def lines_of(text: str) -> list[Line]:
    """The lines, each of which has to be whole."""
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def lines_in(path: Path) -> list[Line]:
    return lines_of(path.read_text())


async def line_of(path: Path, request_id: str) -> Line:
    """The only line of a request, which is written after its reply."""

    def found() -> list[Line]:
        return [line for line in lines_in(path) if line["request_id"] == request_id]

    await asyncio.to_thread(wait_until, lambda: bool(found()), TIMEOUT)
    (line,) = found()
    return line


async def line_for(path: Path, reply: Reply) -> Line:
    return await line_of(path, reply.headers["X-Request-Id"])
