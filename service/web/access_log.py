"""The place where each request is counted and, if configured, logged.

aiohttp calls the access logger after every reply, also that to a malformed request.
"""

from collections.abc import Callable

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from service.web.headers import HeadedRequest
from service.web.request_metrics import RequestMetrics

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
