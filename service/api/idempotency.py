"""`Idempotency-Key`: identifies a write that a client may repeat."""

import hashlib
import re
from collections.abc import Iterable

from aiohttp import web

from service.api.preconditions import PRECONDITIONS
from service.errors import InvalidRequest
from service.model import IdempotencyKey

IDEMPOTENCY_KEY = "Idempotency-Key"

#: Visible ASCII; a client library may send quotes around it (RFC 9651, section 3.3.3).
IDEMPOTENCY_KEY_FORM = re.compile(r"[\x21-\x7e]{1,255}")


def idempotency_of(request: web.Request, body: bytes) -> IdempotencyKey | None:
    """The idempotency record's key, and the request's fingerprint.

    None without the header `Idempotency-Key`.

    :raises InvalidRequest: the header is given twice, or its value is malformed
    """
    given = request.headers.getall(IDEMPOTENCY_KEY, None)
    if given is None:
        return None
    if len(given) > 1 or not IDEMPOTENCY_KEY_FORM.fullmatch(given[0]):
        raise InvalidRequest(
            f"The header {IDEMPOTENCY_KEY} must be given once, "
            "with 1 to 255 visible ASCII characters"
        )
    fingerprint = hashlib.sha256()
    for part in (request.method, request.raw_path, *_preconditions(request)):
        fingerprint.update(part.encode("utf-8", "surrogateescape") + b"\n")
    fingerprint.update(body)
    return IdempotencyKey(given[0], fingerprint.hexdigest())


def _preconditions(request: web.Request) -> Iterable[str]:
    return (",".join(request.headers.getall(name, [])) for name in PRECONDITIONS)
