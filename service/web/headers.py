"""The headers of every reply."""

from collections.abc import Mapping
from typing import Literal, cast

from aiohttp import hdrs, web
from multidict import CIMultiDict, istr

from service.model import Caller
from service.telemetry.request_ids import RequestIds
from service.web.cors import Cors

#: The revision of the store after a write; of the data of a list or a stale read.
KV_REVISION = "KV-Revision"

#: Of a stale read: seconds since the node that answered it heard from the leader.
KV_AGE = "KV-Age"

#: Seconds until the key expires.
KV_TTL = "KV-TTL"

#: The id of a request: chosen by its client or, without a valid one, by the service.
REQUEST_ID = istr("X-Request-Id")

#: A reply is data for its client. A browser must not render, sniff, store or frame it,
#: or give it to another site. A handler may set other values.
DEFAULTS: CIMultiDict[str] = CIMultiDict(
    {
        istr("X-Content-Type-Options"): "nosniff",
        hdrs.CACHE_CONTROL: "no-store",
        istr("Content-Security-Policy"): "default-src 'none'; frame-ancestors 'none'",
        istr("Referrer-Policy"): "no-referrer",
        istr("Cross-Origin-Resource-Policy"): "same-origin",
    }
)

#: RFC 6797: the host is reached over TLS only, for a year from each reply.
WITH_TLS = CIMultiDict(DEFAULTS, **{"Strict-Transport-Security": "max-age=31536000"})

#: aiohttp's default contains its version, and Python's.
SERVER = "kv-service"

#: JSON needs no charset, but without one Windows PowerShell 5.1 decodes Latin-1.
JSON = "application/json; charset=utf-8"


def age_headers(age: float, revision: int) -> dict[str, str]:
    """The headers of the reply to a stale read.

    :param age: of the data, in seconds
    """
    return {KV_REVISION: str(revision), KV_AGE: age_text(age)}


def age_text(age: float) -> str:
    """The value of `KV-Age`."""
    return f"{age:.3f}"


def _beginning(headers: Mapping[str, str]) -> bytes:
    """The head of a reply with JSON, up to the headers that vary."""
    own = {hdrs.SERVER: SERVER, hdrs.CONTENT_TYPE: JSON, **headers}
    lines = ["HTTP/1.1 200 OK", *(f"{name}: {value}" for name, value in own.items())]
    return "".join(f"{line}\r\n" for line in lines).encode()


#: What calls do with keys.
KeyOperation = Literal["read", "write", "delete", "increment"]


class HeadedRequest(web.Request):
    """A request that has an id, and adds the headers to its reply.

    Relies on `_prepare_hook()`, where aiohttp sends the application's signal. A signal
    costs more, and is not sent for requests that are refused before the application.
    Relies on `ATTRS`, the attributes that a request may have.

    :ivar began: when it was dispatched, by `time.perf_counter`; None: it was malformed
    :ivar caller: of its token, once that has been verified
    :ivar expires_at: of its token, in seconds since 1970
    :ivar touched: operations and numbers of keys of a call that has succeeded
    """

    ATTRS = web.Request.ATTRS | {
        "_request_id",
        "began",
        "caller",
        "expires_at",
        "reservation",
        "touched",
    }

    headers_of_replies = DEFAULTS
    beginning_of_json = _beginning(DEFAULTS)
    cors: Cors | None = None
    request_ids: RequestIds
    began: float | None = None
    caller: Caller
    expires_at: float
    touched: tuple[tuple[KeyOperation, int], ...] = ()
    _request_id: str | None = None

    @property
    def request_id(self) -> str:
        """The id that the client has given; a new one instead of an invalid one."""
        found = self._request_id
        if found is None:
            found = self.request_ids.id_for(self.headers.get(REQUEST_ID))
            self._request_id = found
        return found

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        headers = response.headers
        headers[hdrs.SERVER] = SERVER
        headers[REQUEST_ID] = self.request_id
        headers.merge(self.headers_of_replies)
        if self.cors is not None:
            self.cors.add_headers(self, headers)


def request_class(
    application: web.Application, *, secure: bool, cors: Cors | None = None
) -> type[HeadedRequest]:
    """The class of a server's requests."""
    headers = WITH_TLS if secure else DEFAULTS
    varying: dict[str, str] = {hdrs.VARY: hdrs.ORIGIN} if cors else {}

    class ConfiguredRequest(HeadedRequest):
        app = application  # aiohttp looks it up for each use
        headers_of_replies = headers
        beginning_of_json = _beginning({**headers, **varying})
        request_ids = RequestIds()

    ConfiguredRequest.cors = cors
    return ConfiguredRequest


def request_id_of(request: web.BaseRequest) -> str:
    """The id of a request of this package's server."""
    return cast(HeadedRequest, request).request_id
