"""Replies: the short ones in one piece, the others as their client takes them.

Over TLS a transport takes whatever it gets at once and then says that it has nothing
left to send: a reply written whole would be over for this service as soon as it has
begun, with nobody to count what waits for a client that reads slowly.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from aiohttp import hdrs, web
from aiohttp.helpers import rfc822_formatted_time

from service.headers import HeadedRequest

#: Bytes: as many as a transport keeps before it asks to wait.
PIECE = 64 * 1024


#: The revision of the store, that of the write which is answered.
REVISION = "KV-Revision"


class ShortReply(web.StreamResponse):
    """JSON with status 200 and no header of its own but the revision, for HTTP/1.1.

    Most replies are such: the head is put together from ready parts, without a table of
    headers that aiohttp would write out each time.
    """

    def __init__(self, body: bytes, revision: int | None) -> None:
        super().__init__()
        self.content_length = len(body)
        self._json = body
        self._revision = revision

    async def prepare(self, request: web.BaseRequest) -> None:
        self._req = request
        if self._keep_alive is None:
            self._keep_alive = request.keep_alive

    async def write_eof(self, data: bytes = b"") -> None:
        request, body = cast(HeadedRequest, self._req), self._json
        head = f"Content-Length: {len(body)}\r\nDate: {rfc822_formatted_time()}\r\n"
        if self._revision is not None:
            head += f"{REVISION}: {self._revision}\r\n"
        if not self._keep_alive:
            head += "Connection: close\r\n"
        writer = request.writer
        await writer.write(
            b"%b%b\r\n%b" % (request.beginning_of_json, head.encode(), body)
        )
        await writer.drain()
        self._body_length = writer.output_size
        self._eof_sent = True
        self._req = None


class Reply(web.Response):
    """Writes a large body piece by piece."""

    async def write_eof(self, data: bytes = b"") -> None:
        body = self._body
        if isinstance(body, bytes) and len(body) > PIECE:
            self._body = None
            if not self._must_be_empty_body:
                for piece in _cut(body):
                    await self.write(piece)
        await super().write_eof(data)


class LongReply(web.Response):
    """Puts a body together piece by piece, too: there is never a copy of all of it."""

    def __init__(self, texts: Sequence[str], **kwargs: Any) -> None:
        size = sum(map(_size, texts))
        super().__init__(headers={hdrs.CONTENT_LENGTH: str(size)}, **kwargs)
        self._texts = texts

    async def write_eof(self, data: bytes = b"") -> None:
        texts, self._texts = self._texts, ()  # a connection keeps its last reply
        if not self._must_be_empty_body:
            for piece in _put_together(texts):
                await self.write(piece)
        await super().write_eof(data)


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _put_together(texts: Iterable[str]) -> Iterator[memoryview]:
    waiting: list[str] = []
    size = 0
    for text in texts:
        waiting.append(text)
        size += len(text)
        if size >= PIECE:
            yield from _cut("".join(waiting).encode())
            waiting, size = [], 0
    yield from _cut("".join(waiting).encode())


def _cut(body: bytes) -> Iterator[memoryview]:
    for begin in range(0, len(body), PIECE):
        yield memoryview(body)[begin : begin + PIECE]
