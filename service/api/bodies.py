"""Reading of request bodies, within limits on size, time and memory."""

import asyncio

from aiohttp import web

from service.api.context import ADMISSION, STORAGE
from service.api.parsing.queries import refuse_query
from service.auth.access_tokens import is_access_token
from service.auth.tokens import caller_of, known_caller_of
from service.errors import BodyTooLarge, InvalidRequest, RequestTimeout, before_write
from service.sizes import KIB, SMALL
from service.web.body_decoding import Coding, coding_of, decoded
from service.web.client_timeouts import MIN_RATE
from service.web.connection import receiving
from service.web.reservation import reserve, take_slot
from service.yielding import yield_loop

#: Bytes of a body without a token. The longest name and password take less, even with
#: every character escaped.
MAX_ANONYMOUS_BODY = 8 * KIB


async def read_body(request: web.Request, *, has_query: bool = False) -> bytes:
    """The body of a request, without its content coding.

    :param has_query: whether the route takes a query
    :raises InvalidRequest: there is a query that the route does not take, or the body
        is malformed or cut short
    :raises UnsupportedEncoding: its content coding is not supported
    :raises BodyTooLarge: it is longer than the limit
    :raises RequestTimeout: it arrives too slowly
    :raises Overloaded: there is no memory for it, or no slot for a large one
    :raises TokenRevoked: it may be large, and the access token is not valid
    """
    if not has_query:
        refuse_query(request.rel_url.raw_query_string)
    coding = coding_of(request)
    limit = request.client_max_size
    if known_caller_of(request) is None:
        limit = min(limit, MAX_ANONYMOUS_BODY)
    elif coding is not None or not request.content.is_eof():
        await _check_access_token(request)
    body = await _sent_body(request, limit)
    if coding is not None and body:
        body = await _decoded(request, body, coding, limit)
    if len(body) > SMALL:
        reserve(request, len(body))
        await take_slot(request, len(body))
    return body


async def _check_access_token(request: web.Request) -> None:
    """Checks an access token before a body is read that may be large.

    The signature of a JWT has been verified. Any client can make up an access token,
    which otherwise is checked together with the data.

    :raises TokenRevoked: it is unknown, or not valid any more
    """
    if is_access_token(caller_of(request)):
        with before_write():
            await request.app[STORAGE].account(caller_of(request))


async def _sent_body(request: web.Request, limit: int) -> bytes:
    """The body as it was sent.

    :raises InvalidRequest: it is cut short, or its chunks are malformed
    :raises BodyTooLarge: it is longer than the limit
    :raises RequestTimeout: it arrives too slowly
    :raises Overloaded: there is no memory for it
    """
    try:
        if not request.content.is_eof():
            return await _receive(request, limit)
        # most bodies arrive together with their heads
        body = request.content.read_nowait()
    except TimeoutError:
        # the rest of it is not read
        request.content.set_exception(web.RequestPayloadError())
        raise RequestTimeout("The body did not arrive in time") from None
    except (web.RequestPayloadError, ConnectionError):
        raise InvalidRequest("The body is not framed as its headers say") from None
    _check_size(len(body), limit)
    return body


async def _receive(request: web.Request, limit: int) -> bytes:
    announced = request.content_length or 0
    _check_size(announced, limit)
    if announced > SMALL:
        request.app[ADMISSION].check_capacity(announced)
    with receiving(request):
        return await _receive_in_time(request, limit)


async def _receive_in_time(request: web.Request, limit: int) -> bytes:
    """A body from its pieces; each extends the deadline, up to that of the first."""
    body = bytearray()
    clock = asyncio.get_running_loop().time
    max_wait = request.app[ADMISSION].client_timeout
    deadline = clock() + max_wait
    async with asyncio.timeout_at(deadline) as timeout:
        while chunk := await request.content.readany():
            body += chunk
            if len(body) > limit:
                raise BodyTooLarge(f"The body is longer than {limit} bytes, the limit")
            reserve(request, len(body))
            deadline = min(deadline + len(chunk) / MIN_RATE, clock() + max_wait)
            timeout.reschedule(deadline)
    return bytes(body)


async def _decoded(
    request: web.Request, body: bytes, coding: Coding, limit: int
) -> bytes:
    result = bytearray()
    for piece in decoded(body, coding):
        result += piece
        if len(result) > limit:
            raise BodyTooLarge(
                f"The body is longer than {limit} bytes when decoded, the limit"
            )
        reserve(request, max(len(body), len(result)))
        await yield_loop(len(result))
    reserve(request, len(result))
    return bytes(result)


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise BodyTooLarge(f"The body is {size} bytes long, the limit is {limit}")
