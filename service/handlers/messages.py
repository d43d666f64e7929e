"""What the handlers have at hand, and how they ask the storage."""

import hashlib
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from aiohttp import hdrs, web

from service.auth import Tokens
from service.errors import InvalidRequest, ReplyTooLarge
from service.feed import Feed
from service.load import SMALL, Load
from service.logins import Logins
from service.model import Retry
from service.passwords import PasswordHasher
from service.protocol import hold, take_turn
from service.settings import Settings
from service.storage import Storage
from service.tickets import Tickets

T = TypeVar("T")

SETTINGS = web.AppKey("settings", Settings)
LOAD = web.AppKey("load", Load)
STORAGE = web.AppKey("storage", Storage)
FEED = web.AppKey("feed", Feed)
PASSWORDS = web.AppKey("passwords", PasswordHasher)
LOGINS = web.AppKey("logins", Logins)
TOKENS = web.AppKey("tokens", Tokens)
TICKETS = web.AppKey("tickets", Tickets)

SUCCESS = b'{"status":"success"}'
IDEMPOTENCY_KEY = "Idempotency-Key"

#: Bytes that a key and its value are expected to take.
EXPECTED = 256

#: Calls to the storage for one reply: with the size expected of it; with the size that
#: the first call found; if the values have grown since, with the largest size allowed.
MAX_CALLS = 3

#: Visible ASCII; a client library may send quotes around it (RFC 9651, section 3.3.3).
IDEMPOTENCY_KEY_FORM = re.compile(r"[\x21-\x7e]{1,255}")

#: The headers that make another request of the same body.
PRECONDITIONS = (hdrs.IF_MATCH, hdrs.IF_NONE_MATCH)


def expected_size(request: web.Request, keys: int) -> int:
    """Bytes of a reply of values that are not known yet, within what can be reserved.

    :param keys: their number
    """
    return min(keys * EXPECTED, request.app[LOAD].room)


async def reply_of(
    request: web.Request,
    size: int,
    ask: Callable[[int], Awaitable[T]],
    calls: int = MAX_CALLS,
) -> T:
    """The result of `ask`, called with the bytes that are reserved for it.

    :param size: bytes to begin with
    :param calls: of `ask`, at most; the last one is allowed the largest size
    :raises ReplyTooLarge, Overloaded:
    """
    limit = request.app[SETTINGS].max_body
    while True:
        size = min(max(size, SMALL), limit) if calls > 1 else limit
        await take_turn(request, size)
        hold(request, size)
        try:
            return await ask(size)
        except ReplyTooLarge as refused:
            if size == limit:
                raise
            size = refused.size
        hold(request, 0)  # nothing stays reserved while it waits for its slot
        calls -= 1


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
