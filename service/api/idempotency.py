"""The idempotency record of a request that has an `Idempotency-Key`."""

import hashlib
import re
from collections.abc import Iterable

from aiohttp import hdrs, web

from service.errors import InvalidRequest
from service.model import IdempotencyKey

IDEMPOTENCY_KEY = "Idempotency-Key"

#: Visible ASCII; a client library may send quotes around it (RFC 9651, section 3.3.3).
IDEMPOTENCY_KEY_FORM = re.compile(r"[\x21-\x7e]{1,255}")

#: The headers that make another request of the same body.
PRECONDITIONS = (hdrs.IF_MATCH, hdrs.IF_NONE_MATCH)


def retry_of(request: web.Request, body: bytes) -> IdempotencyKey | None:
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
    return IdempotencyKey(given[0], whole.hexdigest())


def _preconditions(request: web.Request) -> Iterable[str]:
    return (",".join(request.headers.getall(name, [])) for name in PRECONDITIONS)
