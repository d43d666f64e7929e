"""The time without writes after a failure, as clients of the service see it."""

import asyncio
import contextlib
import time
from collections.abc import Callable

from benchmarks.measure.open_loop import LOOPBACK

#: Seconds between two writes: each has a connection of its own and waits for no other.
INTERVAL = 0.02

#: Seconds in which a write must be acknowledged.
TIMEOUT = 60.0

ACKNOWLEDGED = b"HTTP/1.1 200 "


def seconds_without_writes(fail: Callable[[], None], port: int, write: bytes) -> float:
    """The seconds from a failure to the first acknowledged write that began after it.

    :param fail: returns when the failure has happened
    :param write: a request
    :raises TimeoutError: if no write is acknowledged
    """
    begin = time.monotonic()
    fail()
    asyncio.run(asyncio.wait_for(_first_acknowledged(port, write), TIMEOUT))
    return time.monotonic() - begin


async def _first_acknowledged(port: int, write: bytes) -> None:
    acknowledged = asyncio.Event()

    async def send() -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            if await _is_acknowledged(port, write):
                acknowledged.set()

    tasks = []
    try:
        while not acknowledged.is_set():
            tasks.append(asyncio.create_task(send()))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(acknowledged.wait(), INTERVAL)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _is_acknowledged(port: int, write: bytes) -> bool:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        writer.write(write)
        return (await reader.readuntil(b"\r\n")).startswith(ACKNOWLEDGED)
    finally:
        writer.close()
