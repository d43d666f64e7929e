"""What the handlers hold, how they read a request, and how they reply."""

import hashlib
import re
from collections.abc import Iterable

from aiohttp import hdrs, web

from service import parsing
from service.auth import Tokens
from service.errors import BodyTooLarge, InvalidRequest
from service.feed import Feed
from service.logins import Logins
from service.model import Retry
from service.passwords import PasswordHasher
from service.settings import Settings
from service.storage import Storage

SETTINGS = web.AppKey("settings", Settings)
STORAGE = web.AppKey("storage", Storage)
FEED = web.AppKey("feed", Feed)
PASSWORDS = web.AppKey("passwords", PasswordHasher)
LOGINS = web.AppKey("logins", Logins)
TOKENS = web.AppKey("tokens", Tokens)

REVISION = "KV-Revision"
SUCCESS = b'{"status":"success"}'
IDEMPOTENCY_KEY = "Idempotency-Key"

#: Visible ASCII; a client library may send quotes around it (RFC 9651, section 3.3.3).
IDEMPOTENCY_KEY_FORM = re.compile(r"[\x21-\x7e]{1,255}")

#: The headers that make another request of the same body.
PRECONDITIONS = (hdrs.IF_MATCH, hdrs.IF_NONE_MATCH)


async def body_of(request: web.Request) -> bytes:
    """:raises BodyTooLarge, InvalidRequest:"""
    limit = request.client_max_size
    announced = request.content_length or 0
    if announced > limit:
        raise BodyTooLarge(f"The body is {announced} bytes long, the limit is {limit}")
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise BodyTooLarge(
            f"The body is longer than {limit} bytes, the limit"
        ) from None
    except (web.RequestPayloadError, ConnectionError):
        raise InvalidRequest("The body does not arrive as its headers say") from None


async def body_alone(request: web.Request) -> bytes:
    """Of a call that takes no query.

    :raises BodyTooLarge, InvalidRequest:
    """
    parsing.refuse_query(request.rel_url.raw_query_string)
    return await body_of(request)


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


def json_reply(body: str | bytes, revision: int | None = None) -> web.Response:
    """:param revision: of the store, that of the write which is answered"""
    response = web.Response(
        body=body if isinstance(body, bytes) else body.encode(),
        content_type="application/json",
    )
    if revision is not None:
        response.headers[REVISION] = str(revision)
    return response
