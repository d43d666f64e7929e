"""The place where each request is counted and, if configured, logged.

aiohttp calls the access logger after every reply, also that to a malformed request. A
line has no confidential data: a path contains keys, and a query may contain a token, so
it has the template of the route instead. Of the client's data it has the address and a
known method only, so that no line can be forged.
"""

from aiohttp import hdrs, web
from aiohttp.abc import AbstractAccessLogger

from service.web.request_metrics import RequestMetrics

#: For a route or a method that does not exist, and for a malformed request.
UNKNOWN = "-"


class AccessLogger(AbstractAccessLogger):
    """Counts requests and, with `writes_lines`, logs a line for each of them."""

    metrics: RequestMetrics
    writes_lines = False

    def log(
        self, request: web.BaseRequest, response: web.StreamResponse, time: float
    ) -> None:
        self.metrics.count(request, response, time)
        if self.writes_lines:
            self._write_line(request, response, time)

    def _write_line(
        self, request: web.BaseRequest, response: web.StreamResponse, time: float
    ) -> None:
        """Logs address, request, status, bytes and seconds."""
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


def access_log_class(
    request_metrics: RequestMetrics, *, with_lines: bool
) -> type[AccessLogger]:
    """The class of a server's access logger: aiohttp creates one per connection."""

    class ConfiguredAccessLogger(AccessLogger):
        metrics = request_metrics
        writes_lines = with_lines

    return ConfiguredAccessLogger


def route_of(request: web.BaseRequest) -> str:
    """The template of the route, as in the OpenAPI document.

    Relies on `_match_info` of a request: `match_info` fails without a route.
    """
    match = getattr(request, "_match_info", None)
    resource = None if match is None else match.route.resource
    return UNKNOWN if resource is None else str(resource.canonical)
