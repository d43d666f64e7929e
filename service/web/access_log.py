"""The place where each request is counted and, if configured, logged.

aiohttp calls the access logger after every reply, also that to a malformed request.
"""

from collections.abc import Callable

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from service.web.headers import HeadedRequest
from service.web.request_metrics import RequestMetrics

#: For a route or a method that does not exist, and for a malformed request.
UNKNOWN = "-"

#: Writes the line of a request: with its reply, and its duration in seconds.
WriteLine = Callable[[web.BaseRequest, web.StreamResponse, float], None]


def access_log_class(
    request_metrics: RequestMetrics, write: WriteLine | None
) -> type[AbstractAccessLogger]:
    """The class of a server's access logger: aiohttp creates one per connection.

    It counts requests and, with `write`, logs them.
    """
    count = request_metrics.count

    def count_and_write(
        request: HeadedRequest, response: web.StreamResponse, time: float
    ) -> None:
        seconds = count(request, response, time)
        if write is not None:
            write(request, response, seconds)

    class ConfiguredAccessLogger(AbstractAccessLogger):
        # a method that calls the function would cost each request another call
        log = staticmethod(count if write is None else count_and_write)  # type: ignore[assignment]

    return ConfiguredAccessLogger


def route_of(request: web.BaseRequest) -> str:
    """The template of the route, as in the OpenAPI document.

    Relies on `_match_info` of a request: `match_info` fails without a route.
    """
    match = getattr(request, "_match_info", None)
    resource = None if match is None else match.route.resource
    return UNKNOWN if resource is None else str(resource.canonical)
