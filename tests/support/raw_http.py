"""Raw HTTP: sends bytes that no HTTP client would."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit

from multidict import CIMultiDict, CIMultiDictProxy

from tests.support.client import Client, Reply
from tests.support.machine import narrow_socket

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


#: Seconds; an answer that takes longer is taken for none.
REPLY_TIMEOUT = 5.0

#: Seconds between the parts of a request, so that they arrive one by one. The system
#: hands them over at once; the service only has to come round to its sockets.
PART_PAUSE = 0.01

#: Seconds after which the service, on a busy machine too, has seen what was sent.
PAUSE = 0.05


#: From this number of parts on, without a pause: the loop sends them one by one.
MANY_PARTS = 20


async def talk(client: Client, *parts: bytes) -> Reply:
    """The reply to these bytes, sent part by part on a connection of their own."""
    async with _connection(client) as (reader, writer):
        for part in parts:
            writer.write(part)
            await asyncio.sleep(PART_PAUSE)
        async with asyncio.timeout(REPLY_TIMEOUT):
            return await _reply(reader)


@contextlib.asynccontextmanager
async def kept_alive(
    client: Client,
) -> AsyncIterator[Callable[[bytes], Awaitable[Reply]]]:
    """A function that sends a request, and returns its reply, on one connection."""
    async with _connection(client) as (reader, writer):

        async def send(sent: bytes) -> Reply:
            writer.write(sent)
            async with asyncio.timeout(REPLY_TIMEOUT):
                return await _reply(reader)

        yield send


async def talk_and_end(client: Client, sent: bytes) -> Reply:
    """The reply to a client that closes its own half at once, and reads on."""
    async with _connection(client) as (reader, writer):
        writer.write(sent)
        writer.write_eof()
        async with asyncio.timeout(REPLY_TIMEOUT):
            reply = await _reply(reader)
            assert await reader.read() == b""
            return reply


class _Listening(asyncio.Protocol):
    """Keeps all that comes, also where the connection is reset in the end."""

    def __init__(self) -> None:
        self.received = b""
        self.is_over = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_over.set()


async def exchange(client: Client, *parts: bytes, last: bool = True) -> bytes:
    """Sends these parts; returns all bytes received until the connection closes.

    :param last: the client closes its own half behind them
    """
    url = urlsplit(client.url)
    loop = asyncio.get_running_loop()
    transport, listening = await loop.create_connection(
        _Listening, url.hostname or "", url.port or 0
    )
    try:
        async with asyncio.timeout(REPLY_TIMEOUT * 4):
            for part in parts:
                if transport.is_closing():
                    break
                transport.write(part)
                await asyncio.sleep(PART_PAUSE if len(parts) < MANY_PARTS else 0)
            if last:
                with contextlib.suppress(OSError):  # closed by the service
                    transport.write_eof()
            await listening.is_over.wait()
    finally:
        transport.close()
    return listening.received


def replies_in(answer: bytes) -> list[Reply]:
    """Replies to anything but a HEAD, one behind the other."""
    found = []
    while answer:
        head, _, answer = answer.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        pairs = (line.partition(": ") for line in lines)
        headers = CIMultiDict([(name, value) for name, _, value in pairs])
        size = int(headers.get("Content-Length", 0))
        body, answer = answer[:size], answer[size:]
        found.append(
            Reply(int(status.split()[1]), CIMultiDictProxy(headers), body.decode())
        )
    return found


def byte_by_byte(sent: bytes) -> list[bytes]:
    return [sent[i : i + 1] for i in range(len(sent))]


def cuts(sent: bytes) -> list[list[bytes]]:
    """These bytes in one part, in all ways in two, and byte by byte."""
    in_two = [[sent[:i], sent[i:]] for i in range(1, len(sent))]
    return [[sent], *in_two, byte_by_byte(sent)]


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
    """Sends these bytes; the server keeps what is not read, except for a little."""
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
    """A request whose headers may contain any bytes."""
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


class SlowWrite:
    """A write that stops half-way, when the service has begun to handle it."""

    def __init__(self, client: Client, data: dict[str, str]) -> None:
        self._body = json.dumps({"data": data}).encode()
        self._half = len(self._body) // 2
        self._address = client.url.removeprefix("http://").split(":")
        self._head = (
            "POST /api/write HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\n"
            f"Authorization: Bearer {client.token}\r\n"
            f"Content-Length: {len(self._body)}\r\n\r\n"
        )

    async def begin(self) -> None:
        host, port = self._address
        self._reader, self._writer = await asyncio.open_connection(host, port)
        self._writer.write(self._head.encode())
        # sent as the handler is called
        assert b"100 Continue" in await self._reader.readuntil(b"\r\n\r\n")
        self._writer.write(self._body[: self._half])

    async def finish(self) -> bytes:
        """The whole answer."""
        self._writer.write(self._body[self._half :])
        async with asyncio.timeout(REPLY_TIMEOUT):
            return await self._reader.read()

    def close(self) -> None:
        self._writer.close()
