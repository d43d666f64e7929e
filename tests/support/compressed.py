"""Replies that are long even when compressed, and readers for them."""

import asyncio
import base64
import json
import random

from tests.support.client import Client, unique
from tests.support.raw_http import http

MIB = 1024 * 1024

ACCEPT_GZIP = b"Accept-Encoding: gzip"

#: Bytes of the values of a reply that fills every buffer on its way.
LONG = 12 * MIB

#: Bytes of a value, below the limit.
VALUE = 3 * MIB // 4


async def long_read(client: Client) -> bytes:
    """A request for a reply that does not get smaller than three quarters."""
    keys = [unique("random") for _ in range(LONG // VALUE)]
    data = {key: _random_text(key) for key in keys}
    assert (await client.write(data)).status == 200
    body = json.dumps({"keys": keys}).encode()
    return http("POST", "/api/read", ACCEPT_GZIP, body=body, token=client.token)


def _random_text(seed: str) -> str:
    octets = random.Random(seed).randbytes(VALUE * 3 // 4)
    return base64.b64encode(octets).decode()


async def head_of(reader: asyncio.StreamReader) -> bytes:
    """The head of a reply, which must be compressed."""
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"\r\nContent-Encoding: gzip\r\n" in head
    return head


async def body_of(reader: asyncio.StreamReader) -> bytes:
    """The body of a reply in chunks, as it was sent."""
    body = bytearray()
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += await reader.readexactly(size)
        assert await reader.readexactly(2) == b"\r\n"
    assert await reader.readexactly(2) == b"\r\n"
    return bytes(body)
