"""Replies of any length: they are sent, and compressed if possible, piece by piece."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import hdrs, web

from service.sizes import SMALL
from service.web.reply_compression import COMPRESSION, Stream

#: Sends a piece. Raises `ConnectionError` when the client has left.
Send = Callable[[bytes], Awaitable[None]]


@contextlib.asynccontextmanager
async def sending(
    request: web.Request, response: web.StreamResponse
) -> AsyncIterator[Send]:
    """Begins a reply, and ends it; yields the function that sends a piece.

    :param response: compressible, with its headers, not begun yet
    :raises ConnectionError: the client has left
    """
    with contextlib.ExitStack() as resources:
        stream = _negotiate(request, response, resources)
        await response.prepare(request)

        async def send(piece: bytes) -> None:
            if stream is not None:
                piece = await stream.compress(memoryview(piece))
            await response.write(piece)

        yield send
        if stream is not None:
            await response.write(await stream.flush())


def _negotiate(
    request: web.Request, response: web.StreamResponse, resources: contextlib.ExitStack
) -> Stream | None:
    compression = request.app[COMPRESSION]
    if not compression.applies_to(SMALL):
        return None
    response.headers.add(hdrs.VARY, hdrs.ACCEPT_ENCODING)
    coding = compression.coding_for(request)
    if coding is None or not compression.has_capacity:
        return None
    response.headers[hdrs.CONTENT_ENCODING] = coding
    return resources.enter_context(compression.stream(coding, SMALL))
