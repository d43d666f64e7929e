"""Connections to an instance that does not answer as Tarantool does."""

import asyncio
import time
from collections.abc import AsyncIterator

import asynctnt
import pytest

from service.settings import Address
from service.storage.connection import CONNECT_TIMEOUT, Instance, Unreachable

#: Seconds, fewer than asynctnt waits for a greeting.
AT_ONCE = CONNECT_TIMEOUT / 4


@pytest.fixture
async def closing() -> AsyncIterator[int]:
    """The port of a server that closes each connection, as a process that dies."""

    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(close, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_a_connection_that_is_closed_before_the_greeting_fails_at_once(
    closing: int,
) -> None:
    instance = Instance(Address("127.0.0.1", closing), "u", "p", lambda _: None)
    began = time.monotonic()
    with pytest.raises(Unreachable, match="closed the connection"):
        await instance.open()
    assert time.monotonic() - began < AT_ONCE


async def test_asynctnt_waits_for_the_greeting_of_a_closed_connection(
    closing: int,
) -> None:
    """The control of the one before."""
    connection = asynctnt.Connection(
        host="127.0.0.1",
        port=closing,
        connect_timeout=CONNECT_TIMEOUT,
        reconnect_timeout=0,
    )
    began = time.monotonic()
    with pytest.raises(asyncio.TimeoutError):
        await connection.connect()
    assert time.monotonic() - began > AT_ONCE
