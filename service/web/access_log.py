"""The access log: a line for each request, without confidential data.

A path contains keys, and a query may contain a token: a line has the template of the
route instead. Of the client's data it has the address and a known method only, so that
no line can be forged.
"""

from aiohttp import hdrs, web
from aiohttp.abc import AbstractAccessLogger

#: For a route or a method that does not exist, and for a malformed request.
UNKNOWN = "-"


class AccessLogger(AbstractAccessLogger):
    """The logger of requests: address, request, status, bytes and seconds."""

    def log(
        self, request: web.BaseRequest, response: web.StreamResponse, time: float
    ) -> None:
        version = request.version
        self.logger.info(
            '%s "%s %s HTTP/%d.%d" %d %d %.6f',
            request.remote or UNKNOWN,
            request.method if request.method in hdrs.METH_ALL else UNKNOWN,
            route_of(request),
            version.major,
            version.minor,
            response.status,
            response.body_length,
            time,
        )


def route_of(request: web.BaseRequest) -> str:
    """The template of the route, as in the OpenAPI document.

    Relies on `_match_info` of a request: `match_info` fails without a route.
    """
    match = getattr(request, "_match_info", None)
    resource = None if match is None else match.route.resource
    return UNKNOWN if resource is None else str(resource.canonical)
