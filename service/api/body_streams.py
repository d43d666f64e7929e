"""Bodies of any length, read in pieces while the request is worked on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

from aiohttp import web

from service.api.context import ADMISSION
from service.errors import InvalidRequest, RequestTimeout, Stopping
from service.sizes import KIB, SMALL
from service.web.body_decoding import BodyDecoder, coding_of
from service.web.client_timeouts import MIN_RATE
from service.web.connection import receiving, receiving_more

#: Bytes of a compressed body that permit one more member: programs that compress in
#: blocks make one of each block.
BYTES_PER_MEMBER = KIB

#: Seconds for which the rest of a body is received, and dropped, while the service
#: stops: a connection that closes with unread bytes may lose its reply.
END_GRACE = 1.0


class BodyStream:
    """The body of a request, without its content coding.

    Work between two pieces is not counted against the client's time.

    :ivar window: bytes that the decoder takes, at most
    """

    def __init__(self, request: web.Request) -> None:
        """
        :raises UnsupportedEncoding: the content coding is not supported
        """
        coding = coding_of(request)
        self.window = 0 if coding is None else coding.window
        self._decoder = coding and BodyDecoder(coding, BYTES_PER_MEMBER)
        self._request = request
        self._max_wait = request.app[ADMISSION].client_timeout
        self._time_left = self._max_wait
        self._is_admitted = False
        self._is_stopping = False
        self._timeout: asyncio.Timeout | None = None  # of a read in progress

    async def pieces(self) -> AsyncIterator[bytes]:
        """The pieces, of at most 64 KiB.

        :raises InvalidRequest: the body is cut short or malformed
        :raises RequestTimeout: it arrives too slowly
        :raises Overloaded: too many requests are in flight when it begins to arrive
        :raises Stopping: the service is stopping
        """
        while part := await self._receive():
            if self._decoder is None:
                yield part
            else:
                for piece in self._decoder.feed(part):
                    self._check_stopping()  # a part may have megabytes
                    yield piece
        if self._decoder is not None:
            self._decoder.finish()

    def stop(self) -> None:
        """Ends the stream with `Stopping`."""
        self._is_stopping = True
        if self._timeout is not None:
            self._timeout.reschedule(asyncio.get_running_loop().time())

    async def linger(self) -> None:
        """Receives and drops what the client still sends, for a short time."""
        with contextlib.suppress(TimeoutError, web.RequestPayloadError, OSError):
            async with asyncio.timeout(END_GRACE):
                while await self._request.content.readany():
                    pass

    async def _receive(self) -> bytes:
        waiting = receiving_more if self._is_admitted else receiving
        try:
            with waiting(self._request):
                part = await self._read_in_time()
        except TimeoutError:
            # the rest of it is not read
            self._request.content.set_exception(web.RequestPayloadError())
            raise RequestTimeout("The body did not arrive in time") from None
        except (web.RequestPayloadError, OSError):
            raise InvalidRequest("The body is not framed as its headers say") from None
        self._is_admitted = True
        return part

    async def _read_in_time(self) -> bytes:
        """:raises TimeoutError: the client is too slow"""
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            self._check_stopping()
            async with asyncio.timeout_at(began + self._time_left) as self._timeout:
                part = await self._request.content.read(SMALL)
        except TimeoutError:
            self._check_stopping()
            raise
        finally:
            self._timeout = None
        earned = len(part) / MIN_RATE
        left = self._time_left - (clock() - began) + earned
        self._time_left = min(left, self._max_wait)
        return part

    def _check_stopping(self) -> None:
        if self._is_stopping:
            raise Stopping()


class BodyStreams:
    """The streams in progress."""

    def __init__(self) -> None:
        self._streams: set[BodyStream] = set()
        self._is_stopping = False

    @contextlib.contextmanager
    def reading(self, request: web.Request) -> Iterator[BodyStream]:
        """A context in which the body of a request is read.

        :raises UnsupportedEncoding: its content coding is not supported
        """
        stream = BodyStream(request)
        if self._is_stopping:
            stream.stop()
        self._streams.add(stream)
        try:
            yield stream
        finally:
            self._streams.remove(stream)

    def stop(self) -> None:
        """Ends all streams, which would otherwise outlast the shutdown."""
        self._is_stopping = True
        for stream in self._streams:
            stream.stop()


BODY_STREAMS = web.AppKey("body_streams", BodyStreams)
