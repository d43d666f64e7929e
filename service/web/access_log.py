"""The access log: a line for each request, without confidential data.

A path contains keys, and a query may contain a token: a line has the template of the
route instead. Of the client's data it has the address and a known method only, so that
no line can be forged.
"""

from collections.abc import Callable

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

#: For a route or a method that does not exist, and for a malformed request.
UNKNOWN = "-"


class AccessLogger(AbstractAccessLogger):
    """The logger of requests: address, request, status, bytes and seconds."""

    def __init__(
        self,
        write: Callable[[web.BaseRequest, web.StreamResponse, float], None],
    ) -> None:
        self._write = write

    def log(
        self, request: web.BaseRequest, response: web.StreamResponse, time: float
    ) -> None:
        self._write(request, response, time)


def code_of(response: web.StreamResponse) -> str | None:
    return getattr(response, "code", None)


def route_of(request: web.BaseRequest) -> str:
    """The template of the route, as in the OpenAPI document.

    Relies on `_match_info` of a request: `match_info` fails without a route.
    """
    match = getattr(request, "_match_info", None)
    resource = None if match is None else match.route.resource
    return UNKNOWN if resource is None else str(resource.canonical)
