"""The one form of every error, and a way to send what no HTTP client would."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from http import HTTPStatus
from urllib.parse import urlsplit

from multidict import CIMultiDict, CIMultiDictProxy

from tests.client import Client, Reply
from tests.machine import narrow_socket

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]

#: What a reply would hold if an exception, a path or a stack got into it.
TRACES = ("Traceback", "Exception", "codec can't", "site-packages", ".py", ".lua")

#: Seconds; an answer that takes longer is taken for none.
PATIENCE = 5.0

#: Seconds between the parts of a request, so that they arrive one by one.
PAUSE = 0.05


def assert_problem(reply: Reply, status: int, code: str) -> str:
    """Returns the detail."""
    assert (reply.status, reply.json["code"]) == (status, code), reply.text
    assert reply.headers["Content-Type"] == "application/problem+json"
    problem = reply.json
    assert problem["status"] == status
    assert problem["title"] == HTTPStatus(status).phrase
    assert problem["detail"]
    assert problem["error"] == problem["detail"]
    assert not [trace for trace in TRACES if trace in reply.text]
    return str(problem["detail"])


async def talk(client: Client, *parts: bytes) -> Reply:
    """The reply to these bytes, sent part by part on a connection of their own."""
    async with _connection(client) as (reader, writer):
        for part in parts:
            writer.write(part)
            await asyncio.sleep(PAUSE)
        async with asyncio.timeout(PATIENCE):
            return await _reply(reader)


async def talk_and_end(client: Client, sent: bytes) -> Reply:
    """The reply to a client that closes its own half at once, and reads on."""
    async with _connection(client) as (reader, writer):
        writer.write(sent)
        writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            reply = await _reply(reader)
            assert await reader.read() == b""
            return reply


async def leave_after(client: Client, sent: bytes) -> None:
    """Sends these bytes and closes; returns when the service has seen that."""
    async with _connection(client) as (_, writer):
        writer.write(sent)
        await asyncio.sleep(PAUSE)
    await asyncio.sleep(PAUSE)


@contextlib.asynccontextmanager
async def left_waiting(
    client: Client, sent: bytes, context: ssl.SSLContext | None = None
) -> AsyncIterator[asyncio.StreamReader]:
    """Sends these bytes; whoever answers keeps what is not read, but for a little."""
    url = urlsplit(client.url)
    host = url.hostname or ""
    loop = asyncio.get_running_loop()
    with narrow_socket() as connection:
        await loop.sock_connect(connection, (host, url.port))
        reader, writer = await asyncio.open_connection(
            sock=connection,
            limit=1024,
            ssl=context,
            server_hostname=host if context else None,
        )
        try:
            writer.write(sent)
            yield reader
        finally:
            writer.transport.abort()


def http(
    method: str, path: str, *headers: bytes, body: bytes = b"", token: str | None = None
) -> bytes:
    """A request whose headers may hold any bytes."""
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: kv", *headers]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}".encode())
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, b"", body])


@contextlib.asynccontextmanager
async def _connection(client: Client) -> AsyncIterator[Connection]:
    url = urlsplit(client.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def _reply(reader: asyncio.StreamReader) -> Reply:
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
    pairs = (line.partition(": ") for line in lines)
    headers = CIMultiDict([(name, value) for name, _, value in pairs])
    body = await reader.readexactly(int(headers.get("Content-Length", 0)))
    return Reply(int(status.split()[1]), CIMultiDictProxy(headers), body.decode())
