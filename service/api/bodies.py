"""The body of a request, as long as it may be and as soon as it should come."""

import asyncio

from aiohttp import web

from service.api import parsing
from service.api.context import ADMISSION
from service.auth.tokens import CALLER
from service.errors import BodyTooLarge, InvalidRequest, RequestTimeout
from service.sizes import SMALL
from service.web.client_timeouts import MIN_RATE
from service.web.connection import receiving
from service.web.content_encoding import Coding, coding_of, decoded
from service.web.reservation import reserve, take_slot
from service.yielding import yield_loop

#: Bytes of a body from somebody without a token. The longest name and password take
#: less, with every character of them escaped.
MAX_STRANGERS_BODY = 8 * 1024


async def body_of(request: web.Request) -> bytes:
    """Without its content coding.

    :raises UnsupportedEncoding:
    :raises BodyTooLarge, InvalidRequest, RequestTimeout, Overloaded:
    """
    coding = coding_of(request)
    limit = request.client_max_size
    if CALLER not in request:
        limit = min(limit, MAX_STRANGERS_BODY)
    try:
        if request.content.is_eof():  # most bodies come with their heads
            body = request.content.read_nowait()
            _check_size(len(body), limit)
        else:
            body = await _arriving(request, limit)
    except TimeoutError:
        request.content.set_exception(web.RequestPayloadError())  # no more of it
        raise RequestTimeout("The body did not come in time") from None
    except (web.RequestPayloadError, ConnectionError):
        raise InvalidRequest("The body does not arrive as its headers say") from None
    if coding is not None and body:
        body = await _decoded(request, body, coding, limit)
    if len(body) > SMALL:
        reserve(request, len(body))
        await take_slot(request, len(body))
    return body


async def body_alone(request: web.Request) -> bytes:
    """Of a call that takes no query.

    :raises UnsupportedEncoding:
    :raises BodyTooLarge, InvalidRequest, RequestTimeout, Overloaded:
    """
    parsing.refuse_query(request.rel_url.raw_query_string)
    return await body_of(request)


async def _arriving(request: web.Request, limit: int) -> bytes:
    announced = request.content_length or 0
    _check_size(announced, limit)
    if announced > SMALL:
        request.app[ADMISSION].check_capacity(announced)
    with receiving(request):
        return await _whole(request, limit)


async def _whole(request: web.Request, limit: int) -> bytes:
    """A piece earns time for the next, but never more than for the first."""
    body = bytearray()
    clock = asyncio.get_running_loop().time
    most = request.app[ADMISSION].client_timeout
    deadline = clock() + most
    async with asyncio.timeout_at(deadline) as timeout:
        while chunk := await request.content.readany():
            body += chunk
            if len(body) > limit:
                raise BodyTooLarge(f"The body is longer than {limit} bytes, the limit")
            reserve(request, len(body))
            deadline = min(deadline + len(chunk) / MIN_RATE, clock() + most)
            timeout.reschedule(deadline)
    return bytes(body)


async def _decoded(
    request: web.Request, body: bytes, coding: Coding, limit: int
) -> bytes:
    whole = bytearray()
    for piece in decoded(body, coding):
        whole += piece
        if len(whole) > limit:
            raise BodyTooLarge(
                f"The body is longer than {limit} bytes when decoded, the limit"
            )
        reserve(request, max(len(body), len(whole)))
        await yield_loop(len(whole))
    reserve(request, len(whole))
    return bytes(whole)


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise BodyTooLarge(f"The body is {size} bytes long, the limit is {limit}")
