"""The open-loop load generator: requests at a steady rate, whatever the replies take.

A request is timed from the moment it was due, so that a stall counts for every request
it delays. The load runs in processes of its own, by `ProcessPoolExecutor`.
"""

import asyncio
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

LOOPBACK = "127.0.0.1"

#: Reads of one key per second, and the connections that they share.
READ_RATE, READERS = 300, 8

#: Niceness of a process that sends the load which the reads compete with: in production
#: it runs on other machines.
NICENESS = 10

SPAWN = multiprocessing.get_context("spawn")


class Connection:
    """A minimal HTTP connection: it leaves the CPU to the service."""

    def __init__(self, port: int, address: str = LOOPBACK) -> None:
        """:param address: of the client"""
        self.address = address
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(
        self, path: str, body: dict[str, Any] | bytes, token: str | None = None
    ) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(
                LOOPBACK, self._port, local_addr=(self.address, 0)
            )
        reader, writer = self._streams
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        authorization = f"Authorization: Bearer {token}\r\n" if token else ""
        head = f"POST {path} HTTP/1.1\r\nHost: kv\r\n{authorization}"
        writer.write(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        lines = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        (length,) = (
            int(line[15:])
            for line in lines
            if line.lower().startswith(b"content-length:")
        )
        return int(lines[0].split()[1]), await reader.readexactly(length)

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()


async def at_rate(
    rate: float, seconds: float, send: Callable[[float], Coroutine[Any, Any, None]]
) -> None:
    """Calls `send` at the rate, each time with the moment at which it was due."""
    tasks = set()
    begin = time.perf_counter()
    for due in (begin + number / rate for number in range(int(rate * seconds))):
        await asyncio.sleep(due - time.perf_counter())
        tasks.add(task := asyncio.create_task(send(due)))
        task.add_done_callback(tasks.discard)
    _, unanswered = await asyncio.wait(tasks, timeout=1) if tasks else ((), ())
    for task in unanswered:
        task.cancel()
    await asyncio.gather(*unanswered, return_exceptions=True)


def timed_reads(port: int, token: str, key: str, seconds: float) -> list[float]:
    """The latency of each read of the key, in seconds."""
    return asyncio.run(_timed_reads(port, token, key, seconds))


async def _timed_reads(port: int, token: str, key: str, seconds: float) -> list[float]:
    idle = asyncio.Queue[Connection]()
    for _ in range(READERS):
        idle.put_nowait(Connection(port))
    latencies = []

    async def send(due: float) -> None:
        connection = await idle.get()
        status, _ = await connection.post("/api/read", {"keys": [key]}, token)
        latencies.append(time.perf_counter() - due)
        _expect_ok(status)
        idle.put_nowait(connection)

    await at_rate(READ_RATE, seconds, send)
    return latencies


async def register_reader(port: int) -> tuple[str, str]:
    """A token of a new account, and a key to read."""
    connection = Connection(port)
    credentials = {"username": "reader", "password": "right"}
    await connection.post("/api/register", credentials)
    _, reply = await connection.post("/api/login", credentials)
    token, key = json.loads(reply)["token"], "key"
    status, _ = await connection.post("/api/write", {"data": {key: "value"}}, token)
    _expect_ok(status)
    connection.close()
    return token, key


def percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def _expect_ok(status: int) -> None:
    if status != HTTPStatus.OK:
        raise RuntimeError(f"the service replies {status}")
