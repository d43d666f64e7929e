"""The access log: a line for each request, without what may be confidential.

A path holds keys and a query may hold a token, so that a line has the template of the
route. Nothing of a client's is in it but its address and a known method, and no line
can be forged.
"""

from aiohttp import hdrs, web
from aiohttp.abc import AbstractAccessLogger

#: For a route or a method that does not exist, and for what is no request at all.
UNKNOWN = "-"


class AccessLogger(AbstractAccessLogger):
    """Address, request, status, bytes, and seconds."""

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
    """The template of the route, as in the OpenAPI document."""
    # not the public name: without a route it is an error
    match = getattr(request, "_match_info", None)
    resource = None if match is None else match.route.resource
    return UNKNOWN if resource is None else str(resource.canonical)
