"""The place where each request is counted and, if configured, logged and audited.

aiohttp calls the access logger after every reply, also that to a malformed request.
"""

from collections.abc import Callable

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from service.web.headers import HeadedRequest
from service.web.request_metrics import RequestMetrics

#: Writes the line of a request: with its reply, and its duration in seconds.
WriteLine = Callable[[web.BaseRequest, web.StreamResponse, float], None]

#: Writes the audit line of a request, if it has one, with its reply.
Audit = Callable[[web.BaseRequest, web.StreamResponse], None]


def access_log_class(
    request_metrics: RequestMetrics, write: WriteLine | None, audit: Audit | None
) -> type[AbstractAccessLogger]:
    """The class of a server's access logger: aiohttp creates one per connection.

    It counts requests and, with `write` and `audit`, logs them.
    """
    count = request_metrics.count

    def count_and_write(
        request: HeadedRequest, response: web.StreamResponse, time: float
    ) -> None:
        seconds = count(request, response, time)
        if audit is not None:
            audit(request, response)
        if write is not None:
            write(request, response, seconds)

    is_only_counted = write is None and audit is None

    class ConfiguredAccessLogger(AbstractAccessLogger):
        # a method that calls the function would cost each request another call
        log = staticmethod(count if is_only_counted else count_and_write)  # type: ignore[assignment]

    return ConfiguredAccessLogger
