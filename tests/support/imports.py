"""Imports: their lines, their replies, and connections that stay open for more."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.support.client import Client
from tests.support.machine import narrow_socket
from tests.support.raw_http import REPLY_TIMEOUT, http

Entry = dict[str, Any]


class Outcome(NamedTuple):
    """The reply to an import.

    :ivar lines: of a 200; otherwise the problem
    """

    status: int
    lines: list[Any]

    @property
    def last(self) -> Any:
        return self.lines[-1]

    @property
    def counts(self) -> tuple[int, int]:
        """The numbers of written and skipped entries of an import that succeeded."""
        assert self.status == 200, self
        assert self.last.get("end") is True, self
        return self.last["written"], self.last["skipped"]


def ndjson(entries: Iterable[Entry]) -> bytes:
    return b"".join(json.dumps(entry).encode() + b"\n" for entry in entries)


async def imported(
    client: Client,
    sent: bytes | Iterable[Entry],
    query: str = "",
    headers: dict[str, str] | None = None,
) -> Outcome:
    """The outcome of an import.

    :param sent: the body, or its lines
    """
    body = sent if isinstance(sent, bytes) else ndjson(sent)
    reply = await client.post(f"/api/import{query}", body, headers=headers)
    return Outcome(reply.status, [json.loads(line) for line in reply.text.splitlines()])


async def values_of(client: Client, prefix: str) -> dict[str, Any]:
    """What is stored below a prefix, without it."""
    found: dict[str, Any] = {}
    async for page in client.pages(prefix, values=True):
        found |= page["data"]
    return {key.removeprefix(prefix): value for key, value in found.items()}


class OpenImport:
    """An import whose body is sent in pieces."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._reader = reader
        self.writer = writer

    async def send(self, piece: bytes) -> None:
        self.writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        await self.writer.drain()

    def end(self) -> None:
        self.writer.write(b"0\r\n\r\n")

    async def status(self) -> int:
        """Reads the head of the reply."""
        async with asyncio.timeout(REPLY_TIMEOUT):
            head = await self._reader.readuntil(b"\r\n\r\n")
        return int(head.split()[1])

    async def line(self) -> Any:
        """Reads a line of the reply, which is a chunk; None: the reply has ended."""
        async with asyncio.timeout(REPLY_TIMEOUT):
            size = int(await self._reader.readuntil(b"\r\n"), 16)
            chunk = await self._reader.readexactly(size + 2)
        return json.loads(chunk) if size else None

    async def last_line(self) -> Any:
        """Reads the reply to its end."""
        last = None
        while (line := await self.line()) is not None:
            last = line
        return last

    async def rest(self) -> bytes:
        """Reads all until the connection closes."""
        async with asyncio.timeout(REPLY_TIMEOUT * 4):
            return await self._reader.read()


@contextlib.asynccontextmanager
async def open_import(
    client: Client, query: str = "", *headers: bytes, narrow: bool = False
) -> AsyncIterator[OpenImport]:
    """
    :param narrow: the client's socket takes little that is not read
    """
    url = urlsplit(client.url)
    framing = b"Transfer-Encoding: chunked"
    head = http("POST", f"/api/import{query}", framing, *headers, token=client.token)
    if narrow:
        connection = narrow_socket()
        loop = asyncio.get_running_loop()
        await loop.sock_connect(connection, (url.hostname or "", url.port))
        reader, writer = await asyncio.open_connection(sock=connection, limit=1024)
    else:
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        writer.write(head)
        yield OpenImport(reader, writer)
    finally:
        writer.transport.abort()
