"""Replies as they arrive on a connection, and the checks of each."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy

from tests.support.assertions import assert_problem
from tests.support.client import Reply

#: What the service may answer, and of what passes only that it has too much to do.
SUCCESSES = {200, 204, 302, 304}
REFUSALS = {400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 414, 415, 417, 421}
REFUSALS |= {429, 431, 505}
PASSING = {(503, "overloaded")}


async def next_reply(reader: asyncio.StreamReader, method: str) -> Reply | None:
    """None: the connection has been closed."""
    while True:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as end:
            if end.partial:
                raise AssertionError(f"half a reply: {end.partial!r}") from None
            return None
        status_line, *lines = head.decode("latin-1").split("\r\n")[:-2]
        assert status_line.startswith("HTTP/1."), f"no reply: {head!r}"
        status = int(status_line.split()[1])
        if status >= 200:
            break  # what comes before is a promise of a reply
    pairs = (line.partition(": ") for line in lines)
    headers = CIMultiDictProxy(CIMultiDict([(n, value) for n, _, value in pairs]))
    body = b""
    # to what is not HTTP, and was no HEAD therefore, it is an HTTP/1.0 reply
    of_head = method == "HEAD" and not status_line.startswith("HTTP/1.0")
    if not of_head and status not in (204, 304) and not is_stream(headers):
        body = await _body(reader, headers)
    is_text = not headers.get("Content-Type", "").startswith("image/")
    return Reply(status, headers, body.decode("utf-8" if is_text else "latin-1"))


async def _body(reader: asyncio.StreamReader, headers: CIMultiDictProxy[str]) -> bytes:
    """The body before compression."""
    if headers.get("Transfer-Encoding") == "chunked":
        body = b"".join([chunk async for chunk in _chunks(reader)])
    else:
        body = await reader.readexactly(int(headers["Content-Length"]))
    return gzip.decompress(body) if "Content-Encoding" in headers else body


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while size := int(await reader.readline(), 16):
        yield await reader.readexactly(size)
        await reader.readline()
    await reader.readline()


def is_stream(headers: Any) -> bool:
    return bool(headers.get("Content-Type") == "text/event-stream")


def check(reply: Reply, method: str) -> str:
    """Checks a reply; returns its status, and the code of a problem."""
    if reply.status < 400:
        assert reply.status in SUCCESSES, reply
        return str(reply.status)
    assert reply.headers.get("Content-Type") == "application/problem+json", reply
    if method == "HEAD" and not reply.text:
        assert reply.status in REFUSALS, reply
        return str(reply.status)
    code = reply.json["code"]
    assert_problem(reply, reply.status, code)
    assert reply.status in REFUSALS or (reply.status, code) in PASSING, reply
    return f"{reply.status} {code}"
