"""Short responses in one write, large ones streamed in 64 KiB pieces.

A transport with TLS accepts any number of bytes at once, and reports an empty buffer: a
large reply in one write would end for the service when it begins, and its bytes would
not count as buffered for a client that reads slowly.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar, cast

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time

from service.json_text import fits, size_of
from service.sizes import SMALL
from service.web.headers import (
    JSON,
    KV_AGE,
    KV_REVISION,
    HeadedRequest,
    age_headers,
    age_text,
)
from service.web.reply_compression import COMPRESSION, Stream

R = TypeVar("R", bound=web.StreamResponse)


class ShortReply(web.StreamResponse):
    """A reply with JSON, for HTTP/1.1: status 200, no own header but revision and age.

    Most replies are short. The head is built from prepared bytes, without a table of
    headers that aiohttp would serialize for each reply: it saves 10 to 13 µs per
    request (docs/benchmarks/2026-11-devices.md). That table is not even created: this
    class does without the constructor of aiohttp's. Relies on `_status`, `_req`,
    `_keep_alive`, `_body_length`, `_eof_sent`, and on `_write()` of a writer.
    """

    def __init__(self, body: bytes, revision: int | None, age: float | None) -> None:
        self._status = 200
        self._json = body
        self.revision = revision
        self._age = age

    @property  # type: ignore[misc]  # has no setter here
    def content_length(self) -> int:
        return len(self._json)

    async def prepare(self, request: web.BaseRequest) -> None:
        self._req = request
        if self._keep_alive is None:
            self._keep_alive = request.keep_alive

    async def write_eof(self, data: bytes = b"") -> None:
        request, body = cast(HeadedRequest, self._req), self._json
        head = (
            f"Content-Length: {len(body)}\r\nDate: {rfc822_formatted_time()}\r\n"
            f"X-Request-Id: {request.request_id}\r\n"
        )
        if self.revision is not None:
            head += f"{KV_REVISION}: {self.revision}\r\n"
        if self._age is not None:
            head += f"{KV_AGE}: {age_text(self._age)}\r\n"
        if not self._keep_alive:
            head += "Connection: close\r\n"
        reply = b"%b%b\r\n%b" % (request.beginning_of_json, head.encode(), body)
        writer = request.writer
        writer._write(reply)  # type: ignore[attr-defined]  # `write` is a coroutine
        await writer.drain()
        self._body_length = writer.output_size
        self._eof_sent = True
        self._req = None


class Reply(web.Response):
    """A reply that writes a large body piece by piece, compressed if possible.

    Relies on `_body` and `_must_be_empty_body`, and on `_match_info` of a request.

    :param compressible: whether it may be; never with a strong entity tag, which would
        be that of other bytes, and never with a token
    :ivar code: of the problem that it reports, for the metrics
    """

    code: str | None = None
    _stream: AbstractContextManager[Stream] | None = None

    def __init__(self, *, compressible: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._is_compressible = compressible

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        # not before: what the connection reserves is the size before compression
        if self._is_compressible:
            await self._negotiate(cast(web.Request, request))
        return await super().prepare(request)

    async def _negotiate(self, request: web.Request) -> None:
        if request._match_info is None:  # it was refused before the application
            return
        compression = request.app[COMPRESSION]
        if not compression.applies_to(self.content_length or 0):
            return
        self.headers.add(hdrs.VARY, hdrs.ACCEPT_ENCODING)
        coding = compression.coding_for(request)
        if coding is None:
            return
        if isinstance(self._body, bytes) and len(self._body) <= SMALL:
            self._body = await compression.compress(coding, self._body)
        elif compression.has_capacity:
            self._stream = compression.stream(coding, self.content_length or 0)
            self.headers.popall(hdrs.CONTENT_LENGTH, None)
            self.enable_chunked_encoding()
        else:
            return
        self.headers[hdrs.CONTENT_ENCODING] = coding

    async def write_eof(self, data: bytes = b"") -> None:
        pieces = self._take_pieces()
        if self._must_be_empty_body:
            pass
        elif self._stream is not None:
            with self._stream as stream:
                for piece in pieces:
                    await self.write(await stream.compress(piece))
                await self.write(await stream.flush())
        else:
            for piece in pieces:
                await self.write(piece)
        await super().write_eof(data)

    def _take_pieces(self) -> Iterable[memoryview]:
        """The pieces of a large body; none if aiohttp may write it at once."""
        body = self._body
        if not isinstance(body, bytes) or len(body) <= SMALL:
            return ()
        self._body = None
        return _cut(body)


class LongReply(Reply):
    """A reply with JSON that is joined piece by piece, never copied as a whole."""

    def __init__(self, texts: Sequence[str], *, compressible: bool = False) -> None:
        size = sum(size_of(piece) for text in texts for piece in _pieces_of(text))
        headers = {hdrs.CONTENT_LENGTH: str(size), hdrs.CONTENT_TYPE: JSON}
        super().__init__(headers=headers, compressible=compressible)
        self._texts = texts

    def _take_pieces(self) -> Iterable[memoryview]:
        texts, self._texts = self._texts, ()  # a connection keeps its last reply
        return _joined(texts)


class StreamedReply(web.StreamResponse):
    """A reply that the handler writes in pieces.

    :ivar code: of the problem in its last piece
    """

    code: str | None = None


def code_of(response: web.StreamResponse) -> str | None:
    """The code of the problem that a reply reports; None: it reports none."""
    return response.code if isinstance(response, Reply | StreamedReply) else None


def json_reply(
    body: str | bytes, revision: int | None = None, *, compressible: bool = False
) -> Reply:
    """A reply with JSON.

    :param revision: of the write, if it was one
    """
    response = Reply(
        body=body if isinstance(body, bytes) else body.encode(),
        headers={hdrs.CONTENT_TYPE: JSON},
        compressible=compressible,
    )
    if revision is not None:
        response.headers[KV_REVISION] = str(revision)
    return response


def with_age(response: R, age: float, revision: int) -> R:
    """The reply to a stale read.

    :param age: of the data, in seconds
    """
    response.headers.update(age_headers(age, revision))
    return response


def short_reply(
    request: web.Request,
    body: bytes,
    revision: int | None = None,
    age: float | None = None,
) -> web.StreamResponse:
    """A reply with JSON, cheaper than that of `json_reply` where possible.

    :param age: of stale data, in seconds
    """
    if (
        len(body) > SMALL
        or request.version is not HttpVersion11
        or (cast(HeadedRequest, request).cors and hdrs.ORIGIN in request.headers)
    ):
        return _with_headers(json_reply(body), revision, age)
    return ShortReply(body, revision, age)


def data_reply(
    request: web.Request,
    members: str,
    revision: int | None = None,
    age: float | None = None,
) -> web.StreamResponse:
    """`{"data": {…}}`, compressible.

    :param members: JSON text of the members of the object
    :param revision: of stale data
    :param age: of stale data, in seconds
    """
    if len(members) <= SMALL:
        body = f'{{"data":{{{members}}}}}'.encode()
        if not request.app[COMPRESSION].applies_to(len(body)):
            return short_reply(request, body, revision, age)
        reply = json_reply(body, compressible=True)
    else:
        reply = spliced_reply(['{"data":{', members, "}}"])
    return _with_headers(reply, revision, age)


def _with_headers(reply: Reply, revision: int | None, age: float | None) -> Reply:
    if revision is not None:
        reply.headers[KV_REVISION] = str(revision)
    if age is not None:
        reply.headers[KV_AGE] = age_text(age)
    return reply


def spliced_reply(texts: Sequence[str]) -> Reply:
    """The parts of a JSON text of any length, compressible."""
    if fits(texts, SMALL):
        return json_reply("".join(texts), compressible=True)
    return LongReply(texts, compressible=True)


def _joined(texts: Iterable[str]) -> Iterator[memoryview]:
    waiting: list[str] = []
    size = 0
    for text in texts:
        for piece in _pieces_of(text):
            waiting.append(piece)
            size += len(piece)
            if size >= SMALL:
                yield from _cut("".join(waiting).encode())
                waiting, size = [], 0
    yield from _cut("".join(waiting).encode())


def _pieces_of(text: str) -> Iterator[str]:
    """A text in pieces: a copy of each is small."""
    return (text[begin : begin + SMALL] for begin in range(0, len(text), SMALL))


def _cut(body: bytes) -> Iterator[memoryview]:
    for begin in range(0, len(body), SMALL):
        yield memoryview(body)[begin : begin + SMALL]
