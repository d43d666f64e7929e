"""What the handlers hold, how they read a request, and how they reply."""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from aiohttp import hdrs, web

from service import parsing
from service.auth import CALLER, Tokens
from service.errors import BodyTooLarge, InvalidRequest, RequestTimeout
from service.feed import Feed
from service.load import SMALL, Load
from service.logins import Logins
from service.model import Retry
from service.passwords import PasswordHasher
from service.protocol import MIN_RATE, arriving, hold
from service.replies import Reply
from service.settings import Settings
from service.storage import Storage

T = TypeVar("T")

SETTINGS = web.AppKey("settings", Settings)
LOAD = web.AppKey("load", Load)
STORAGE = web.AppKey("storage", Storage)
FEED = web.AppKey("feed", Feed)
PASSWORDS = web.AppKey("passwords", PasswordHasher)
LOGINS = web.AppKey("logins", Logins)
TOKENS = web.AppKey("tokens", Tokens)

REVISION = "KV-Revision"
SUCCESS = b'{"status":"success"}'
IDEMPOTENCY_KEY = "Idempotency-Key"

#: Bytes of a body from somebody without a token. The longest name and password take
#: less, with every character of them escaped.
MAX_STRANGERS_BODY = 8 * 1024

#: How many times larger a reply is asked for when the last attempt was too small.
LARGER = 16

#: Visible ASCII; a client library may send quotes around it (RFC 9651, section 3.3.3).
IDEMPOTENCY_KEY_FORM = re.compile(r"[\x21-\x7e]{1,255}")

#: The headers that make another request of the same body.
PRECONDITIONS = (hdrs.IF_MATCH, hdrs.IF_NONE_MATCH)


async def body_of(request: web.Request) -> bytes:
    """:raises BodyTooLarge, InvalidRequest, RequestTimeout, Overloaded:"""
    limit = request.client_max_size
    if CALLER not in request:
        limit = min(limit, MAX_STRANGERS_BODY)
    announced = request.content_length or 0
    if announced > limit:
        raise BodyTooLarge(f"The body is {announced} bytes long, the limit is {limit}")
    if announced > SMALL:
        request.app[LOAD].expect(announced)
    try:
        if request.content.is_eof():  # most bodies come with their heads
            body = request.content.read_nowait()
            _check_size(body, limit)
            hold(request, len(body))
            return body
        with arriving(request):
            return await _whole(request, limit)
    except TimeoutError:
        request.content.set_exception(web.RequestPayloadError())  # no more of it
        raise RequestTimeout("The body did not come in time") from None
    except (web.RequestPayloadError, ConnectionError):
        raise InvalidRequest("The body does not arrive as its headers say") from None


async def body_alone(request: web.Request) -> bytes:
    """Of a call that takes no query.

    :raises BodyTooLarge, InvalidRequest, RequestTimeout, Overloaded:
    """
    parsing.refuse_query(request.rel_url.raw_query_string)
    return await body_of(request)


async def _whole(request: web.Request, limit: int) -> bytes:
    """A piece earns time for the next, but never more than for the first."""
    body = bytearray()
    clock, patience = asyncio.get_running_loop().time, request.app[LOAD].patience
    deadline = clock() + patience
    async with asyncio.timeout_at(deadline) as timeout:
        while chunk := await request.content.readany():
            body += chunk
            _check_size(body, limit)
            hold(request, len(body))
            deadline = min(deadline + len(chunk) / MIN_RATE, clock() + patience)
            timeout.reschedule(deadline)
    return bytes(body)


def _check_size(body: bytes | bytearray, limit: int) -> None:
    if len(body) > limit:
        raise BodyTooLarge(f"The body is longer than {limit} bytes, the limit")


async def reply_of(request: web.Request, ask: Callable[[int], Awaitable[T]]) -> T:
    """The reply to a question that takes the bytes it may have.

    Nobody knows before how many it wants; most want few, and are asked once.

    :raises BodyTooLarge, Overloaded:
    """
    limit = request.app[SETTINGS].max_body
    size = min(SMALL, limit)
    while True:
        hold(request, size)
        try:
            return await ask(size)
        except BodyTooLarge:
            if size == limit:
                raise
        size = min(size * LARGER, limit)


def retry_of(request: web.Request, body: bytes) -> Retry | None:
    """What makes it safe to make the request again; None without an `Idempotency-Key`.

    :raises InvalidRequest: the header is not a key
    """
    given = request.headers.getall(IDEMPOTENCY_KEY, None)
    if given is None:
        return None
    if len(given) > 1 or not IDEMPOTENCY_KEY_FORM.fullmatch(given[0]):
        raise InvalidRequest(
            f"The header {IDEMPOTENCY_KEY} must be there once, "
            "with 1 to 255 visible ASCII characters"
        )
    whole = hashlib.sha256()
    for part in (request.method, request.raw_path, *_preconditions(request)):
        whole.update(part.encode("utf-8", "surrogateescape") + b"\n")
    whole.update(body)
    return Retry(given[0], whole.hexdigest())


def _preconditions(request: web.Request) -> Iterable[str]:
    return (",".join(request.headers.getall(name, [])) for name in PRECONDITIONS)


def json_reply(body: str | bytes, revision: int | None = None) -> Reply:
    """:param revision: of the store, that of the write which is answered"""
    response = Reply(
        body=body if isinstance(body, bytes) else body.encode(),
        content_type="application/json",
    )
    if revision is not None:
        response.headers[REVISION] = str(revision)
    return response
