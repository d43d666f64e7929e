"""Compression of replies: content negotiation, and the thread that compresses.

Only replies that opt in are compressed, and none of them contains a token: no client
can guess a secret from their size (BREACH).
"""

import asyncio
import contextlib
import re
import zlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol

import msgspec
from aiohttp import HttpVersion11, hdrs, web

from service.sizes import KIB
from service.web.zstd import zstd

GZIP, ZSTD, IDENTITY = "gzip", "zstd", "identity"

#: The codings that this process can produce; of two that a client accepts equally, the
#: first one: zstd takes a third of the time of gzip, and its output is smaller.
AVAILABLE = (ZSTD, GZIP) if zstd else (GZIP,)

#: Bytes of a reply. Smaller ones gain little: they fit in a few packets as they are.
MIN_SIZE = 16 * KIB

#: The fastest one: gzip's default level takes four times as long for 12 % less.
LEVEL = 1

#: zlib: the largest window, in a gzip container.
GZIP_WINDOW = 16 + zlib.MAX_WBITS

#: Characters of `Accept-Encoding` that are parsed: browsers send about 30, and a header
#: that fills the largest head would stop the event loop for milliseconds.
MAX_ACCEPTED = 1024

#: RFC 9110, sections 12.4.2 and 12.5.3, without the white space around it.
ELEMENT = re.compile(
    r"([!#$%&'*+.^_`|~0-9a-z-]+)(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?",
    re.ASCII,
)


class CompressionLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Beyond a maximum long replies are sent as they are."""

    #: Bytes of the smallest reply that is compressed.
    min_size: int = MIN_SIZE

    #: Streams that are open. Each keeps up to 0.5 MiB of state for as long as its
    #: client takes.
    max_streams: int = 64

    #: Bytes of replies that wait for the thread. gzip takes about 20 ms for them:
    #: clients that are faster than the thread would only wait for it, and their replies
    #: would take memory in the meantime.
    max_pending: int = 4 * 1024 * 1024


class Compressor(Protocol):
    def compress(self, data: bytes | memoryview, /) -> bytes: ...

    def flush(self) -> bytes: ...


Run = Callable[..., Awaitable[bytes]]


class Stream:
    """One reply, compressed piece by piece."""

    def __init__(self, compressor: Compressor, run: Run) -> None:
        self._compressor = compressor
        self._run = run

    async def compress(self, piece: memoryview) -> bytes:
        return await self._run(self._compressor.compress, piece)

    async def flush(self) -> bytes:
        return await self._run(self._compressor.flush)


class Compression:
    """The thread that compresses replies, interleaved piece by piece.

    The event loop keeps the other cores.

    :param codings: the preferred one first; none: replies are sent as they are
    """

    def __init__(self, codings: Sequence[str], limits: CompressionLimits) -> None:
        self._codings = codings
        self._limits = limits
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="compression")
        self._streams = 0
        self._pending = 0

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)

    def applies_to(self, size: int) -> bool:
        """Whether a compressible reply of this size depends on `Accept-Encoding`."""
        return bool(self._codings) and size >= self._limits.min_size

    @property
    def has_capacity(self) -> bool:
        """Whether one more stream is permitted."""
        return (
            self._pending < self._limits.max_pending
            and self._streams < self._limits.max_streams
        )

    def coding_for(self, request: web.BaseRequest) -> str | None:
        """The coding of the reply; None: as it is."""
        if request.version != HttpVersion11:  # a stream has no length: it needs chunks
            return None
        return negotiated(
            request.headers.getall(hdrs.ACCEPT_ENCODING, []), self._codings
        )

    async def compress(self, coding: str, body: bytes) -> bytes:
        """A short reply, compressed at once."""
        return await self._run(len(body), _compressed, coding, body)

    @contextlib.contextmanager
    def stream(self, coding: str, size: int) -> Iterator[Stream]:
        """A reply to be compressed piece by piece.

        :param size: bytes of the reply
        """
        self._streams += 1
        try:
            yield Stream(_compressor(coding), partial(self._run, size))
        finally:
            self._streams -= 1

    async def _run(self, size: int, work: Callable[..., bytes], *args: Any) -> bytes:
        """Runs a step of the compression in the thread.

        :param size: bytes of the reply, pending unless it waits for its client
        """
        loop = asyncio.get_running_loop()
        self._pending += size
        try:
            return await loop.run_in_executor(self._executor, work, *args)
        finally:
            self._pending -= size


COMPRESSION = web.AppKey("compression", Compression)


def negotiated(fields: Iterable[str], codings: Sequence[str]) -> str | None:
    """The coding that a client weights highest; None: the reply as it is.

    :param fields: values of `Accept-Encoding`; malformed or very long ones
        accept no coding
    :param codings: the available ones, the preferred one first
    """
    weights = _weights(fields)
    others = weights.get("*", 0.0)
    best, highest = None, 0.0
    for coding in codings:
        weight = weights.get(coding, others)
        if weight > highest:
            best, highest = coding, weight
    return best if highest >= weights.get(IDENTITY, others) else None


def _weights(fields: Iterable[str]) -> dict[str, float]:
    weights: dict[str, float] = {}
    accepted = ",".join(fields)
    if len(accepted) > MAX_ACCEPTED:
        return {}
    for element in accepted.lower().split(","):
        stripped = element.strip(" \t")
        if not stripped:  # RFC 9110, section 5.6.1: ignore empty list elements
            continue
        if (match := ELEMENT.fullmatch(stripped)) is None:
            return {}
        coding = GZIP if match[1] == "x-gzip" else match[1]  # RFC 9110, section 8.4.1.3
        weight = float(match[2] or 1)
        # of a coding that is listed twice, the weight that cannot do harm
        weights[coding] = min(weight, weights.get(coding, weight))
    return weights


def _compressor(coding: str) -> Compressor:
    if coding == ZSTD:
        compressor: Compressor = zstd.ZstdCompressor(level=LEVEL)
        return compressor
    return zlib.compressobj(LEVEL, wbits=GZIP_WINDOW)


def _compressed(coding: str, body: bytes) -> bytes:
    compressor = _compressor(coding)
    return compressor.compress(body) + compressor.flush()
