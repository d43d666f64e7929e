"""The headers of every reply, whoever makes it."""

from collections.abc import Mapping

from aiohttp import hdrs, web
from multidict import CIMultiDict, istr

from service.web.cors import Cors

#: A reply is data for the client that asked, and nothing for a browser to render,
#: guess at, keep, frame, or hand to another site. A handler that knows better sets its
#: own.
DEFAULTS: CIMultiDict[str] = CIMultiDict(
    {
        istr("X-Content-Type-Options"): "nosniff",
        hdrs.CACHE_CONTROL: "no-store",
        istr("Content-Security-Policy"): "default-src 'none'; frame-ancestors 'none'",
        istr("Referrer-Policy"): "no-referrer",
        istr("Cross-Origin-Resource-Policy"): "same-origin",
    }
)

#: RFC 6797: this host is reached over TLS alone, for a year from each reply.
WITH_TLS = CIMultiDict(DEFAULTS, **{"Strict-Transport-Security": "max-age=31536000"})

#: aiohttp's own name tells its version, and Python's.
SERVER = "kv-service"

#: Without a charset, which JSON needs not, Windows PowerShell 5.1 decodes Latin-1.
JSON = "application/json; charset=utf-8"


def _beginning(headers: Mapping[str, str]) -> bytes:
    """Of a reply of JSON, up to what differs from one to the next."""
    own = {hdrs.SERVER: SERVER, hdrs.CONTENT_TYPE: JSON, **headers}
    lines = ["HTTP/1.1 200 OK", *(f"{name}: {value}" for name, value in own.items())]
    return "".join(f"{line}\r\n" for line in lines).encode()


class HeadedRequest(web.Request):
    """Puts them on its reply.

    This is where aiohttp calls the application's signals: a signal costs more, and
    there is none for what is refused before the application.
    """

    headers_of_replies = DEFAULTS
    beginning_of_json = _beginning(DEFAULTS)
    cors: Cors | None = None

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        headers = response.headers
        headers[hdrs.SERVER] = SERVER
        headers.merge(self.headers_of_replies)
        if self.cors is not None:
            self.cors.add_headers(self, headers)


def request_class(*, secure: bool, cors: Cors | None = None) -> type[HeadedRequest]:
    """The class that a server makes its requests of."""
    headers = WITH_TLS if secure else DEFAULTS
    varying: dict[str, str] = {hdrs.VARY: hdrs.ORIGIN} if cors else {}

    class ConfiguredRequest(HeadedRequest):
        headers_of_replies = headers
        beginning_of_json = _beginning({**headers, **varying})

    ConfiguredRequest.cors = cors
    return ConfiguredRequest
