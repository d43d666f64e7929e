"""Cross-origin requests: which pages of other origins a browser lets read a reply.

Credentials of the browser are never allowed: a token is sent in its own header.
"""

from collections.abc import Collection

from aiohttp import hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy

from service.settings import ANY

#: Seconds that a browser may remember a preflight: no browser remembers one for longer.
MAX_AGE = 7200

#: Request headers that a page needs permission for.
REQUEST_HEADERS = (
    "Authorization, Content-Type, Content-Encoding, If-Match, If-None-Match, "
    "Idempotency-Key, Last-Event-ID, X-Request-Id, traceparent"
)

#: Reply headers that a page may read, besides the safelisted ones.
REPLY_HEADERS = "ETag, KV-Revision, KV-Age, KV-TTL, Retry-After, Allow, X-Request-Id"


class Cors:
    """The headers that replies to pages of other origins carry.

    :param origins: serialized origins (RFC 6454, section 6.2), or `*`
    """

    def __init__(self, origins: Collection[str]) -> None:
        self._allows_any = ANY in origins
        self._origins = frozenset(origins)

    def add_headers(self, request: web.BaseRequest, headers: CIMultiDict[str]) -> None:
        """Completes the headers of a reply, whatever its status."""
        append_vary(headers, hdrs.ORIGIN)
        allowed = self._allowed(request.headers)
        if allowed is None:
            return
        headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = allowed
        if _is_preflight(request) and hdrs.ALLOW in headers:
            headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = headers[hdrs.ALLOW]
            headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = REQUEST_HEADERS
            headers[hdrs.ACCESS_CONTROL_MAX_AGE] = str(MAX_AGE)
        else:
            headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = REPLY_HEADERS

    def _allowed(self, headers: CIMultiDictProxy[str]) -> str | None:
        if self._allows_any:
            # also where the headers are not known: they may be what is malformed
            return ANY
        origin = headers.get(hdrs.ORIGIN)
        return origin if origin in self._origins else None


def append_vary(headers: CIMultiDict[str], name: str) -> None:
    """Adds a request header on which the reply depends."""
    given = headers.get(hdrs.VARY)
    headers[hdrs.VARY] = f"{given}, {name}" if given else name


def _is_preflight(request: web.BaseRequest) -> bool:
    return (
        request.method == hdrs.METH_OPTIONS
        and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
    )
