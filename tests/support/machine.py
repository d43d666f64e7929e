"""Ports, sockets, processes and waiting, for every suite."""

import asyncio
import random
import socket
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.client import Client

ROOT = Path(__file__).parents[2]
POLL_INTERVAL = 0.02

#: Below those that Linux gives to clients: a client could take the port of a server
#: that is down, or not up yet.
PORTS = range(10_000, 32_768)

#: Hypothesis seeds the module's own generator, in every process alike.
_RANDOM = random.SystemRandom()

#: Bytes that arrive for a client that does not read them.
NARROW = 64 * 1024


def free_port() -> int:
    while True:
        port = _RANDOM.choice(PORTS)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def narrow_socket(*_: object) -> socket.socket:
    """A socket with a small receive buffer, for a client that does not read.

    Left alone it would take in what a whole reply has, tcp_rmem allowing: often 32 MiB.
    """
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NARROW)
    narrow.setblocking(False)
    return narrow


def wait_until(condition: Callable[[], bool], timeout: float) -> None:
    """:raises TimeoutError: the condition did not become true in this time"""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout} s: {condition}")
        time.sleep(POLL_INTERVAL)


async def wait_until_ready(client: Client, seconds: float) -> None:
    """:raises TimeoutError: the service did not reach its storage in that time"""
    async with asyncio.timeout(seconds):
        while True:
            if (await client.request("GET", "/readyz")).status == 200:
                return
            await asyncio.sleep(POLL_INTERVAL)


async def is_read(client: Client, keys: list[str], seconds: float) -> bool:
    """Whether a read of these keys succeeds within that time."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                if (await client.read(keys)).status == 200:
                    return True
                await asyncio.sleep(POLL_INTERVAL)
    except TimeoutError:
        return False


def alive(pid: int) -> bool:
    """A zombie is not: in some containers no process reaps an orphan."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()
